import type { Member, Message, Session } from "../protocol/bodies.ts";
import type { EventType } from "../protocol/events.ts";
import type { DirectMessage } from "../protocol/inbox.ts";
import type { Presence } from "../protocol/presence.ts";

/** One event as it was delivered. */
interface Delivered<Type extends EventType, Data> {
  /** The same for ever, however often it comes: drop what you know. */
  id: string;
  type: Type;
  /** When it happened, in milliseconds. */
  timestamp: number;
  data: Data;
  /** How often its cause went round through webhooks, from 1: for `rollcall.because(event)`. */
  hop: number;
  /** An operator sent it again. */
  isRedriven: boolean;
}

/** A session; `version` grows over all events of one user. */
export type SessionEventData = Omit<Session, "ip"> & { version: number };

/** Why a session ended. A newer service may know others. */
export type EndReason =
  | "closed"
  | "lost"
  | "timeout"
  | "slow"
  | "expired"
  | "refused"
  | "replaced"
  | "ended"
  | "revoked"
  | "erased"
  | "protocol";

/** A channel that has members now, or none any more; `version` grows over all events of its members. */
export interface ChannelEventData {
  channel: string;
  version: number;
}

export interface MemberEventData extends ChannelEventData {
  member: Member;
}

/** A message too large for the queue comes without its `data`, and says so: read it from where it is kept. */
type Truncatable<M extends { data: unknown }> = Omit<M, "data"> & { data?: M["data"]; truncated?: true };

/**
 * What a webhook is told, by `type`. At least once and in any order: with a later `version`, or `offset`, in hand, an
 * older one is history. A newer service may tell of more: leave alone what you do not know.
 */
export type WebhookEvent =
  | Delivered<"session.started", SessionEventData>
  | Delivered<"session.ended", SessionEventData & { reason: EndReason }>
  | Delivered<"presence.changed", Presence>
  | Delivered<"channel.occupied" | "channel.vacated", ChannelEventData>
  | Delivered<"member.joined" | "member.left", MemberEventData>
  | Delivered<"message.published", Truncatable<Message>>
  | Delivered<"direct.expired", Truncatable<DirectMessage> & { user: string }>;
