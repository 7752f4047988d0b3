import type { Debt, Ledger } from "../../objects/outbox.ts";
import type { Sql } from "../../objects/ports.ts";

/**
 * Subscribed users whose objects did not take what was said: "look at the log, and at the roster". A row lives
 * until they have; meanwhile nothing else is sent there.
 */
export const PUSH_DEBT_MIGRATION = [
  `CREATE TABLE push_debt (
    user TEXT PRIMARY KEY,
    tries INTEGER NOT NULL,
    due_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

const OWED = "SELECT user AS id, tries, due_at AS dueAt FROM push_debt ORDER BY due_at";
const OWE = "INSERT INTO push_debt (user, tries, due_at) VALUES (?, 1, ?) ON CONFLICT (user) DO NOTHING";
const POSTPONE = "UPDATE push_debt SET tries = ?, due_at = ? WHERE user = ?";
const DELETE = "DELETE FROM push_debt WHERE user = ?";

/** The rows, and the same in memory: they are asked for with everything that is said. */
export class PushDebtTable implements Ledger<Debt> {
  readonly #sql: Sql;
  readonly #debts: Map<string, Debt>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#debts = new Map(sql.all<Debt>(OWED).map((debt) => [debt.id, debt]));
  }

  owed(): Debt[] {
    return [...this.#debts.values()];
  }

  owes(user: string): boolean {
    return this.#debts.has(user);
  }

  /** The first try has failed. */
  owe(user: string, dueAt: number): void {
    if (this.#debts.has(user)) return;
    this.#sql.run(OWE, user, dueAt);
    this.#debts.set(user, { id: user, tries: 1, dueAt });
  }

  postpone(user: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, user);
    this.#debts.set(user, { id: user, tries, dueAt });
  }

  settle(user: string): void {
    this.#sql.run(DELETE, user);
    this.#debts.delete(user);
  }
}
