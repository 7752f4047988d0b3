import type { Debt, Ledger } from "../objects/outbox.ts";
import type { EndReason, Sql } from "../objects/ports.ts";
import type { CloseCode } from "../protocol/close-codes.ts";

/** What this object owes channels: "end this session, which you keep". A row lives until the channel confirms. */
export const END_DEBT_MIGRATION = [
  `CREATE TABLE end_debt (
    session TEXT PRIMARY KEY,
    channel TEXT NOT NULL,
    code INTEGER NOT NULL,
    reason TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

export interface EndDebt extends Debt {
  channel: string;
  code: CloseCode;
  reason: EndReason;
}

const INSERT = `INSERT INTO end_debt (session, channel, code, reason, due_at) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET code = excluded.code, reason = excluded.reason, tries = 0, due_at = excluded.due_at`;
const OWED = `SELECT session AS id, channel, code, reason, tries, due_at AS dueAt
  FROM end_debt ORDER BY due_at LIMIT 100`;
const FIND = "SELECT session FROM end_debt WHERE session = ?";
const POSTPONE = "UPDATE end_debt SET tries = ?, due_at = ? WHERE session = ?";
const DELETE = "DELETE FROM end_debt WHERE session = ?";

export class EndDebtTable implements Ledger<EndDebt> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  owe(debt: { session: string; channel: string; code: CloseCode; reason: EndReason; dueAt: number }): void {
    this.#sql.run(INSERT, debt.session, debt.channel, debt.code, debt.reason, debt.dueAt);
  }

  owed(): EndDebt[] {
    return this.#sql.all<EndDebt>(OWED);
  }

  owes(session: string): boolean {
    return this.#sql.all(FIND, session).length > 0;
  }

  postpone(session: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, session);
  }

  settle(session: string): void {
    this.#sql.run(DELETE, session);
  }
}
