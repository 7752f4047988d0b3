import type { Presence } from "../protocol/bodies.ts";
import type { DeviceType } from "../protocol/names.ts";
import type { SessionRow } from "./session-table.ts";
import type { UserRow } from "./user-table.ts";

const MINUTE_MS = 60_000;

/** What one user's presence follows from. Pure: the same rows at the same time give the same presence. */
export interface PresenceFacts {
  user: string;
  row: UserRow;
  sessions: readonly SessionRow[];
  /** Sessions that are kept here and have been silent for the TTL: a read never counts them. */
  silent: ReadonlySet<string>;
  graceMs: number;
}

/** When a user without live sessions turns offline, in milliseconds; null while one lives or none ever did. */
export function offlineAt(sessions: readonly SessionRow[], graceMs: number): number | null {
  let last: number | null = null;
  for (const { endedAt } of sessions) {
    if (endedAt === null) return null;
    if (last === null || endedAt > last) last = endedAt;
  }
  return last === null ? null : last + graceMs;
}

/** The version that readers see: the highest that any row holds. */
export function versionOf(row: UserRow, sessions: readonly SessionRow[]): number {
  return sessions.reduce((highest, session) => Math.max(highest, session.version), row.version);
}

/**
 * Online exactly if a live session exists or the grace runs. When it is over its rows go, and with them the
 * version rises. (A silent session that a read leaves out is asked at once, and the version rises if it ends.)
 */
export function presenceOf({ user, row, sessions, silent, graceMs }: PresenceFacts): Presence {
  const live = sessions.filter(({ session, endedAt }) => endedAt === null && !silent.has(session));
  const counted = live.length > 0 ? live : inGrace(sessions, graceMs);
  const version = versionOf(row, sessions);
  const presence = {
    user,
    status: counted.length > 0 ? ("online" as const) : ("offline" as const),
    lastActiveAt: lastSeen(row, sessions),
    devices: deviceTypes(counted),
  };
  return version === 0 ? presence : { ...presence, version };
}

/** What ended last, where nothing lives. What ended before it was told as gone already, and does not come back. */
function inGrace(sessions: readonly SessionRow[], graceMs: number): SessionRow[] {
  const over = offlineAt(sessions, graceMs);
  if (over === null) return [];
  return sessions.filter(({ endedAt }) => endedAt === over - graceMs);
}

/** What others see: times rounded down to the minute, which is all that another person needs. */
export function forOthers(presence: Presence): Presence {
  if (presence.lastActiveAt === null) return presence;
  return { ...presence, lastActiveAt: presence.lastActiveAt - (presence.lastActiveAt % MINUTE_MS) };
}

export function deviceTypes(sessions: readonly { device: { type: DeviceType } }[]): DeviceType[] {
  return [...new Set(sessions.map(({ device }) => device.type))].sort();
}

function lastSeen(row: UserRow, sessions: readonly SessionRow[]): number | null {
  let last = row.lastActiveAt;
  for (const { connectedAt, endedAt } of sessions) last = Math.max(last ?? 0, endedAt ?? connectedAt);
  return last;
}
