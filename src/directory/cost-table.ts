import type { CostSums } from "../objects/costs.ts";
import type { Sql } from "../objects/ports.ts";

/** What all objects of this shard have cost, in one row: to write it costs the same however many kinds there are. */
export const COST_MIGRATION = [
  `CREATE TABLE cost (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    since INTEGER NOT NULL,
    kinds TEXT NOT NULL
  ) STRICT`,
];

const READ = "SELECT since, kinds FROM cost";
const WRITE = `INSERT INTO cost (one, since, kinds) VALUES (1, ?, ?)
  ON CONFLICT (one) DO UPDATE SET since = excluded.since, kinds = excluded.kinds`;
const DELETE = "DELETE FROM cost";

export class CostTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): CostSums | undefined {
    const [row] = this.#sql.all<{ since: number; kinds: string }>(READ);
    return row && { since: row.since, kinds: JSON.parse(row.kinds) };
  }

  /** One row. */
  write({ since, kinds }: CostSums): void {
    this.#sql.run(WRITE, since, JSON.stringify(kinds));
  }

  /** Nothing was ever told. */
  clear(): void {
    if (this.read() !== undefined) this.#sql.run(DELETE);
  }
}
