import type { Database } from "../../objects/migrations.ts";
import type { EndReason } from "../../objects/ports.ts";
import type { Presence } from "../../protocol/presence.ts";
import {
  isSameMember,
  looksSame,
  memberOf,
  neverSeen,
  type PresenceFacts,
  presenceOf,
  shownOf,
  versionsAfter,
  versionsOf,
} from "./presence.ts";
import { type SessionRow, SessionTable, type Versions } from "./session-table.ts";
import { type UserRow, UserTable } from "./user-table.ts";

/** More changes than anybody makes in the 30 days that storage can go back. */
const LEAP = 1_000_000_000;
/** A session that began, or ended. */
export type SessionNews =
  | { is: "started"; row: SessionRow }
  | { is: "ended"; row: SessionRow; at: number; reason: EndReason };

/** What back ends are told, in the transaction of the change. */
export interface StandingEvents {
  /** Sessions are told of: then each beginning and each end has a version of its own. */
  readonly hasSessions: boolean;
  /** What one change comes to. `presence` is as back ends see it, where they see another one than before. */
  changed(news: { session?: SessionNews & { version: number }; presence?: Presence }): void;
}

/** What comes with a change, in the transaction that makes it. */
interface StandingHooks {
  /** Rosters show the user differently from now on. */
  memberChanged(before: PresenceFacts, after: PresenceFacts): void;
  /** The user's version has grown; `shownVersion` is what it was before for others. */
  changed(before: { shownVersion: number }): void;
  /** Absent where nothing is exported. */
  events?: StandingEvents;
}

/**
 * All that is durable about the presence of one user: its row and its sessions' rows, in memory as long as
 * nothing changes them. A change writes the row that it is about, and with it the versions that it brings.
 */
export class Standing {
  readonly sessions: SessionTable;
  readonly #user: string;
  readonly #sql: Database;
  readonly #graceMs: number;
  readonly #row: UserTable;
  readonly #hooks: StandingHooks;
  /** Read once per change: an event asks for them several times. Lost on sleep, read again. */
  #cachedRow: UserRow | undefined;
  #cachedSessions: readonly SessionRow[] | undefined;
  #cachedPresence: Presence | undefined;

  constructor(user: string, sql: Database, graceMs: number, hooks: StandingHooks) {
    this.#user = user;
    this.#sql = sql;
    this.#graceMs = graceMs;
    this.#hooks = hooks;
    this.sessions = new SessionTable(sql);
    this.#row = new UserTable(sql);
  }

  /** Nothing was ever written, of any room of this object. */
  get isBlank(): boolean {
    return this.#sql.isBlank;
  }

  row(): UserRow {
    this.#cachedRow ??= this.#row.read();
    return this.#cachedRow;
  }

  /** Live and ended, the oldest connection first. */
  all(): readonly SessionRow[] {
    this.#cachedSessions ??= this.sessions.all();
    return this.#cachedSessions;
  }

