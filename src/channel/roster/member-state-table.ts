import type { MemberState, Sql } from "../../objects/ports.ts";

/** How users appear here, as their own objects said. A row is written where it is not the plain state, or was told. */
export const MEMBER_STATE_MIGRATION = [
  `CREATE TABLE member_state (
    user TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    state TEXT NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

const ALL = "SELECT user, version, state FROM member_state";
const WRITE = `INSERT INTO member_state (user, version, state) VALUES (?, ?, ?)
  ON CONFLICT (user) DO UPDATE SET version = excluded.version, state = excluded.state`;
const DELETE = "DELETE FROM member_state WHERE user = ?";

export class MemberStateTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Read once, on wake-up. */
  all(): [user: string, state: MemberState][] {
    const rows = this.#sql.all<{ user: string; version: number; state: string }>(ALL);
    return rows.map(({ user, version, state }) => [user, { ...JSON.parse(state), version }]);
  }

  write(user: string, { version, ...state }: MemberState): void {
    this.#sql.run(WRITE, user, version, JSON.stringify(state));
  }

  delete(user: string): void {
    this.#sql.run(DELETE, user);
  }
}
