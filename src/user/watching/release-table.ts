import * as z from "zod";
import type { Debt, Ledger } from "../../objects/outbox.ts";
import type { Sql } from "../../objects/ports.ts";

/** What this object owes users that it watches no more: word of it. One row for all that were given up at once. */
export const RELEASE_MIGRATION = [
  `CREATE TABLE release_debt (
    ordered_at INTEGER PRIMARY KEY,
    targets TEXT NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL
  ) STRICT`,
];

export interface ReleaseDebt extends Debt {
  order: number;
  targets: string[];
}

interface Row {
  ordered_at: number;
  targets: string;
  tries: number;
  due_at: number;
}

const Targets = z.array(z.string());
const COLUMNS = "ordered_at, targets, tries, due_at";
const ALL = `SELECT ${COLUMNS} FROM release_debt ORDER BY ordered_at`;
const OWED = `SELECT ${COLUMNS} FROM release_debt ORDER BY due_at LIMIT 100`;
const FIND = `SELECT ${COLUMNS} FROM release_debt WHERE ordered_at = ?`;
const INSERT = "INSERT INTO release_debt (ordered_at, targets, due_at) VALUES (?, ?, ?)";
const KEEP = "UPDATE release_debt SET targets = ? WHERE ordered_at = ?";
const POSTPONE = "UPDATE release_debt SET tries = ?, due_at = ? WHERE ordered_at = ?";
const DELETE = "DELETE FROM release_debt WHERE ordered_at = ?";

export class ReleaseTable implements Ledger<ReleaseDebt> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  all(): ReleaseDebt[] {
    return this.#sql.all<Row>(ALL).map(fromRow);
  }

  owe(order: number, targets: readonly string[], dueAt: number): void {
    this.#sql.run(INSERT, order, JSON.stringify(targets), dueAt);
  }

  /** Only these are left of it; without any the debt is settled. */
  keep(order: number, targets: readonly string[]): void {
    if (targets.length === 0) this.#sql.run(DELETE, order);
    else this.#sql.run(KEEP, JSON.stringify(targets), order);
  }

  find(id: string): ReleaseDebt | undefined {
    return this.#sql.all<Row>(FIND, Number(id)).map(fromRow)[0];
  }

  owed(): ReleaseDebt[] {
    return this.#sql.all<Row>(OWED).map(fromRow);
  }

  owes(id: string): boolean {
    return this.find(id) !== undefined;
  }

  postpone(id: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, Number(id));
  }
}

function fromRow({ ordered_at: order, targets, tries, due_at: dueAt }: Row): ReleaseDebt {
  return { id: String(order), order, targets: Targets.parse(JSON.parse(targets)), tries, dueAt };
}
