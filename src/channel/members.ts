import type { Settings } from "../config.ts";
import { type Clock, type Timers, WITHOUT_GRACE } from "../objects/ports.ts";
import type { MemberPage, MemberQuery } from "../protocol/bodies.ts";
import { MEMBERS_PAGE } from "../protocol/limits.ts";
import type { KeptSessions } from "./kept-sessions.ts";
import { Roster } from "./roster.ts";
import { RosterNews } from "./roster-news.ts";
import type { SessionRow } from "./session-table.ts";

/**
 * Who is here, and telling it. A member joins when a session is welcomed and leaves when the grace of the
 * last one is over; what lies between is no news.
 */
export class Members {
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #sessions: KeptSessions;
  readonly #roster = new Roster();
  readonly #news: RosterNews;

  constructor(
    ports: { clock: Clock; timers: Timers },
    about: { channel: string; sessions: KeptSessions; settings: Settings },
    tell: (text: string) => void,
  ) {
    this.#clock = ports.clock;
    this.#graceMs = about.settings.OFFLINE_GRACE_SECONDS * 1000;
    this.#sessions = about.sessions;
    const { channel, settings } = about;
    this.#news = new RosterNews(
      ports,
      { channel, roster: this.#roster, detailMax: settings.MEMBERS_DETAIL_MAX },
      tell,
    );
    // Also those whose grace ran out in our sleep: whoever stayed connected has not been told yet.
    for (const row of this.#sessions.all()) if (row.end?.reason !== "refused") this.#roster.put(row);
  }

  get count(): number {
    return this.#roster.count;
  }

  get liveSessions(): number {
    return this.#roster.liveSessions;
  }

  /** Everybody who is here, hidden or not. */
  users(): string[] {
    return this.#roster.users();
  }

  /** When this user joined: a session that begins while the member is here joins nothing new. */
  joinedAt(user: string): number | undefined {
    return this.#roster.member(user)?.joinedAt;
  }

  /** A session was welcomed or has ended. Others hear of it only if it changes what they see. */
  put(row: SessionRow): void {
    this.#news.add(this.#roster.put(row));
    this.#news.flush();
  }

  /** Removes whose grace is over, and returns them. */
  expire(): SessionRow[] {
    const over = [...this.#sessions.ended()].filter((row) => this.isOver(row));
    for (const row of over) this.#news.add(this.#roster.remove(row.user, row.session));
    this.#news.flush();
    return over;
  }

  isOver(row: SessionRow): boolean {
    return row.end !== null && this.expiryOf(row) <= this.#clock.now();
  }

  isCounted({ user, session }: SessionRow): boolean {
    return this.#roster.has(user, session);
  }

  /** When an ended session stops to count, in milliseconds. One that was never welcomed never did. */
  expiryOf({ end }: SessionRow): number {
    if (end === null) return Number.POSITIVE_INFINITY;
    return WITHOUT_GRACE.has(end.reason) ? end.at : end.at + this.#graceMs;
  }

  page({ cursor, limit }: MemberQuery): MemberPage {
    const { members, next } = this.#roster.page(cursor, limit);
    const page = { count: this.count, sessions: this.liveSessions, members };
    return next === undefined ? page : { ...page, cursor: next };
  }

  /** What a new session is told of the roster: the first members, the rest by pages. */
  firstPage(): Omit<MemberPage, "sessions"> {
    const { sessions: _, ...page } = this.page({ limit: MEMBERS_PAGE });
    return page;
  }
}
