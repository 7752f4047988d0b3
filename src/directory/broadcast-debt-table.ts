import type { Debt, Ledger } from "../objects/outbox.ts";
import type { Sql } from "../objects/ports.ts";

/** Users who did not answer when they were told of a broadcast. A row lives until they have, or are given up. */
export const BROADCAST_DEBT_MIGRATION = [
  `CREATE TABLE broadcast_debt (
    broadcast TEXT NOT NULL,
    user TEXT NOT NULL,
    tries INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    PRIMARY KEY (broadcast, user)
  ) STRICT, WITHOUT ROWID`,
];

export interface BroadcastDebt extends Debt {
  broadcast: string;
  user: string;
}

const OWE = "INSERT INTO broadcast_debt (broadcast, user, tries, due_at) VALUES (?, ?, 1, ?)";
const OWED = `SELECT broadcast || ' ' || user AS id, broadcast, user, tries, due_at AS dueAt
  FROM broadcast_debt ORDER BY due_at LIMIT 100`;
const COUNT = "SELECT count(*) AS debts FROM broadcast_debt";
const OF_BROADCAST = "SELECT user FROM broadcast_debt WHERE broadcast = ? LIMIT 1";
const FIND = "SELECT user FROM broadcast_debt WHERE broadcast = ? AND user = ?";
const POSTPONE = "UPDATE broadcast_debt SET tries = ?, due_at = ? WHERE broadcast = ? AND user = ?";
const DELETE = "DELETE FROM broadcast_debt WHERE broadcast = ? AND user = ?";

export class BroadcastDebtTable implements Ledger<BroadcastDebt> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** A first try has failed. */
  owe(broadcast: string, user: string, dueAt: number): void {
    this.#sql.run(OWE, broadcast, user, dueAt);
  }

  /** Those that are due first. */
  owed(): BroadcastDebt[] {
    return this.#sql.all(OWED);
  }

  count(): number {
    return this.#sql.all<{ debts: number }>(COUNT)[0]?.debts ?? 0;
  }

  hasAnyOf(broadcast: string): boolean {
    return this.#sql.all(OF_BROADCAST, broadcast).length > 0;
  }

  owes(id: string): boolean {
    return this.#sql.all(FIND, ...keyOf(id)).length > 0;
  }

  postpone(id: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, ...keyOf(id));
  }

  settle(id: string): void {
    this.#sql.run(DELETE, ...keyOf(id));
  }
}

/** Of a debt's id: neither a broadcast's id nor a user's holds a blank. */
export function keyOf(id: string): [broadcast: string, user: string] {
  const [broadcast = "", user = ""] = id.split(" ");
  return [broadcast, user];
}