  facts(silent: ReadonlySet<string> = NONE, activeAt?: number): PresenceFacts {
    const { row, all } = { row: this.row(), all: this.all() };
    const facts = { user: this.#user, row, sessions: all, silent, graceMs: this.#graceMs };
    return activeAt === undefined ? facts : { ...facts, activeAt };
  }

  /** As the user and back ends see it, whatever is silent. */
  presence(): Presence {
    this.#cachedPresence ??= presenceOf(this.facts());
    return this.#cachedPresence;
  }

  /** Writes the user's row: as it is to be, with the versions that this brings. */
  writeRow(next: UserRow, sessions: readonly SessionRow[] = this.all(), also?: () => void): void {
    const before = this.facts();
    const after = { ...before, row: next, sessions };
    const versions = versionsAfter(before, after);
    this.change(() => {
      const owesDirectory = next.owesDirectory || vanishes(before, after);
      this.#row.write({
        ...next,
        ...versions,
        shownActiveAt: shownActiveAfter(before, after),
        owesDirectory,
      });
      also?.();
      this.#tell(before, after, versions);
      this.#export(before, after, versions);
    });
  }

  /** Writes one session's row, by `write`, where all of them are to be these. */
  writeSession(
    sessions: readonly SessionRow[],
    write: (versions: Versions) => void,
    news?: SessionNews,
  ): void {
    const before = this.facts();
    const after = { ...before, sessions };
    const versions = versionsAfter(before, after);
    const hasOwnVersion = news !== undefined && this.#hooks.events?.hasSessions === true;
    const numbered = { ...versions, version: versions.version + (hasOwnVersion ? 1 : 0) };
    this.change(() => {
      write(numbered);
      const shownActiveAt = shownActiveAfter(before, after);
      if (shownActiveAt !== before.row.shownActiveAt) this.#row.write({ ...before.row, shownActiveAt });
      this.#tell(before, after, versions);
      this.#export(before, after, numbered, hasOwnVersion ? news : undefined);
    });
  }

  /** When the last session ended, in milliseconds; null while one lives, 0 for a user without any. */
  lastEndAt(): number | null {
    let last = this.row().lastActiveAt ?? 0;
    for (const { endedAt } of this.all()) {
      if (endedAt === null) return null;
      last = Math.max(last, endedAt);
    }
    return last;
  }

  /** Versions go on from much higher ones, and everybody who goes by them is told. */
  leap(): void {
    const before = this.facts();
    const { version, shownVersion } = versionsOf(before);
    const versions = { version: version + LEAP, shownVersion: shownVersion + LEAP };
    const row = { ...before.row, ...versions };
    this.change(() => {
      this.#row.write(row);
      this.#tell(before, { ...before, row }, versions);
    });
  }

  /** Nothing is left but this row. */
  erase(row: UserRow): void {
    const before = this.facts();
    const owesDirectory = before.row.owesDirectory || vanishes(before, { ...before, row, sessions: [] });
    this.change(() => {
      this.sessions.deleteAll();
      this.#row.write({ ...row, owesDirectory });
      const wasSeen = !looksSame(presenceOf(before), neverSeen(this.#user));
      const { version } = row;
      if (wasSeen) this.#hooks.events?.changed({ presence: { ...neverSeen(this.#user), version } });
    });
  }

  /** All or nothing; afterwards the rows are read anew, also where it failed half-way. */
  change(work: () => void): void {
    try {
      this.#sql.transaction(work);
    } finally {
      this.#cachedRow = undefined;
      this.#cachedSessions = undefined;
      this.#cachedPresence = undefined;
    }
  }

  /** A session's version lies between that before and that of the presence which it makes. */
  #export(before: PresenceFacts, after: PresenceFacts, { version }: Versions, news?: SessionNews): void {
    const { events } = this.#hooks;
    if (events === undefined) return;
    const presence = presenceOf(after);
    const session = news && { ...news, version: versionsOf(before).version + 1 };
    const isSeen = !looksSame(presenceOf(before), presence);
    if (session === undefined && !isSeen) return;
    events.changed({ ...(session && { session }), ...(isSeen && { presence: { ...presence, version } }) });
  }

  #tell(before: PresenceFacts, after: PresenceFacts, { version }: Versions): void {
    const was = versionsOf(before);
    if (version > was.version) this.#hooks.changed(was);
    if (!isSameMember(memberOf(before), memberOf(after))) this.#hooks.memberChanged(before, after);
  }
}

const NONE: ReadonlySet<string> = new Set();

/** Whoever vanishes from the eyes of others was last seen by them now; who was hidden before, as before. */
function shownActiveAfter(before: PresenceFacts, after: PresenceFacts): number | null {
  const vanishes = shownOf(before).status !== "offline" && shownOf(after).status === "offline";
  if (!vanishes) return after.row.shownActiveAt;
  return Math.max(presenceOf(before).lastActiveAt ?? 0, after.row.lastActiveAt ?? 0);
}

/** Whether the user turns offline: then the directory has to hear of it, whatever happens to this object. */
function vanishes(before: PresenceFacts, after: PresenceFacts): boolean {
  return presenceOf(before).status !== "offline" && presenceOf(after).status === "offline";
}
