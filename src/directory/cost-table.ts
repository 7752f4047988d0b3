import type { CostSums } from "../objects/costs.ts";
import type { Sql } from "../objects/ports.ts";
import type { Owed } from "./owing.ts";

/** What all objects of this shard have cost, in one row: to write it costs the same however many kinds there are. */
export const COST_MIGRATION = [
  `CREATE TABLE cost (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL,
    kinds TEXT NOT NULL
  ) STRICT`,
];

/** JSON of what objects owe, by object; null in a row of a version that did not know it. */
export const COST_BACKLOG_MIGRATION = ["ALTER TABLE cost ADD COLUMN backlog TEXT"];

/** As it stands in the row. */
export interface StoredCosts extends Pick<CostSums, "since" | "kinds"> {
  owed: Owed;
}

const READ = "SELECT since, kinds, backlog FROM cost";
const WRITE = `INSERT INTO cost (one, since, kinds, backlog) VALUES (1, ?, ?, ?)
  ON CONFLICT (one) DO UPDATE SET since = excluded.since, kinds = excluded.kinds, backlog = excluded.backlog`;
const DELETE = "DELETE FROM cost";

export class CostTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): StoredCosts | undefined {
    const [row] = this.#sql.all<{ since: number; kinds: string; backlog: string | null }>(READ);
    return row && { since: row.since, kinds: JSON.parse(row.kinds), owed: JSON.parse(row.backlog ?? "{}") };
  }

  /** One row. */
  write({ since, kinds, owed }: StoredCosts): void {
    this.#sql.run(WRITE, since, JSON.stringify(kinds), JSON.stringify(owed));
  }

  /** Nothing was ever told. */
  clear(): void {
    if (this.read() !== undefined) this.#sql.run(DELETE);
  }
}
