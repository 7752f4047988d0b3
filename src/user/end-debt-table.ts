import type { Debt, Ledger } from "../objects/outbox.ts";
import type { EndReason, Sql } from "../objects/ports.ts";
import type { CloseCode } from "../protocol/close-codes.ts";
import type { OtherKeeper } from "./presence/keepers.ts";

/** What this object owes keepers: "end this session, which you keep". A row lives until the keeper confirms. */
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

/** The relay of that channel which keeps the session, if one does. */
export const END_DEBT_RELAY_MIGRATION = ["ALTER TABLE end_debt ADD COLUMN relay TEXT"];

export interface EndDebt extends Debt {
  channel: string;
  relay: string | null;
  code: CloseCode;
  reason: EndReason;
}

const INSERT = `INSERT INTO end_debt (session, channel, relay, code, reason, due_at) VALUES (?, ?, ?, ?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET code = excluded.code, reason = excluded.reason, tries = 0, due_at = excluded.due_at`;
const OWED = `SELECT session AS id, channel, relay, code, reason, tries, due_at AS dueAt
  FROM end_debt ORDER BY due_at LIMIT 100`;
const FIND = "SELECT session FROM end_debt WHERE session = ?";
const POSTPONE = "UPDATE end_debt SET tries = ?, due_at = ? WHERE session = ?";
const DELETE = "DELETE FROM end_debt WHERE session = ?";

export class EndDebtTable implements Ledger<EndDebt> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  owe(
    session: string,
    { channel, relay }: OtherKeeper,
    how: Pick<EndDebt, "code" | "reason" | "dueAt">,
  ): void {
    this.#sql.run(INSERT, session, channel, relay ?? null, how.code, how.reason, how.dueAt);
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
