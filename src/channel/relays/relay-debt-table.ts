import type { Debt, Ledger } from "../../objects/outbox.ts";
import type { Sql } from "../../objects/ports.ts";

/**
 * What this channel owes its relays: "this user was sent away", or, where no user is named, "the channel was
 * deleted". A row lives until the relay has confirmed it.
 */
export const RELAY_DEBT_MIGRATION = [
  `CREATE TABLE relay_debt (
    id TEXT PRIMARY KEY,
    relay TEXT NOT NULL,
    user TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

/** `user` is null where everybody has to go. */
export interface RelayDebt extends Debt {
  relay: string;
  user: string | null;
}

const OWED = "SELECT id, relay, user, tries, due_at AS dueAt FROM relay_debt ORDER BY due_at";
const OWE = `INSERT INTO relay_debt (id, relay, user, due_at) VALUES (?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET tries = 0, due_at = excluded.due_at`;
const POSTPONE = "UPDATE relay_debt SET tries = ?, due_at = ? WHERE id = ?";
const DELETE = "DELETE FROM relay_debt WHERE id = ?";

/** The rows, and the same in memory: with every report it is asked who is on the way out. */
export class RelayDebtTable implements Ledger<RelayDebt> {
  readonly #sql: Sql;
  readonly #debts: Map<string, RelayDebt>;

  constructor(sql: Sql) {
    this.#sql = sql;
    this.#debts = new Map(sql.all<RelayDebt>(OWED).map((debt) => [debt.id, debt]));
  }

  owed(): RelayDebt[] {
    return [...this.#debts.values()];
  }

  owes(id: string): boolean {
    return this.#debts.has(id);
  }

  /** Whether this user is being sent away from this relay, or everybody. */
  isSentAway(relay: string, user: string): boolean {
    if (this.#debts.size === 0) return false;
    return this.#debts.has(relay) || this.#debts.has(idOf(relay, user));
  }

  /** Once more, if it is owed already. Returns its id. */
  owe(relay: string, user: string | null, dueAt: number): string {
    const id = idOf(relay, user);
    this.#sql.run(OWE, id, relay, user, dueAt);
    this.#debts.set(id, { id, relay, user, tries: 0, dueAt });
    return id;
  }

  postpone(id: string, tries: number, dueAt: number): void {
    const debt = this.#debts.get(id);
    if (debt === undefined) return;
    this.#sql.run(POSTPONE, tries, dueAt, id);
    this.#debts.set(id, { ...debt, tries, dueAt });
  }

  /** What it was. */
  settle(id: string): RelayDebt | undefined {
    const debt = this.#debts.get(id);
    this.#sql.run(DELETE, id);
    this.#debts.delete(id);
    return debt;
  }
}

/** A space is in no name. */
function idOf(relay: string, user: string | null): string {
  return user === null ? relay : `${relay} ${user}`;
}
