import type { Settings } from "../../config.ts";
import { endOfGrace, type KeptMembers } from "../../connections/kept/kept-members.ts";
import type { KeptSessions } from "../../connections/kept/kept-sessions.ts";
import type { MemberStates } from "../../connections/kept/member-states.ts";
import type { SessionRow } from "../../connections/kept/session-table.ts";
import type { Clock, MemberState, Timers } from "../../objects/ports.ts";
import type { Member, MemberPage, MemberQuery } from "../../protocol/bodies.ts";
import { MEMBERS_PAGE } from "../../protocol/limits.ts";
import { EarlyStates } from "./early-states.ts";
import type { RosterPart } from "./member.ts";
import type { MemberEvents } from "./member-events.ts";
import { Roster, type RosterCounts } from "./roster.ts";
import { type NewsHooks, RosterNews } from "./roster-news.ts";

/** Who came longer ago was welcomed or sent away since: far more than any welcome takes, or an alarm is late. */
const RECALL_MS = 3_600_000;

interface About {
  channel: string;
  sessions: KeptSessions;
  states: MemberStates;
  settings: Settings;
  /** What they keep, as far as it counts. */
  /** What back ends are told; absent where they are not. */
  events?: MemberEvents | undefined;
  relays: { parts(): Iterable<RosterPart>; isAnywhere(user: string): boolean };
}

/**
 * Who is here, and telling it. A member joins when a session is welcomed and leaves when the grace of the
 * last one is over, or when it hides; what lies between is a change at most.
 */
export class Members implements KeptMembers {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #sessions: KeptSessions;
  readonly #states: MemberStates;
  readonly #relays: About["relays"];
  readonly #roster = new Roster();
  readonly #early: EarlyStates;
  readonly #news: RosterNews;
  readonly #events: MemberEvents | undefined;

  constructor(ports: { clock: Clock; timers: Timers }, about: About, hooks: NewsHooks) {
    this.#clock = ports.clock;
    this.#graceMs = about.settings.OFFLINE_GRACE_SECONDS * 1000;
    this.#sessions = about.sessions;
    this.#states = about.states;
    this.#relays = about.relays;
    this.#early = new EarlyStates(ports.clock);
    const { channel, settings } = about;
    this.#news = new RosterNews(
      ports,
      { channel, roster: this.#roster, detailMax: settings.MEMBERS_DETAIL_MAX },
      hooks,
    );
    // Also those whose grace ran out in our sleep: whoever stayed connected has not been told yet.
    for (const row of this.#sessions.all()) {
      if (row.end?.reason !== "refused") this.#roster.put(row, this.#states.of(row.user));
    }
    for (const part of about.relays.parts()) this.#roster.put(part, this.#states.of(part.user));
    this.#news.begin();
    const { events } = about;
    this.#events = events;
    if (events !== undefined) this.#roster.onMembership = (change) => events.note(change);
  }

  /**
   * On wake-up, before what a crash cut off is ended: whoever came by a connection that is lost may never have been
   * welcomed, and so never told of, but counts from now on. It is told of again, under the same id.
   */
  recall(isOpen: (session: string) => boolean): void {
    if (this.#events === undefined) return;
    const since = this.#clock.now() - RECALL_MS;
    const cameBy = ({ session, order, end, connectedAt, joinedAt }: SessionRow) =>
      connectedAt > since &&
      end === null &&
      order === undefined &&
      connectedAt === joinedAt &&
      !isOpen(session);
    const users = new Set([...this.#sessions.all()].filter(cameBy).map(({ user }) => user));
    this.#events.recall([...users].flatMap((user) => this.#roster.find(user) ?? []));
  }

  /** Of all, those that users do not see too: for back ends. */
  get counts(): RosterCounts {
    return this.#roster.everybody;
  }

  /** Members that users see. */
  get count(): number {
    return this.#roster.count;
  }

  /** Everybody who is here, hidden or not. */
  users(): string[] {
    return this.#roster.users();
  }

  /** Which roster was last told. */
  get rosterTold(): string {
    return this.#news.told;
  }

  /** Whether a change of it is told in a moment. */
  get isTelling(): boolean {
    return this.#news.isWaiting;
  }

  /** When this user joined: a session that begins while the member is here joins nothing new. */
  joinedAt(user: string): number | undefined {
    return this.#roster.joinedAt(user);
  }

  /** A session was welcomed or has ended. Others hear of it only if it changes what they see. */
  put(row: SessionRow): void {
    this.#news.add(this.#roster.put(row, this.#states.of(row.user)));
    this.flush();
  }

  /** A relay says what a user's sessions there come to. To be followed by `flush`, as the two below. */
  putPart(part: RosterPart, state: MemberState): void {
    this.#states.admitted(part.user, state);
    const early = this.#early.take(part.user);
    if (early !== undefined) this.#states.told(part.user, early);
    this.#news.add(this.#roster.put(part, this.#states.of(part.user)));
  }

  /** A relay keeps nobody of this user any more, or must not. */
  removePart({ user, relay }: Pick<RosterPart, "user" | "relay">): void {
    this.#news.add(this.#roster.remove(user, relay));
  }

  /** Tells what relays said, and at the end of each change here. Back ends are told in the turn of the change. */
  flush(): void {
    this.#news.flush();
    this.#events?.flush();
  }

  /** A session was admitted and is about to be put: its user appears like this, if nothing newer is known. */
  admitted(user: string, state: MemberState): void {
    this.#states.admitted(user, state);
    this.#news.add(this.#roster.setState(user, this.#states.of(user)));
  }

  /** The user's object says how the user appears. Counts for who has one of these sessions here, or any at a relay, or soon. */
  told(user: string, sessions: readonly string[], state: MemberState): void {
    const isHere = sessions.some((session) => this.#sessions.live(session)?.user === user);
    if (!isHere && !this.#relays.isAnywhere(user)) return this.#early.keep(user, state);
    this.#states.told(user, state);
    this.#news.add(this.#roster.setState(user, this.#states.of(user)));
    this.#news.flush();
  }

  /** Removes sessions whose grace is over; `onRemoved` hears of those that counted until now. */
  expire(over: readonly SessionRow[], onRemoved: (row: SessionRow) => void): void {
    for (const row of over) {
      if (this.isCounted(row)) onRemoved(row);
      this.#news.add(this.#roster.remove(row.user, row.session));
    }
    this.flush();
  }

  isCounted({ user, session }: SessionRow): boolean {
    return this.#roster.has(user, session);
  }

  /** When an ended session stops to count, in milliseconds. One that was never welcomed never did. */
  expiryOf(row: SessionRow): number {
    return endOfGrace(row, this.#graceMs);
  }

  /** As users see it. */
  page({ cursor, limit }: MemberQuery): MemberPage {
    this.#news.shown();
    return pageOf(this.#roster.page(cursor, limit), this.#roster.shown);
  }

  /** As back ends see it: with those that are hidden. */
  pageOfAll({ cursor, limit }: MemberQuery): MemberPage {
    return pageOf(this.#roster.pageOfAll(cursor, limit), this.#roster.everybody);
  }

  /** What a new session is told of the roster: the first members, the rest by pages. */
  firstPage(): Omit<MemberPage, "sessions"> {
    const { sessions: _, ...page } = this.page({ limit: MEMBERS_PAGE });
    return page;
  }
}

function pageOf(
  { members, next }: { members: Member[]; next?: string },
  { members: count, sessions }: RosterCounts,
): MemberPage {
  return { count, sessions, members, ...(next === undefined ? {} : { cursor: next }) };
}
