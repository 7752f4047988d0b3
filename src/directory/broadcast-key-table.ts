import type { Sql } from "../objects/ports.ts";

/** Broadcasts that were made under an idempotency key: their id follows from it, and outlives the job. */
export const BROADCAST_KEY_MIGRATION = [
  `CREATE TABLE broadcast_key (
    id TEXT PRIMARY KEY,
    print TEXT NOT NULL,
    users INTEGER NOT NULL,
    at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

export interface BroadcastKeyRow {
  id: string;
  /** Tells another body under the same key. */
  print: string;
  /** Listed when it was accepted. */
  users: number;
  at: number;
}

const WRITE = `INSERT INTO broadcast_key (id, print, users, at) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET print = excluded.print, users = excluded.users, at = excluded.at`;
const FIND = "SELECT id, print, users, at FROM broadcast_key WHERE id = ? AND at > ?";
const OLDEST = "SELECT min(at) AS at FROM broadcast_key";
const DELETE = "DELETE FROM broadcast_key WHERE at <= ?";

export class BroadcastKeyTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  write({ id, print, users, at }: BroadcastKeyRow): void {
    this.#sql.run(WRITE, id, print, users, at);
  }

  find(id: string, after: number): BroadcastKeyRow | undefined {
    return this.#sql.all<BroadcastKeyRow>(FIND, id, after)[0];
  }

  /** Null without any. Reads them all. */
  oldest(): number | null {
    return this.#sql.all<{ at: number | null }>(OLDEST)[0]?.at ?? null;
  }

  deleteUntil(at: number): void {
    this.#sql.run(DELETE, at);
  }
}
