import type { Sql } from "../objects/ports.ts";

/**
 * Events that the queue has not taken yet. What happened in one change is one row, because rows are what is paid for:
 * one when it is written, one when it goes. A failed try writes nothing: how long to wait follows from `at`.
 */
export const OUTGOING_EVENT_MIGRATION = [
  `CREATE TABLE outgoing_event (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    texts TEXT NOT NULL
  ) STRICT`,
];

/** One row; `texts` as the queue carries them. */
export interface OutgoingRow {
  seq: number;
  at: number;
  texts: string[];
}

const INSERT = "INSERT INTO outgoing_event (at, texts) VALUES (?, ?)";
const OLDEST_AT = "SELECT at FROM outgoing_event ORDER BY seq LIMIT 1";
const FIRST = "SELECT seq, at, texts FROM outgoing_event ORDER BY seq LIMIT ?";
const DELETE_UP_TO = "DELETE FROM outgoing_event WHERE seq <= ?";

export class OutgoingEventTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  insert(at: number, texts: readonly string[]): void {
    this.#sql.run(INSERT, at, JSON.stringify(texts));
  }

  /** When the oldest was written, in milliseconds; null without any. */
  oldestAt(): number | null {
    return this.#sql.all<{ at: number }>(OLDEST_AT)[0]?.at ?? null;
  }

  first(most: number): OutgoingRow[] {
    const rows = this.#sql.all<{ seq: number; at: number; texts: string }>(FIRST, most);
    return rows.map((row) => ({ ...row, texts: JSON.parse(row.texts) as string[] }));
  }

  deleteUpTo(seq: number): void {
    this.#sql.run(DELETE_UP_TO, seq);
  }
}
