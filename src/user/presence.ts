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
  now: number;
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

/** Online exactly if a live session exists or grace runs. */
export function isOnline(sessions: readonly SessionRow[], now: number, graceMs: number): boolean {
  if (sessions.some(({ endedAt }) => endedAt === null)) return true;
  const end = offlineAt(sessions, graceMs);
  return end !== null && now < end;
}

/** The version that readers see: the highest that any row holds. A turn to offline by time alone counts too. */
export function versionOf(row: UserRow, sessions: readonly SessionRow[]): number {
  return sessions.reduce((highest, session) => Math.max(highest, session.version), row.version);
}

export function presenceOf(facts: PresenceFacts): Presence {
  const { user, row, now, graceMs } = facts;
  const heard = facts.sessions.filter(({ session }) => !facts.silent.has(session));
  const online = isOnline(heard, now, graceMs);
  const version = versionOf(row, facts.sessions);
  const lastActiveAt = lastSeen(row, facts.sessions);
  if (!online) {
    const seen = { user, status: "offline" as const, lastActiveAt, devices: [] };
    return version === 0 ? seen : { ...seen, version };
  }
  const live = heard.filter(({ endedAt }) => endedAt === null);
  return {
    user,
    status: "online",
    lastActiveAt,
    devices: deviceTypes(live.length > 0 ? live : heard),
    version,
  };
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
