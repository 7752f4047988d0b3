import type { Claims } from "../protocol/claims.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { Device } from "../protocol/names.ts";
import type { SeenStatus } from "../protocol/presence.ts";
import type { LocationHint } from "./placement.ts";
import type { LogPosition } from "./said.ts";

/* What is said between objects about one session, from its beginning to its end: part of the ports. */

/** A ticket that was presented: signed and in time, which the Worker checked. That it is used once, only the user's object knows. */
export interface TicketUse {
  id: string;
  /** Milliseconds. */
  expiresAt: number;
}

/** What the Worker found out about a connection before any object was touched. */
export interface ConnectRequest {
  user: string;
  device: Device;
  transport: "websocket" | "sse";
  claims: Claims;
  ticket?: TicketUse;
  /** Channel connections: what came after this is wanted. */
  recover?: LogPosition;
  /** Channel connections: so many of the newest messages are wanted where that can't be had. The Worker has checked the grant. */
  rewind?: number;
  /** Own streams: the newest direct message that was seen before. */
  seen?: number;
  /** Own connections: whom the session watches from the start. */
  watch?: string[];
  /** Own connections: what the session is subscribed to from the start. */
  channels?: string[];
  ip?: string;
  region?: string;
  /** Channel connections: where the client is, as far as that decides which relay is near. */
  hint?: LocationHint;
  /** Channel connections: relays that had no room a moment ago. */
  avoid?: string[];
}

/** The object that holds a session's socket: the user's own, a channel's, or one of the channel's relays. */
export type KeeperName = { kind: "user" } | { kind: "channel"; channel: string; relay?: string };

/** One connection that asks to become a session of this user. */
export interface AdmitRequest {
  session: string;
  keeper: KeeperName;
  device: Device;
  transport: "websocket" | "sse";
  connectedAt: number;
  /** The token's `iat` in seconds; null where it has none. */
  issuedAt: number | null;
  ticket?: TicketUse;
  ip?: string;
  region?: string;
}

/** An HTTP request with a user's token, or a live session with a new one. */
export interface AllowRequest {
  /** The token's `iat` in seconds; null where it has none. */
  issuedAt: number | null;
  ticket?: TicketUse;
  /** A session that must be live: of `Rollcall-Session`, or the one that wants to go on. */
  session?: string;
}

/** `device` is that of the session, where one was named and its device has an id. */
export type Allowance = { allowed: true; device?: string } | { allowed: false; refused: Refusal };

/** `member` is how the user appears in rosters at that moment. */
export type Admission = { admitted: true; member: MemberState } | { admitted: false; refused: Refusal };

/** How a user appears in every roster; `version` is the user's, so that an older state replaces no newer one. */
export interface MemberState {
  version: number;
  /** Absent where the user's `visibility` is not `everyone`: then its devices are not shown either. */
  status?: SeenStatus;
  /** Invisible: in no roster that users see. */
  isHidden: boolean;
}

/** Why a session ended. */
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
  | "removed"
  | "erased"
  | "unsubscribed"
  | "deleted"
  | "protocol";

/** After these a member leaves at once: it was not lost but sent away, or never was one. */
export const WITHOUT_GRACE: ReadonlySet<EndReason> = new Set([
  "refused",
  "removed",
  "erased",
  "unsubscribed",
  "deleted",
]);

export interface SessionEnd {
  session: string;
  at: number;
  reason: EndReason;
}
