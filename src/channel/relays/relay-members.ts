import { memberDigest } from "../../objects/member-digest.ts";
import type { Clock, MemberState, Sql } from "../../objects/ports.ts";
import type { RelayMember, RelayReport } from "../../objects/relaying.ts";
import type { DeviceType } from "../../protocol/names.ts";
import type { RosterPart } from "../roster/member.ts";
import type { Departed } from "./departed.ts";
import { type RelayMemberRow, RelayMemberTable } from "./relay-member-table.ts";

/** Lists that look alike are kept once; beyond so many different ones they are not. */
const MOST_SHARED = 1000;

/** One user at one relay, as it is kept in memory: there may be a hundred thousand. */
export interface RelayPart extends RosterPart {
  regions: readonly string[];
  digest: number;
}

/** One relay, as it has reported. */
interface Relay {
  members: Map<string, RelayPart>;
  /** Of its last report. */
  number: number;
  /** The XOR of all members'. */
  digest: number;
  sessions: number;
}

/** What is asked of rows on waking. */
interface Found {
  /** Whether this user, who ended then, was sent away since: then it has left without a grace. */
  isSentAway(user: string, endedAt: number): boolean;
  /** How a user appeared. */
  known(user: string, state: MemberState): void;
}

/** What becomes of a report. */
export interface ReportRules {
  /** When a user joined who is here already, wherever. */
  joinedAt(user: string): number | undefined;
  /** Whether this user counts in the roster as this relay shows it. */
  isCounted(relay: string, user: string): boolean;
  put(part: RelayPart, state: MemberState): void;
  removed(part: RelayPart): void;
}

/**
 * Who is connected to each relay, as it has said: rows, and the same in memory. A report changes what it names, and
 * nothing is written of what is known. A relay with nobody is none. That reports were lost shows in the digest. The
 * row of who has left stays until others have heard so.
 */
export class RelayMembers {
  readonly #table: RelayMemberTable;
  readonly #clock: Clock;
  readonly #departed: Departed;
  readonly #relays = new Map<string, Relay>();
  readonly #shared = new Map<string, readonly string[]>();
  /** The last report of relays that keep nobody, until the clock has passed it. */
  readonly #emptied = new Map<string, number>();
  #names: readonly string[] | undefined;

  constructor(sql: Sql, clock: Clock, departed: Departed, found: Found) {
    this.#table = new RelayMemberTable(sql);
    this.#clock = clock;
    this.#departed = departed;
    for (const row of this.#table.all()) {
      this.#remember(row, row.joinedAt);
      const { user, endedAt, state } = row;
      if (endedAt !== null) departed.find(row, found.isSentAway(user, endedAt) ? 0 : endedAt);
      found.known(user, state);
    }
  }

  /** In the order in which they were opened, and another array after each change. */
  get names(): readonly string[] {
    this.#names ??= [...this.#relays.keys()].sort();
    return this.#names;
  }

  has(relay: string): boolean {
    return this.#relays.has(relay);
  }

  /** The number of its last report: about when that was. */
  numberOf(relay: string): number {
    return this.#relays.get(relay)?.number ?? this.#emptied.get(relay) ?? 0;
  }

