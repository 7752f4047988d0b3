import type { Debt, Ledger } from "../objects/outbox.ts";
import type { Sql } from "../objects/ports.ts";

/**
 * What this object owes channels: "this is how the user appears now". A row per channel lives until the channel
 * confirms. `version` is at least the user's at the last change, and grows with each: an older word does not settle it.
 */
export const ROSTER_DEBT_MIGRATION = [
  `CREATE TABLE roster_debt (
    channel TEXT PRIMARY KEY,
    version INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

export interface RosterDebt extends Debt {
  channel: string;
}

interface Row {
  channel: string;
  version: number;
  tries: number;
  dueAt: number;
}

const OWE = `INSERT INTO roster_debt (channel, version, due_at) VALUES (?, ?, ?)
  ON CONFLICT (channel) DO UPDATE SET version = max(excluded.version, roster_debt.version + 1), tries = 0, due_at = excluded.due_at`;
const OWED = "SELECT channel, version, tries, due_at AS dueAt FROM roster_debt ORDER BY due_at";
const FIND = "SELECT channel FROM roster_debt WHERE channel = ? AND version = ?";
const POSTPONE = "UPDATE roster_debt SET tries = ?, due_at = ? WHERE channel = ? AND version = ?";
const DELETE = "DELETE FROM roster_debt WHERE channel = ? AND version = ?";

export class RosterDebtTable implements Ledger<RosterDebt> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  owe(channel: string, version: number, dueAt: number): void {
    this.#sql.run(OWE, channel, version, dueAt);
  }

  owed(): RosterDebt[] {
    const rows = this.#sql.all<Row>(OWED);
    return rows.map(({ version, ...debt }) => ({ ...debt, id: `${version} ${debt.channel}` }));
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

/** Of a debt's id: no channel name holds a blank. */
function keyOf(id: string): [channel: string, version: number] {
  const [version = "", channel = ""] = id.split(" ");
  return [channel, Number(version)];
}
