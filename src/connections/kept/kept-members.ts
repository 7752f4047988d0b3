import { type MemberState, WITHOUT_GRACE } from "../../objects/ports.ts";
import type { SessionRow } from "./session-table.ts";

/** The members that a keeper's sessions make, whoever is told of them: the channel's roster, or what a relay reports. */
export interface KeptMembers {
  /** A session was welcomed, or is about to be, or has ended. */
  put(row: SessionRow): void;
  /** When this user joined: a session that begins while the member is here joins nothing new. */
  joinedAt(user: string): number | undefined;
  /** A session was admitted and is about to be put: its user appears like this, if nothing newer is known. */
  admitted(user: string, state: MemberState): void;
  /** Removes sessions whose grace is over; `onRemoved` hears of those that counted until now. */
  expire(over: readonly SessionRow[], onRemoved: (row: SessionRow) => void): void;
  isCounted(row: SessionRow): boolean;
  /** When an ended session stops to count, in milliseconds; never while it lives. */
  expiryOf(row: SessionRow): number;
}

/** When an ended session stops to count, in milliseconds. One that was never welcomed never did. */
export function endOfGrace({ end }: SessionRow, graceMs: number): number {
  if (end === null) return Number.POSITIVE_INFINITY;
  return WITHOUT_GRACE.has(end.reason) ? end.at : end.at + graceMs;
}

/** Of whom nothing else is known: online, and hidden from nobody. */
export const PLAIN: MemberState = { version: 0, status: "online", isHidden: false };

/** Whether it need not be stored. */
export function isPlain({ status, isHidden }: MemberState): boolean {
  return status === PLAIN.status && !isHidden;
}
