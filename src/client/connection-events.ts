import type { DirectMessage } from "../protocol/inbox.ts";
import type { Presence } from "../protocol/presence.ts";
import type { BroadcastFrame, ClosingFrame, WelcomeFrame } from "../protocol/server-frames.ts";
import type { Emitter } from "./emitter.ts";
import type { RollcallError } from "./errors.ts";
import type { Gap } from "./log-position.ts";
import type { RosterChange } from "./roster.ts";
import type { ConnectionState } from "./state.ts";
import type { AnyEvents, MessageOf, SignalOf } from "./typed-events.ts";

/** Tells whoever listens to the connection; false where nobody does. */
export type Emit = Emitter<ConnectionEvents>["emit"];

/** What a connection tells, by event name. */
export interface ConnectionEvents<E = AnyEvents> {
  /** Each new state, once. */
  status: ConnectionState;
  /** Connected, anew or again. */
  welcome: WelcomeFrame;
  /** A message of a channel, in order and never twice. */
  message: MessageOf<E>;
  /** On a channel connection: messages are lost between the last one and the next. Told before anything later. */
  gap: Gap;
  /** A direct message to this user, in order and once; acknowledged when the handlers have returned. */
  direct: DirectMessage;
  /** Something ephemeral from another session: typing, a cursor. */
  signal: SignalOf<E>;
  /** A back end's word to everybody who is connected; once, however often it comes. */
  broadcast: Omit<BroadcastFrame, "type">;
  /** On a channel connection: the roster changed; `connection.roster` is already the new one. */
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
