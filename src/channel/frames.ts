import type { Settings } from "../config.ts";
import { type Connection, fromConnection } from "../connections/connection.ts";
import { sendError, sendOk } from "../connections/incoming.ts";
import { type ChannelFrame, type ChannelGrants, notHere } from "../connections/kept/channel-grants.ts";
import type { FrameToChannel } from "../connections/kept/reception.ts";
import { publishRequest, signalRequest } from "../objects/commands.ts";
import type { SubscribeFrame } from "../protocol/client-frames.ts";
import { isRefusal, type Refusal } from "../protocol/codes.ts";
import type { Messages } from "./log/messages.ts";
import type { Members } from "./roster/members.ts";
import type { Standing } from "./standing.ts";

type Answer = Refusal | Record<string, unknown>;

/** Frames of a channel's own connections: granted, carried out and answered at once. */
export class ChannelFrames {
  readonly #grants: ChannelGrants;
  readonly #settings: Settings;
  readonly #messages: Messages;
  readonly #members: Members;
  readonly #standing: Standing;

  constructor(
    settings: Settings,
    rooms: { messages: Messages; members: Members; standing: Standing; grants: ChannelGrants },
  ) {
    this.#grants = rooms.grants;
    this.#settings = settings;
    this.#messages = rooms.messages;
    this.#members = rooms.members;
    this.#standing = rooms.standing;
  }

  answer(connection: Connection, frame: FrameToChannel): void {
    switch (frame.type) {
      case "publish":
      case "signal":
      case "history":
      case "members": {
        const answer = this.#grants.refusalOf(connection, frame) ?? this.#carryOut(connection, frame);
        if (isRefusal(answer)) return sendError(connection, answer, frame.ref);
        if (frame.type !== "signal" || frame.ref !== undefined) sendOk(connection, frame.ref, answer);
        return;
      }
      case "subscribe":
        return this.#check(connection, frame);
      case "watch":
      case "unwatch":
      case "unsubscribe":
      case "send":
      case "ack":
        return sendError(connection, notHere(frame), frame.ref);
    }
  }

  /** Was anything missed? Answered as on connecting, and what was missed is told again. */
  #check(connection: Connection, frame: SubscribeFrame): void {
    const refused = this.#grants.refusalOfCheck(connection, frame);
    const { ref, epoch, offset, rewind = 0 } = frame;
    if (refused !== undefined) return sendError(connection, refused, ref);
    const head = { type: "subscribed" as const, ...(ref === undefined ? {} : { ref }) };
    const recover = epoch === undefined || offset === undefined ? {} : { recover: { epoch, offset } };
    this.#standing.tell(connection, head, { ...recover, rewind });
  }

  #carryOut(connection: Connection, frame: ChannelFrame): Answer {
    switch (frame.type) {
      case "publish": {
        const from = fromConnection(connection);
        const request = publishRequest(frame, from, this.#settings);
        return isRefusal(request) ? request : { ...this.#messages.publish({ ...request, from }) };
      }
      case "signal": {
        const request = signalRequest(frame, fromConnection(connection), this.#settings);
        if (isRefusal(request)) return request;
        this.#messages.signal(request);
        return {};
      }
      case "history": {
        const { epoch, offset, messagesJson } = this.#messages.history(frame, fromConnection(connection));
        return { epoch, offset, messages: JSON.parse(messagesJson) };
      }
      case "members": {
        const { count, members, cursor } = this.#members.page(frame);
        return { count, members, ...(cursor === undefined ? {} : { cursor }) };
      }
    }
  }
}
