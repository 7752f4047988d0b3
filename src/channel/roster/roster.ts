import { PLAIN } from "../../connections/kept/kept-members.ts";
import type { MemberState } from "../../objects/ports.ts";
import type { Member } from "../../protocol/bodies.ts";
import { digestOf } from "./digest.ts";
import {
  type Contributor,
  joinedAtOf,
  keyOf,
  liveOf,
  looksSame,
  memberOf,
  type Present,
  withPart,
} from "./member.ts";
import { SortedUsers } from "./sorted-users.ts";

/** What others are told about one change of the roster. */
export type RosterChange =
  | { is: "joined"; member: Member }
  | { is: "changed"; member: Member }
  | { is: "left"; user: string }
  | { is: "nothing" };

/** A user became a member, or is one no more, hidden or not. */
export interface MembershipChange {
  is: "joined" | "left";
  /** As back ends see it, or saw it last. */
  member: Member;
  /** Members from then on. */
  members: number;
}

/** How many members, and live sessions of theirs. */
export interface RosterCounts {
  members: number;
  sessions: number;
}

/**
 * Who is here: one member per user, however many sessions. A cache of rows, rebuilt on wake-up. Ended sessions
 * count until they are removed, so a return within the grace is no change at all. Users see it without the
 * hidden ones: who turns hidden has left, for them; back ends see all.
 */
export class Roster {
  readonly #members = new Map<string, Present>();
  readonly #everybody = new SortedUsers();
  readonly #shown = new SortedUsers();
  #live = 0;
  #shownLive = 0;
  #digest = 0;
  /** Hears of each user who comes or goes. */
  onMembership: ((change: MembershipChange) => void) | undefined;

  /** Stands for what users see of all members. */
  get digest(): string {
    return this.#digest.toString(36);
  }

  /** Members that users see. */
  get count(): number {
    return this.#shown.size;
  }

  /** What users see of how many there are. */
  get shown(): RosterCounts {
    return { members: this.#shown.size, sessions: this.#shownLive };
  }

  /** The hidden ones too. */
  get everybody(): RosterCounts {
    return { members: this.#everybody.size, sessions: this.#live };
  }

  /** All of them, in order. */
  users(): string[] {
    return this.#everybody.all();
  }

  /** When this user joined, hidden or not. */
  joinedAt(user: string): number | undefined {
    const entry = this.#members.get(user);
    return entry && joinedAtOf(entry.parts);
  }

  /** This user, hidden or not, as back ends see it. */
  find(user: string): Member | undefined {
    const entry = this.#members.get(user);
    return entry && memberOf(user, entry);
  }

  /** Whether this session, or what this relay says of its own, counts in this member. */
  has(user: string, key: string): boolean {
    return this.#members.get(user)?.parts.some((part) => keyOf(part) === key) ?? false;
  }

  /** A session begins, or changes, or all that one relay keeps: a repeat changes nothing. `state` is how its user appears. */
  put(part: Contributor, state: MemberState = PLAIN): RosterChange {
    const parts = withPart(this.#members.get(part.user)?.parts ?? [], part);
    return this.#become(part.user, { parts, state });
  }

  /** How this user appears from now on. */
  setState(user: string, state: MemberState): RosterChange {
    const entry = this.#members.get(user);
    return entry === undefined ? { is: "nothing" } : this.#become(user, { ...entry, state });
  }

  /** The grace of a session is over, or of all that a relay has kept. */
  remove(user: string, key: string): RosterChange {
    const entry = this.#members.get(user);
    if (entry === undefined || !this.has(user, key)) return { is: "nothing" };
    const parts = entry.parts.filter((part) => keyOf(part) !== key);
    return this.#become(user, parts.length === 0 ? undefined : { ...entry, parts });
  }

  /** Members that users see, in the order of their ids, from the first after `cursor`; `next` where there are more. */
  page(cursor: string | undefined, limit: number): { members: Member[]; next?: string } {
    return this.#page(this.#shown, cursor, limit);
  }

  /** Likewise all of them. */
  pageOfAll(cursor: string | undefined, limit: number): { members: Member[]; next?: string } {
    return this.#page(this.#everybody, cursor, limit);
  }

  #page(sorted: SortedUsers, cursor: string | undefined, limit: number) {
    const { users, ...more } = sorted.page(cursor, limit);
    const members: Member[] = [];
    for (const user of users) {
      const entry = this.#members.get(user);
      if (entry !== undefined) members.push(memberOf(user, entry));
    }
    return { members, ...more };
  }

  /** Sets the one entry, and says what users see of the change. */
  #become(user: string, after: Present | undefined): RosterChange {
    const before = this.#members.get(user);
    this.#count(user, before, after);
    this.#noteMembership(user, before, after);
    if (after === undefined) this.#members.delete(user);
    else this.#members.set(user, after);
    const was = before?.state.isHidden === false ? memberOf(user, before) : undefined;
    const is = after?.state.isHidden === false ? memberOf(user, after) : undefined;
    this.#digest ^= (was === undefined ? 0 : digestOf(was)) ^ (is === undefined ? 0 : digestOf(is));
    if (is === undefined) return was === undefined ? { is: "nothing" } : { is: "left", user };
    if (was === undefined) return { is: "joined", member: is };
    return looksSame(was, is) ? { is: "nothing" } : { is: "changed", member: is };
  }

  #noteMembership(user: string, before: Present | undefined, after: Present | undefined): void {
    const entry = after ?? before;
    if (this.onMembership === undefined || entry === undefined) return;
    if (before !== undefined && after !== undefined) return;
    const is = after === undefined ? "left" : "joined";
    this.onMembership({ is, member: memberOf(user, entry), members: this.#everybody.size });
  }

  #count(user: string, before: Present | undefined, after: Present | undefined): void {
    if (before === undefined && after !== undefined) this.#everybody.add(user);
    if (before !== undefined && after === undefined) this.#everybody.remove(user);
    const wasShown = before?.state.isHidden === false;
    const isShown = after?.state.isHidden === false;
    if (!wasShown && isShown) this.#shown.add(user);
    if (wasShown && !isShown) this.#shown.remove(user);
    const [had, has] = [before, after].map((entry) => (entry === undefined ? 0 : liveOf(entry.parts)));
    this.#live += (has ?? 0) - (had ?? 0);
    this.#shownLive += (isShown ? (has ?? 0) : 0) - (wasShown ? (had ?? 0) : 0);
  }
}
