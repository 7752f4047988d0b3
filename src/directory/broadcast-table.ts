import type { Sql } from "../objects/ports.ts";

/**
 * Broadcasts under way: a row lives until everybody was told or given up. `cursor` is the last user, by name, who
 * was told or is owed it; null once nobody comes after.
 */
export const BROADCAST_MIGRATION = [
  `CREATE TABLE broadcast (
    id TEXT PRIMARY KEY,
    frame TEXT NOT NULL,
    users INTEGER NOT NULL,
    accepted_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    cursor TEXT
  ) STRICT, WITHOUT ROWID`,
];

export interface BroadcastJob {
  id: string;
  frame: string;
  /** Listed when it was accepted. */
  users: number;
  acceptedAt: number;
  expiresAt: number;
  /** Null once its walk is over: what is left are debts. */
  cursor: string | null;
}

const INSERT = `INSERT INTO broadcast (id, frame, users, accepted_at, expires_at, cursor)
  VALUES (?, ?, ?, ?, ?, ?)`;
const ALL = `SELECT id, frame, users, accepted_at AS acceptedAt, expires_at AS expiresAt, cursor
  FROM broadcast ORDER BY accepted_at, id`;
const MOVE = "UPDATE broadcast SET cursor = ? WHERE id = ?";
const DELETE = "DELETE FROM broadcast WHERE id = ?";

export class BroadcastTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The oldest first. Few: who accepts them sees to that. */
  all(): BroadcastJob[] {
    return this.#sql.all(ALL);
  }

  insert({ id, frame, users, acceptedAt, expiresAt, cursor }: BroadcastJob): void {
    this.#sql.run(INSERT, id, frame, users, acceptedAt, expiresAt, cursor);
  }

  move(id: string, cursor: string | null): void {
    this.#sql.run(MOVE, cursor, id);
  }

  delete(id: string): void {
    this.#sql.run(DELETE, id);
  }
}
