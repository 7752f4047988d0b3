import { mayUseChannel } from "../auth/grants.ts";
import type { Settings } from "../config.ts";
import { type Connection, fromConnection } from "../connections/connection.ts";
import { sendError, sendOk } from "../connections/incoming.ts";
import { publishRequest, signalRequest } from "../objects/commands.ts";
import type {
  AuthFrame,
  ClientFrame,
  HeartbeatFrame,
  HistoryFrame,
  MembersFrame,
  PresenceFrame,
  PublishFrame,
  SignalFrame,
  SubscribeFrame,
} from "../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import type { Messages } from "./log/messages.ts";
import type { Members } from "./roster/members.ts";
import type { Standing } from "./standing.ts";

type ChannelFrame = PublishFrame | SignalFrame | HistoryFrame | MembersFrame;
/** Answered by the user's object, or about the connection itself. */
type ElsewhereFrame = AuthFrame | HeartbeatFrame | PresenceFrame;
type Answer = Refusal | Record<string, unknown>;

/** Frames of a channel's own connections: granted, carried out and answered at once. */
export class ChannelFrames {
  readonly #channel: string;
  readonly #settings: Settings;
  readonly #messages: Messages;
  readonly #members: Members;
  readonly #standing: Standing;

  constructor(
    channel: string,
    settings: Settings,
    rooms: { messages: Messages; members: Members; standing: Standing },
  ) {
    this.#channel = channel;
    this.#settings = settings;
    this.#messages = rooms.messages;
    this.#members = rooms.members;
    this.#standing = rooms.standing;
  }

  answer(connection: Connection, frame: Exclude<ClientFrame, ElsewhereFrame>): void {
    switch (frame.type) {
      case "publish":
      case "signal":
      case "history":
      case "members": {
        const answer = this.#granted(connection, frame) ?? this.#carryOut(connection, frame);
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
      case "ack": {
        const refused = refusal("bad_request", `a user connection is needed to ${frame.type}`);
        return sendError(connection, refused, frame.ref);
      }
    }
  }

  /** Was anything missed? Answered as on connecting, and what was missed is told again. */
  #check(connection: Connection, { ref, channel, epoch, offset, rewind = 0 }: SubscribeFrame): void {
    const refused = this.#refusedCheck(connection, channel, rewind);
    if (refused !== undefined) return sendError(connection, refused, ref);
    const head = { type: "subscribed" as const, ...(ref === undefined ? {} : { ref }) };
    const recover = epoch === undefined || offset === undefined ? {} : { recover: { epoch, offset } };
    this.#standing.tell(connection, head, { ...recover, rewind });
  }

  #refusedCheck({ state }: Connection, channel: string | undefined, rewind: number): Refusal | undefined {
    const { HISTORY_SIZE, DEFAULT_GRANTS } = this.#settings;
    if (channel !== undefined && channel !== this.#channel) return elsewhere();
    const may = (what: "subscribe" | "history") =>
      mayUseChannel(state.claims, what, this.#channel, DEFAULT_GRANTS);
    if (!may("subscribe")) return refusal("forbidden", "no grant to subscribe to this channel");
    if (rewind > HISTORY_SIZE)
      return refusal("bad_request", `rewind: at most ${HISTORY_SIZE}`, [
        { path: "rewind", message: `at most ${HISTORY_SIZE}` },
      ]);
    return rewind > 0 && !may("history")
      ? refusal("forbidden", "rewind: no grant to history on this channel")
      : undefined;
  }

  #granted(connection: Connection, frame: ChannelFrame): Refusal | undefined {
    if (frame.channel !== undefined && frame.channel !== this.#channel) {
      return elsewhere();
    }
    if (mayUseChannel(connection.state.claims, frame.type, this.#channel, this.#settings.DEFAULT_GRANTS)) {
      return undefined;
    }
    return refusal("forbidden", `no grant to ${frame.type} on this channel`);
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

function elsewhere(): Refusal {
  return refusal("bad_request", "channel: this connection is to another channel");
}
