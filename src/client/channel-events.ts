import type { ChannelState } from "./channel-state.ts";
import type { RollcallError } from "./errors.ts";
import type { Gap } from "./log-position.ts";
import type { RosterChange } from "./roster.ts";
import type { AnyEvents, MessageOf, SignalOf } from "./typed-events.ts";

/** What a channel tells, by event name. */
export interface ChannelEvents<E = AnyEvents> {
  /** Each new state, once. */
  status: ChannelState;
  /** A message, in order and never twice. */
  message: MessageOf<E>;
  /** Messages are lost between the last one and the next. Told before anything later. */
  gap: Gap;
  /** Something ephemeral from another session: typing, a cursor. */
  signal: SignalOf<E>;
  /** The roster changed; `members` is already the new one. */
  members: RosterChange;
  /** It is over, because of this. Told before the status. */
  error: RollcallError;
}
