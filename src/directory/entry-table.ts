import type { Order } from "../objects/directory-port.ts";
import type { Sql } from "../objects/ports.ts";

/**
 * What a shard lists, by kind and name. Who is gone stays for a while with `gone_at`, so that a late word of
 * it is known to be late. No index but the key: only the rare purge reads rows by another column.
 */
export const ENTRY_MIGRATION = [
  `CREATE TABLE entry (
    kind TEXT NOT NULL CHECK (kind IN ('user', 'channel')),
    name TEXT NOT NULL,
    detail TEXT NOT NULL,
    size INTEGER NOT NULL,
    version INTEGER NOT NULL,
    at INTEGER NOT NULL,
    gone_at INTEGER,
    PRIMARY KEY (kind, name)
  ) STRICT, WITHOUT ROWID`,
];

/** JSON of what else a user has; null where its object did not say. */
export const ENTRY_HELD_MIGRATION = ["ALTER TABLE entry ADD COLUMN held TEXT"];

export type EntryKind = "user" | "channel";

export interface Entry extends Order {
  /** JSON of what is shown besides the size. */
  detail: string;
  /** Sessions of a user, members of a channel. */
  size: number;
  /** Milliseconds; null while listed. */
  goneAt: number | null;
  /** JSON for the census; null for channels. */
  held: string | null;
}

/** One that is listed. */
export interface Listed {
  kind: EntryKind;
  name: string;
}

/** How many are listed of one kind, and how large they are together. */
export interface EntryCount {
  entries: number;
  size: number;
}

export interface EntryRange {
  /** Exclusive. */
  after: string;
  prefix: string;
  limit: number;
}

const READ = `SELECT detail, size, version, at, gone_at AS goneAt, held FROM entry WHERE kind = ? AND name = ?`;
const WRITE = `INSERT INTO entry (kind, name, detail, size, version, at, gone_at, held) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (kind, name) DO UPDATE SET detail = excluded.detail, size = excluded.size,
    version = excluded.version, at = excluded.at, gone_at = excluded.gone_at, held = excluded.held`;
const PAGE = `SELECT name, detail, size FROM entry
  WHERE kind = ? AND name >= ? AND name < ? AND gone_at IS NULL ORDER BY name LIMIT ?`;
const COUNT = `SELECT count(*) AS entries, ifnull(sum(size), 0) AS size FROM entry
  WHERE kind = ? AND gone_at IS NULL`;
const HELD = "SELECT name, size, held FROM entry WHERE kind = 'user' AND gone_at IS NULL";
const OLDEST_GONE = "SELECT min(gone_at) AS goneAt FROM entry";
const LISTED = "SELECT kind, name FROM entry WHERE gone_at IS NULL ORDER BY kind, name LIMIT ? OFFSET ?";
const LISTED_AFTER = `SELECT kind, name FROM entry WHERE (kind, name) > (?, ?) AND gone_at IS NULL
  ORDER BY kind, name LIMIT ?`;
const OLDEST_LISTED = "SELECT min(at) AS at FROM entry WHERE gone_at IS NULL";
const DELETE_ALL = "DELETE FROM entry";
const PURGE = "DELETE FROM entry WHERE gone_at <= ?";

/** Names are made of `+` to `~`: this comes before all of them, and the other after all. */
const BEFORE_ANY = "!";
const AFTER_ANY = "\x7f";

export class EntryTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(kind: EntryKind, name: string): Entry | undefined {
    return this.#sql.all<Entry>(READ, kind, name)[0];
  }

  write(kind: EntryKind, name: string, { detail, size, version, at, goneAt, held }: Entry): void {
    this.#sql.run(WRITE, kind, name, detail, size, version, at, goneAt, held);
  }

  /** Those listed, by name. One lower bound, not two: with both, every page would read from the prefix on. */
  page(
    kind: EntryKind,
    { after, prefix, limit }: EntryRange,
  ): { name: string; detail: string; size: number }[] {
    const from = after === "" || after < prefix ? prefix : after + BEFORE_ANY;
    return this.#sql.all(PAGE, kind, from, prefix + AFTER_ANY, limit);
  }

  /** Reads all of that kind. */
  count(kind: EntryKind): EntryCount {
    return this.#sql.all<EntryCount>(COUNT, kind)[0] ?? { entries: 0, size: 0 };
  }

  /** What each user has who is listed. Reads all of them. */
  held(): { name: string; size: number; held: string | null }[] {
    return this.#sql.all(HELD);
  }

  /** So many of those listed, from there on in the order of kinds and names. */
  listed(limit: number, offset: number): Listed[] {
    return this.#sql.all(LISTED, limit, offset);
  }

  /** So many of those listed behind this one, likewise. */
  listedAfter({ kind, name }: { kind: string; name: string }, limit: number): Listed[] {
    return this.#sql.all(LISTED_AFTER, kind, name, limit);
  }

  /** When the one was told that has not changed for longest, in milliseconds; null where nobody is listed. Reads everything. */
  oldestListed(): number | null {
    return this.#sql.all<{ at: number | null }>(OLDEST_LISTED)[0]?.at ?? null;
  }

  /** Nothing was ever told. */
  clear(): void {
    if (this.#sql.all("SELECT name FROM entry LIMIT 1").length > 0) this.#sql.run(DELETE_ALL);
  }

  /** Since when the longest gone is gone; null where nobody is. Reads everything. */
  oldestGone(): number | null {
    return this.#sql.all<{ goneAt: number | null }>(OLDEST_GONE)[0]?.goneAt ?? null;
  }

  /** Forgets who has been gone since then or longer. */
  purge(until: number): void {
    this.#sql.run(PURGE, until);
  }
}
