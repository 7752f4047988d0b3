import type { Sql } from "./ports.ts";

/**
 * Idempotency keys with their first result. A row is one write: the table is its own index. The key begins
 * with the part of time in which it was stored, so that old ones lie together and are found without an index.
 */
export const KEY_MIGRATION = [
  `CREATE TABLE publish_key (
    part INTEGER NOT NULL,
    principal TEXT NOT NULL,
    key TEXT NOT NULL,
    offset INTEGER NOT NULL,
    at INTEGER NOT NULL,
    body INTEGER NOT NULL,
    PRIMARY KEY (part, principal, key)
  ) STRICT, WITHOUT ROWID`,
];

export interface KeyRow {
  principal: string;
  key: string;
  /** The first result: what was stored (the offset in a channel, the `seq` in an inbox), and when. */
  offset: number;
  at: number;
  /** Fingerprint of the first body. */
  body: number;
}

const INSERT = "INSERT INTO publish_key (part, principal, key, offset, at, body) VALUES (?, ?, ?, ?, ?, ?)";
const FIND = `SELECT principal, key, offset, at, body FROM publish_key
  WHERE part IN (?, ?, ?, ?, ?, ?) AND principal = ? AND key = ? AND at > ? ORDER BY at DESC LIMIT 1`;
const FIRST_PART = "SELECT part FROM publish_key ORDER BY part LIMIT 1";
const NTH = `SELECT part, principal, key FROM publish_key WHERE part < ?
  ORDER BY part, principal, key LIMIT 1 OFFSET ?`;
const DELETE_BEFORE = "DELETE FROM publish_key WHERE (part, principal, key) < (?, ?, ?)";
const CLEAR = "DELETE FROM publish_key";

export class KeyTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  insert(part: number, { principal, key, offset, at, body }: KeyRow): void {
    this.#sql.run(INSERT, part, principal, key, offset, at, body);
  }

  /** The newest row of this key in these six parts that is younger than `since`: six lookups, whatever is stored. */
  find(parts: SixParts, principal: string, key: string, since: number): KeyRow | undefined {
    return this.#sql.all<KeyRow>(FIND, ...parts, principal, key, since)[0];
  }

  firstPart(): number | undefined {
    return this.#sql.all<{ part: number }>(FIRST_PART)[0]?.part;
  }

  /** Deletes rows of parts before this one, at most so many; false where some are left. */
  deleteBefore(part: number, most: number): boolean {
    const next = this.#sql.all<{ part: number; principal: string; key: string }>(NTH, part, most)[0];
    this.#sql.run(DELETE_BEFORE, next?.part ?? part, next?.principal ?? "", next?.key ?? "");
    return next === undefined;
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}

export type SixParts = readonly [number, number, number, number, number, number];
