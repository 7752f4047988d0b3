import type { Debt, Ledger } from "../../objects/outbox.ts";
import type { Sql } from "../../objects/ports.ts";

/**
 * Subscribed users, and relays, whose objects did not take what was said: "look at the log, and at the roster". A
 * row lives until they have; meanwhile nothing else is sent there. `user` holds a relay's name too: with its slash
 * it is no user's id.
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

/** Some of the rows, and the same in memory: they are asked for with everything that is said. */
export class PushDebtTable implements Ledger<Debt> {
  readonly #sql: Sql;
  readonly #debts: Map<string, Debt>;

  constructor(sql: Sql, isOurs: (target: string) => boolean) {
    this.#sql = sql;
    const debts = sql.all<Debt>(OWED).filter(({ id }) => isOurs(id));
    this.#debts = new Map(debts.map((debt) => [debt.id, debt]));
  }

  owed(): Debt[] {
    return [...this.#debts.values()];
  }

  owes(target: string): boolean {
    return this.#debts.has(target);
  }

  /** The first try has failed. */
  owe(target: string, dueAt: number): void {
    if (this.#debts.has(target)) return;
    this.#sql.run(OWE, target, dueAt);
    this.#debts.set(target, { id: target, tries: 1, dueAt });
  }

  postpone(target: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, target);
    this.#debts.set(target, { id: target, tries, dueAt });
  }

  settle(target: string): void {
    this.#sql.run(DELETE, target);
    this.#debts.delete(target);
  }
}