  /** About when something that is known here was last reported, in milliseconds; 0 where nothing is. */
  get newestAt(): number {
    return Math.max(0, ...[...this.#relays.values()].map(({ number }) => number));
  }

  /** Live sessions there. */
  sessionsOf(relay: string): number {
    return this.#relays.get(relay)?.sessions ?? 0;
  }

  /** Also where it has left and its row stays. */
  isAnywhere(user: string): boolean {
    if (this.#departed.has(user)) return true;
    for (const { members } of this.#relays.values()) if (members.has(user)) return true;
    return false;
  }

  /** Where this user is. */
  *of(user: string): Iterable<RelayPart> {
    for (const { members } of this.#relays.values()) {
      const part = members.get(user);
      if (part !== undefined) yield part;
    }
  }

  find(relay: string, user: string): RelayPart | undefined {
    return this.#relays.get(relay)?.members.get(user);
  }

  *all(): Iterable<RelayPart> {
    for (const { members } of this.#relays.values()) yield* members.values();
  }

  *at(relay: string): Iterable<RelayPart> {
    yield* this.#relays.get(relay)?.members.values() ?? [];
  }

  /** Whether the relay knows others than the channel does: its next report has to be whole. A late report changes nothing. */
  apply(relay: string, report: RelayReport, rules: ReportRules): boolean {
    if (report.number <= this.numberOf(relay)) return this.#differs(relay, report);
    for (const member of report.set) this.#set(relay, member, report.number, rules);
    for (const user of this.#goneIn(relay, report)) this.#delete(relay, user, rules);
    const known = this.#relays.get(relay);
    if (known !== undefined) known.number = report.number;
    else this.#empty(relay, report.number);
    return this.#differs(relay, report);
  }

  /** This member has left, though its relay has not said so. */
  leave(relay: string, user: string, rules: ReportRules): void {
    const number = this.numberOf(relay);
    this.#delete(relay, user, rules);
    if (!this.has(relay)) this.#empty(relay, number);
  }

  /** The row of who has left goes. */
  forget(relay: string, user: string): void {
    this.#table.delete(relay, user);
  }

  #differs(relay: string, report: RelayReport): boolean {
    const known = this.#relays.get(relay);
    return (known?.digest ?? 0) !== report.digest || (known?.sessions ?? 0) !== report.sessions;
  }

  /** Nobody is known to be connected any more. Reports from before stay late. */
  clear(removed: (part: RelayPart) => void): void {
    const parts = [...this.all()];
    for (const [relay, { number }] of this.#relays) this.#empty(relay, number);
    this.#relays.clear();
    this.#names = undefined;
    this.#table.clear();
    this.#departed.clear();
    for (const part of parts) removed(part);
  }

  #set(relay: string, member: RelayMember, number: number, rules: ReportRules): void {
    const known = this.find(relay, member.user);
    const digest = memberDigest(member);
    if (known?.digest !== digest) {
      const since = known?.joinedAt ?? rules.joinedAt(member.user) ?? member.joinedAt;
      const joinedAt = Math.min(since, member.joinedAt);
      const row = { ...member, relay, number, digest };
      this.#table.write({ ...row, joinedAt });
      this.#departed.returned(relay, member.user);
      this.#remember(row, joinedAt);
    } else this.#departed.heard(relay, member.user);
    const part = this.find(relay, member.user);
    if (part !== undefined && rules.isCounted(relay, member.user)) rules.put(part, member.state);
  }

  #delete(relay: string, user: string, rules: ReportRules): void {
    const known = this.#relays.get(relay);
    const part = known?.members.get(user);
    if (known === undefined || part === undefined) return;
    const { endedAt } = part;
    if (endedAt === null || !this.#departed.isOver(endedAt)) this.#table.end(relay, user);
    this.#departed.add(relay, user);
    known.members.delete(user);
    known.digest ^= part.digest;
    known.sessions -= part.live;
    if (known.members.size === 0) {
      this.#relays.delete(relay);
      this.#names = undefined;
    }
    rules.removed(part);
  }

  #goneIn(relay: string, { isWhole, set, gone }: RelayReport): string[] {
    if (!isWhole) return gone;
    const there = new Set(set.map(({ user }) => user));
    return [...(this.#relays.get(relay)?.members.keys() ?? [])].filter((user) => !there.has(user));
  }

  #remember(
    { relay, user, digest, live, types, info, endedAt, regions, number }: RelayMemberRow,
    joinedAt: number,
  ): void {
    const known = this.#relays.get(relay) ?? { members: new Map(), number: 0, digest: 0, sessions: 0 };
    const before = known.members.get(user);
    const lists = { types: this.#share(types) as readonly DeviceType[], regions: this.#share(regions) };
    known.members.set(user, {
      relay,
      user,
      live,
      ...lists,
      ...(info && { info }),
      joinedAt,
      endedAt,
      digest,
    });
    known.digest ^= (before?.digest ?? 0) ^ digest;
    known.sessions += live - (before?.live ?? 0);
    known.number = Math.max(known.number, number);
    if (this.#relays.has(relay)) return;
    this.#relays.set(relay, known);
    this.#names = undefined;
    this.#emptied.delete(relay);
  }

  #share(list: readonly string[]): readonly string[] {
    const key = list.join();
    const known = this.#shared.get(key);
    if (known !== undefined) return known;
    if (this.#shared.size < MOST_SHARED) this.#shared.set(key, list);
    return list;
  }

  #empty(relay: string, number: number): void {
    const now = this.#clock.now();
    for (const [other, passed] of this.#emptied) if (passed < now - PASSED_MS) this.#emptied.delete(other);
    this.#emptied.set(relay, number);
  }
}

/** No call is under way for so long. */
const PASSED_MS = 600_000;
