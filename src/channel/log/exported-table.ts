import type { Sql } from "../../objects/ports.ts";

/** One row: up to which offset the queue has the messages. They lie in the log, so none is written a second time. */
export const EXPORTED_MIGRATION = [
  `CREATE TABLE exported (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    offset INTEGER NOT NULL
  ) STRICT`,
];

const READ = "SELECT offset FROM exported WHERE one = 1";
const WRITE = `INSERT INTO exported (one, offset) VALUES (1, ?)
  ON CONFLICT (one) DO UPDATE SET offset = excluded.offset`;
const CLEAR = "DELETE FROM exported";

export class ExportedTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Undefined where no message was exported yet, nor is to be. */
  read(): number | undefined {
    return this.#sql.all<{ offset: number }>(READ)[0]?.offset;
  }

  write(offset: number): void {
    this.#sql.run(WRITE, offset);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}
