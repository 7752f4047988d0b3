import { endOfGrace, type KeptMembers } from "../connections/kept/kept-members.ts";
import type { KeptSessions } from "../connections/kept/kept-sessions.ts";
import type { MemberStates } from "../connections/kept/member-states.ts";
import type { SessionRow } from "../connections/kept/session-table.ts";
import { memberDigest } from "../objects/member-digest.ts";
import type { Clock, MemberState } from "../objects/ports.ts";
import type { RelayMember, RelayReport } from "../objects/relaying.ts";
import { relayMemberOf } from "./relay-member.ts";

/** A report on its way; `until` is which changes it holds. */
export interface Taken {
  report: RelayReport;
  until: number;
}

/**
 * The members that this relay's sessions make, and what its channel has yet to confirm of them. A cache of rows:
 * what a wake-up finds ended is owed again; what it finds live was told, or shows in the digest of the next report.
 */
export class Membership implements KeptMembers {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #sessions: KeptSessions;
  readonly #states: MemberStates;
  readonly #members = new Map<string, { sessions: Map<string, SessionRow>; digest: number }>();
  /** Where the client of each session is, as far as that is known. */
  readonly #regions = new Map<string, string>();
  /** Users whose change is not confirmed, each with the number of the last one. */
  readonly #changed = new Map<string, number>();
  #changes = 0;
  #digest = 0;
  #live = 0;
  #isWholeWanted = false;
  #lastNumber = 0;

  constructor(
    clock: Clock,
    graceMs: number,
    rooms: { sessions: KeptSessions; states: MemberStates },
    regions: Iterable<[session: string, region: string]>,
  ) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#sessions = rooms.sessions;
    this.#states = rooms.states;
    for (const [session, region] of regions) this.#regions.set(session, region);
    for (const row of this.#sessions.all()) {
      if (row.end?.reason !== "refused") this.#set(row);
      if (row.end !== null) this.#change(row.user);
    }
  }

  /** Something is to be told. */
  get isOwed(): boolean {
    return this.#isWholeWanted || this.#changed.size > 0;
  }

  /** Live sessions. */
  get live(): number {
    return this.#live;
  }

  /** The channel has yet to confirm a change of this user. */
  owes(user: string): boolean {
    return this.#changed.has(user);
  }

  /** Where the client of a session is that is about to be put. */
  comesFrom(session: string, region: string): void {
    this.#regions.set(session, region);
  }

  put(row: SessionRow): void {
    if (row.end?.reason === "refused") return this.#remove(row);
    if (this.#set(row)) this.#change(row.user);
  }

  joinedAt(user: string): number | undefined {
    return this.#memberOf(user)?.joinedAt;
  }

  admitted(user: string, state: MemberState): void {
    const { version } = this.#states.of(user);
    this.#states.admitted(user, state);
    if (this.#states.of(user).version > version && this.#members.has(user)) this.#change(user);
  }

  expire(over: readonly SessionRow[], onRemoved: (row: SessionRow) => void): void {
    for (const row of over) {
      if (!this.isCounted(row)) continue;
      onRemoved(row);
      this.#remove(row);
    }
  }

  isCounted({ user, session }: SessionRow): boolean {
    return this.#members.get(user)?.sessions.has(session) ?? false;
  }

  expiryOf(row: SessionRow): number {
    return endOfGrace(row, this.#graceMs);
  }

  /** What is not confirmed; everybody where the channel wants that. */
  take(): Taken {
    if (this.#isWholeWanted) return { report: this.whole(), until: this.#changes };
    const set: RelayMember[] = [];
    const gone: string[] = [];
    for (const user of this.#changed.keys()) {
      const member = this.#memberOf(user);
      if (member === undefined) gone.push(user);
      else set.push(member);
    }
    return { report: this.#report({ isWhole: false, set, gone }), until: this.#changes };
  }

  /** Everybody. */
  whole(): RelayReport {
    const all = [...this.#members.keys()].map((user) => this.#memberOf(user));
    return this.#report({ isWhole: true, set: all.filter((member) => member !== undefined), gone: [] });
  }

  /** The channel has taken it; what has changed since is still to be told. */
  confirm({ report, until }: Taken): void {
    if (report.isWhole) this.#isWholeWanted = false;
    for (const [user, change] of this.#changed) if (change <= until) this.#changed.delete(user);
  }

  /** The channel knows other members: the next report holds everybody. */
  wantWhole(): void {
    this.#isWholeWanted = true;
  }

  #report(about: Pick<RelayReport, "isWhole" | "set" | "gone">): RelayReport {
    this.#lastNumber = Math.max(this.#clock.now(), this.#lastNumber + 1);
    return { ...about, number: this.#lastNumber, digest: this.#digest, sessions: this.#live };
  }

  #change(user: string): void {
    this.#changes += 1;
    this.#changed.set(user, this.#changes);
  }

  #memberOf(user: string): RelayMember | undefined {
    const sessions = this.#members.get(user)?.sessions;
    if (sessions === undefined) return undefined;
    return relayMemberOf(user, [...sessions.values()], this.#states.of(user), this.#regions);
  }

  /** True where the user's member is another since. */
  #set(row: SessionRow): boolean {
    const known = this.#members.get(row.user) ?? { sessions: new Map<string, SessionRow>(), digest: 0 };
    this.#count(known.sessions.get(row.session), row);
    known.sessions.set(row.session, row);
    this.#members.set(row.user, known);
    return this.#digested(row.user);
  }

  #remove({ user, session }: SessionRow): void {
    const sessions = this.#members.get(user)?.sessions;
    const row = sessions?.get(session);
    this.#regions.delete(session);
    if (sessions === undefined || row === undefined) return;
    this.#count(row, undefined);
    sessions.delete(session);
    this.#digested(user);
    if (sessions.size === 0) this.#members.delete(user);
    this.#change(user);
  }

  #count(before: SessionRow | undefined, after: SessionRow | undefined): void {
    this.#live += Number(after?.end === null) - Number(before?.end === null);
  }

  #digested(user: string): boolean {
    const entry = this.#members.get(user);
    if (entry === undefined) return false;
    const before = entry.digest;
    const member = entry.sessions.size === 0 ? undefined : this.#memberOf(user);
    entry.digest = member === undefined ? 0 : memberDigest(member);
    this.#digest ^= before ^ entry.digest;
    return entry.digest !== before;
  }
}
