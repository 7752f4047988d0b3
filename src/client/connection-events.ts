import type { Message } from "../protocol/bodies.ts";
import type { DirectMessage } from "../protocol/inbox.ts";
import type { Presence } from "../protocol/presence.ts";
import type {
  BroadcastFrame,
  ClosingFrame,
  SignalledFrame,
  WelcomeFrame,
} from "../protocol/server-frames.ts";
import type { RollcallError } from "./errors.ts";
import type { Gap } from "./log-position.ts";
import type { RosterChange } from "./roster.ts";
import type { ConnectionState } from "./state.ts";

/** What a connection tells, by event name. */
export interface ConnectionEvents {
  /** Each new state, once. */
  status: ConnectionState;
  /** Connected, anew or again. */
  welcome: WelcomeFrame;
  /** A message of a channel, in order and never twice. */
  message: Message;
  /** On a channel connection: messages are lost between the last one and the next. Told before anything later. */
  gap: Gap;
  /** A direct message to this user, in order and once; acknowledged when the handlers have returned. */
  direct: DirectMessage;
  /** Something ephemeral from another session: typing, a cursor. */
  signal: Omit<SignalledFrame, "type">;
  /** A back end's word to everybody who is connected; once, however often it comes. */
  broadcast: Omit<BroadcastFrame, "type">;
  /** The roster changed; `connection.roster` is already the new one. */
  members: RosterChange;
  /** News of a user who is watched; never older than what was told before. */
  presence: Presence;
  /** The server is about to close this connection. */
  closing: Omit<ClosingFrame, "type">;
  /** Something went wrong that no promise tells. The connection goes on. */
  error: RollcallError;
  /** Every raw text frame, either way; `at` in milliseconds. For looking, not for logic. */
  frame: { direction: "in" | "out"; text: string; at: number };
}
