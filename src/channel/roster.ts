import type { Member } from "../protocol/bodies.ts";
import type { DeviceType } from "../protocol/names.ts";

/** What a session contributes to its member. */
export interface RosterSession {
  session: string;
  user: string;
  device: { type: DeviceType };
  info?: Record<string, unknown>;
  joinedAt: number;
  /** Null while it lives; an ended one counts until its grace is over. */
  end: object | null;
}

/** What others are told about one change of the roster. */
export type RosterChange =
  | { is: "joined"; member: Member }
  | { is: "changed"; member: Member }
  | { is: "left"; user: string }
  | { is: "nothing" };

/**
 * Who is here: one member per user, however many sessions. A cache of the session rows, rebuilt on wake-up.
 * Ended sessions count until they are removed, so a return within the grace is no change at all.
 */
export class Roster {
  readonly #members = new Map<string, Map<string, RosterSession>>();
  /** User ids in order, for paging: kept in order, because every welcome asks for the first page. */
  readonly #sorted: string[] = [];
  #live = 0;

  get count(): number {
    return this.#members.size;
  }

  get liveSessions(): number {
    return this.#live;
  }

  users(): string[] {
    return [...this.#sorted];
  }

  member(user: string): Member | undefined {
    const sessions = this.#members.get(user);
    return sessions === undefined ? undefined : asMember(user, sessions);
  }

  has(user: string, session: string): boolean {
    return this.#members.get(user)?.has(session) ?? false;
  }

  /** A session begins, or changes: a repeat changes nothing. */
  put(session: RosterSession): RosterChange {
    const before = this.member(session.user);
    const sessions = this.#members.get(session.user) ?? new Map<string, RosterSession>();
    this.#live += countOf(session) - countOf(sessions.get(session.session));
    sessions.set(session.session, session);
    this.#members.set(session.user, sessions);
    const member = asMember(session.user, sessions);
    if (before === undefined) {
      this.#sorted.splice(firstAfter(this.#sorted, session.user), 0, session.user);
      return { is: "joined", member };
    }
    return looksSame(before, member) ? { is: "nothing" } : { is: "changed", member };
  }

  /** A session's grace is over. */
  remove(user: string, session: string): RosterChange {
    const sessions = this.#members.get(user);
    if (sessions === undefined || !sessions.has(session)) return { is: "nothing" };
    const before = asMember(user, sessions);
    this.#live -= countOf(sessions.get(session));
    sessions.delete(session);
    if (sessions.size === 0) {
      this.#members.delete(user);
      this.#sorted.splice(firstAfter(this.#sorted, user) - 1, 1);
      return { is: "left", user };
    }
    const member = asMember(user, sessions);
    return looksSame(before, member) ? { is: "nothing" } : { is: "changed", member };
  }

  /** Members in the order of their ids, from the first after `cursor`; `next` where there are more. */
  page(cursor: string | undefined, limit: number): { members: Member[]; next?: string } {
    const start = cursor === undefined ? 0 : firstAfter(this.#sorted, cursor);
    const users = this.#sorted.slice(start, start + limit);
    const members = users.map((user) => asMember(user, this.#members.get(user) ?? new Map()));
    const last = users.at(-1);
    return last === undefined || start + limit >= this.#sorted.length ? { members } : { members, next: last };
  }
}

function asMember(user: string, sessions: Map<string, RosterSession>): Member {
  const all = [...sessions.values()];
  const live = liveOf(sessions);
  const info = (live.at(-1) ?? all.at(-1))?.info;
  return {
    user,
    ...(info === undefined ? {} : { info }),
    sessions: Math.max(1, live.length), // in its grace a member still stands for one
    devices: [...new Set(all.map(({ device }) => device.type))].sort(),
    joinedAt: Math.min(...all.map(({ joinedAt }) => joinedAt)),
  };
}

/** How many sessions a member has is no news: a second tab announces nothing. */
function looksSame(a: Member, b: Member): boolean {
  return a.devices?.join() === b.devices?.join() && JSON.stringify(a.info) === JSON.stringify(b.info);
}

/** 1 for a live session, 0 for an ended one or none. */
function countOf(session: RosterSession | undefined): number {
  return session !== undefined && session.end === null ? 1 : 0;
}

function liveOf(sessions: Map<string, RosterSession>): RosterSession[] {
  return [...sessions.values()].filter(({ end }) => end === null);
}

function firstAfter(sorted: string[], cursor: string): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? "") <= cursor) low = middle + 1;
    else high = middle;
  }
  return low;
}
