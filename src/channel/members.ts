import type { Settings } from "../config.ts";
import type { Clock, Timers } from "../objects/ports.ts";
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
    for (const row of this.#sessions.all()) if (!this.isOver(row)) this.#roster.put(row);
  }

  get count(): number {
    return this.#roster.count;
  }

  get liveSessions(): number {
    return this.#roster.liveSessions;
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

  isOver({ end }: SessionRow): boolean {
    return end !== null && end.at + this.#graceMs <= this.#clock.now();
  }

  /** When the next grace is over; null where none runs. What is over already waits for nothing but its debt. */
  nextExpiry(): number | null {
    let next: number | null = null;
    for (const row of this.#sessions.ended()) {
      if (row.end === null || (this.isOver(row) && !this.#roster.has(row.user, row.session))) continue;
      const at = row.end.at + this.#graceMs;
      if (next === null || at < next) next = at;
    }
    return next;
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
