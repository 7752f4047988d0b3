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
} from "../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { notAvailable } from "../protocol/later.ts";
import type { Members } from "./members.ts";
import type { Messages } from "./messages.ts";

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

  constructor(channel: string, settings: Settings, rooms: { messages: Messages; members: Members }) {
    this.#channel = channel;
    this.#settings = settings;
    this.#messages = rooms.messages;
    this.#members = rooms.members;
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
      default:
        return sendError(connection, notAvailable(frame.type), frame.ref);
    }
  }

  #granted(connection: Connection, frame: ChannelFrame): Refusal | undefined {
    if (frame.type === "signal" && frame.user !== undefined) {
      return notAvailable("a signal to a user");
    }
    if (frame.channel !== undefined && frame.channel !== this.#channel) {
      return refusal("bad_request", "channel: this connection is to another channel");
    }
    if (mayUseChannel(connection.state.claims, frame.type, this.#channel, this.#settings.DEFAULT_GRANTS)) {
      return undefined;
    }
    return refusal("forbidden", `no grant to ${frame.type} on this channel`);
  }

  #carryOut(connection: Connection, frame: ChannelFrame): Answer {
    switch (frame.type) {
      case "publish": {
        const request = publishRequest(frame, fromConnection(connection), this.#settings);
        return isRefusal(request) ? request : { ...this.#messages.publish(request) };
      }
      case "signal": {
        const request = signalRequest(frame, fromConnection(connection), this.#settings);
        if (isRefusal(request)) return request;
        this.#messages.signal(request);
        return {};
      }
      case "history": {
        const { epoch, offset, messagesJson } = this.#messages.history(frame);
        return { epoch, offset, messages: JSON.parse(messagesJson) };
      }
      case "members": {
        const { count, members, cursor } = this.#members.page(frame);
        return { count, members, ...(cursor === undefined ? {} : { cursor }) };
      }
    }
  }
}
