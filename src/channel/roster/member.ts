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

/** What all sessions of one user at one relay contribute together. */
export interface RosterPart {
  relay: string;
  user: string;
  /** Live sessions. */
  live: number;
  /** Device types of the live ones, or of those that ended last. */
  types: readonly DeviceType[];
  info?: Record<string, unknown>;
  joinedAt: number;
  /** When the last one ended; null while one lives. */
  endedAt: number | null;
}

/** What a member is made of: sessions that the channel knows one by one, and what its relays say of theirs. */
export type Contributor = RosterSession | RosterPart;

/** One user of a roster and how it appears: its sessions here, the oldest first, then those of relays, by their names. */
export interface Present {
  parts: readonly Contributor[];
  state: MemberState;
}

/** With this one, which takes the place of what it was before. */
export function withPart(parts: readonly Contributor[], part: Contributor): readonly Contributor[] {
  const key = keyOf(part);
  const known = parts.findIndex((other) => keyOf(other) === key);
  if (known >= 0) return parts.with(known, part);
  if (parts.length === 0) return [part];
  const after = parts.findIndex(
    (other) => "relay" in other && (!("relay" in part) || other.relay > part.relay),
  );
  return after < 0 ? [...parts, part] : parts.toSpliced(after, 0, part);
}

/** A session's id, or a relay's name: no session is called like a relay. */
export function keyOf(part: Contributor): string {
  return "relay" in part ? part.relay : part.session;
}

/**
 * As back ends see it, the hidden ones too. Devices are those that presence shows, and shown where a status
 * is: of the live sessions, or without one of those that ended last.
 */
export function memberOf(user: string, { parts, state }: Present): Member {
  const counted = countedOf(parts);
  const info = counted.at(-1)?.info;
  const { status, isHidden } = state;
  return {
    user,
    ...(info === undefined ? {} : { info }),
    ...(status === undefined ? {} : { status }),
    sessions: Math.max(1, liveOf(parts)), // in its grace a member still stands for one
    ...(status === undefined ? {} : { devices: typesOf(counted) }),
    joinedAt: joinedAtOf(parts),
    ...(isHidden ? { hidden: true as const } : {}),
  };
}

/** When the first of them joined. */
export function joinedAtOf(parts: readonly Contributor[]): number {
  let first = Number.POSITIVE_INFINITY;
  for (const { joinedAt } of parts) first = Math.min(first, joinedAt);
  return first;
}

export function liveOf(parts: readonly Contributor[]): number {
  let live = 0;
  for (const part of parts) live += liveIn(part);
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

function liveIn(part: Contributor): number {
  if ("relay" in part) return part.live;
  return part.end === null ? 1 : 0;
}

function endOf(part: Contributor): number {
  return ("relay" in part ? part.endedAt : part.end?.at) ?? 0;
}

function typesOf(parts: readonly Contributor[]): DeviceType[] {
  const types = new Set<DeviceType>();
  for (const part of parts) {
    if ("relay" in part) for (const type of part.types) types.add(type);
    else types.add(part.device.type);
  }
  return [...types].sort();
}

function countedOf(parts: readonly Contributor[]): readonly Contributor[] {
  if (parts.length === 1) return parts;
  const live = parts.filter((part) => liveIn(part) > 0);
  if (live.length > 0) return live;
  const last = Math.max(...parts.map(endOf));
  return parts.filter((part) => endOf(part) === last);
}
