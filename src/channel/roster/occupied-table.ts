import type { Sql } from "../../objects/ports.ts";

/** One row while back ends know the channel as occupied: a crash must not tell them a second time. */
export const OCCUPIED_MIGRATION = [
  `CREATE TABLE occupied (
    one INTEGER PRIMARY KEY CHECK (one = 1)
  ) STRICT`,
  // Who is here when this is applied was told of before, where anybody was.
  "INSERT INTO occupied (one) SELECT 1 WHERE EXISTS (SELECT 1 FROM session)",
];

const READ = "SELECT one FROM occupied";
const WRITE = "INSERT INTO occupied (one) VALUES (1) ON CONFLICT (one) DO NOTHING";
const CLEAR = "DELETE FROM occupied";

export class OccupiedTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Whether back ends were told that somebody is here, and not yet that nobody is. */
  read(): boolean {
    return this.#sql.all(READ).length > 0;
  }

  write(isOccupied: boolean): void {
    this.#sql.run(isOccupied ? WRITE : CLEAR);
  }
}
