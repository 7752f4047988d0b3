import type { MemberState } from "../../objects/ports.ts";
import type { Member } from "../../protocol/bodies.ts";
import type { DeviceType } from "../../protocol/names.ts";

/** What a session contributes to its member. */
export interface RosterSession {
  session: string;
  user: string;
  device: { type: DeviceType };
  info?: Record<string, unknown>;
  joinedAt: number;
  /** Null while it lives; an ended one counts until its grace is over. */
  end: { at: number } | null;
}

/** One user of a roster: its sessions here, the oldest first, and how it appears. */
export interface Present {
  sessions: ReadonlyMap<string, RosterSession>;
  state: MemberState;
}

/**
 * As back ends see it, the hidden ones too. Devices are those that presence shows, and shown where a status
 * is: of the live sessions, or without one of those that ended last.
 */
export function memberOf(user: string, { sessions, state }: Present): Member {
  const counted = countedOf(sessions);
  const info = counted.at(-1)?.info;
  const { status, isHidden } = state;
  const types = counted.map(({ device }) => device.type);
  return {
    user,
    ...(info === undefined ? {} : { info }),
    ...(status === undefined ? {} : { status }),
    sessions: Math.max(1, liveOf(sessions)), // in its grace a member still stands for one
    ...(status === undefined ? {} : { devices: [...new Set(types)].sort() }),
    joinedAt: Math.min(...[...sessions.values()].map(({ joinedAt }) => joinedAt)),
    ...(isHidden ? { hidden: true as const } : {}),
  };
}

export function liveOf(sessions: ReadonlyMap<string, RosterSession>): number {
  let live = 0;
  for (const { end } of sessions.values()) if (end === null) live++;
  return live;
}

/** How many sessions a member has is no news: a second tab announces nothing. */
export function looksSame(a: Member, b: Member): boolean {
  return (
    a.status === b.status &&
    a.devices?.join() === b.devices?.join() &&
    JSON.stringify(a.info) === JSON.stringify(b.info)
  );
}

function countedOf(sessions: ReadonlyMap<string, RosterSession>): RosterSession[] {
  const all = [...sessions.values()];
  const live = all.filter(({ end }) => end === null);
  if (live.length > 0) return live;
  const last = Math.max(...all.map(({ end }) => end?.at ?? 0));
  return all.filter(({ end }) => end?.at === last);
}
