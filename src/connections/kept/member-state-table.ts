import type { MemberState, Sql } from "../../objects/ports.ts";

/** How users appear here, as their own objects said. A row is written where it is not the plain state, or was told. */
export const MEMBER_STATE_MIGRATION = [
  `CREATE TABLE member_state (
    user TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

/** When each was written: whoever wakes soon after tells it again. */
export const MEMBER_STATE_TIME_MIGRATION = [
  "ALTER TABLE member_state ADD COLUMN at INTEGER NOT NULL DEFAULT 0",
];

const ALL = "SELECT user, version, state, at FROM member_state";
const WRITE = `INSERT INTO member_state (user, version, state, at) VALUES (?, ?, ?, ?)
  ON CONFLICT (user) DO UPDATE SET version = excluded.version, state = excluded.state, at = excluded.at`;
const DELETE = "DELETE FROM member_state WHERE user = ?";

export class MemberStateTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Read once, on wake-up. */
  all(): [user: string, state: MemberState, at: number][] {
    const rows = this.#sql.all<{ user: string; version: number; state: string; at: number }>(ALL);
    return rows.map(({ user, version, state, at }) => [user, { ...JSON.parse(state), version }, at]);
  }

  write(user: string, { version, ...state }: MemberState, at: number): void {
    this.#sql.run(WRITE, user, version, JSON.stringify(state), at);
  }

  delete(user: string): void {
    this.#sql.run(DELETE, user);
  }
}
