import type { Sample } from "../objects/auditing.ts";
import type { Sql } from "../objects/ports.ts";

/** The last sample of this shard, in one row; and when the shard last showed that it can write. */
export const SAMPLE_MIGRATION = [
  `CREATE TABLE sample (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    result TEXT NOT NULL
  ) STRICT`,
  `CREATE TABLE probe (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    at INTEGER NOT NULL
  ) STRICT`,
];

const READ = "SELECT result FROM sample";
const WRITE = `INSERT INTO sample (one, result) VALUES (1, ?)
  ON CONFLICT (one) DO UPDATE SET result = excluded.result`;
const READ_PROBE = "SELECT at FROM probe";
const WRITE_PROBE =
  "INSERT INTO probe (one, at) VALUES (1, ?) ON CONFLICT (one) DO UPDATE SET at = excluded.at";

export class SampleTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Null where none was taken yet. */
  read(): Sample | null {
    const row = this.#sql.all<{ result: string }>(READ)[0];
    return row === undefined ? null : (JSON.parse(row.result) as Sample);
  }

  /** One row. */
  write(sample: Sample): void {
    this.#sql.run(WRITE, JSON.stringify(sample));
  }

  /** When `probe` last wrote, in milliseconds; 0 where it never did. */
  probedAt(): number {
    return this.#sql.all<{ at: number }>(READ_PROBE)[0]?.at ?? 0;
  }

  /** One row. */
  probe(at: number): void {
    this.#sql.run(WRITE_PROBE, at);
  }
}
