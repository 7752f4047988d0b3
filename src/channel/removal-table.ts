import type { Sql } from "../objects/ports.ts";

/** Users who were sent away: their tokens issued in this second or before lose this channel. */
export const REMOVAL_MIGRATION = [
  `CREATE TABLE removal (
    user TEXT PRIMARY KEY,
    second INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

const READ = "SELECT second FROM removal WHERE user = ?";
const WRITE = `INSERT INTO removal (user, second) VALUES (?, ?)
  ON CONFLICT (user) DO UPDATE SET second = max(second, excluded.second)`;
const DELETE_BEFORE = "DELETE FROM removal WHERE second < ?";

export class RemovalTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Null for a user who was never sent away, or so long ago that no such token lives. */
  secondOf(user: string): number | null {
    return this.#sql.all<{ second: number }>(READ, user)[0]?.second ?? null;
  }

  write(user: string, second: number): void {
    this.#sql.run(WRITE, user, second);
  }

  deleteBefore(second: number): void {
    this.#sql.run(DELETE_BEFORE, second);
  }
}
