import type { Sql } from "../objects/ports.ts";
import type { ParkedLetter } from "../objects/webhook-port.ts";

/** Events that were given up, in the order in which they were. Rare, so that an index may cost a row. */
export const LETTER_MIGRATION = [
  `CREATE TABLE letter (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    type TEXT NOT NULL,
    at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last_error TEXT NOT NULL,
    data TEXT NOT NULL,
    hop INTEGER,
    parked_at INTEGER NOT NULL
  ) STRICT`,
];

/** A letter and its place in the order. */
export interface KeptLetter extends ParkedLetter {
  seq: number;
}

interface Row {
  seq: number;
  id: string;
  type: string;
  at: number;
  attempts: number;
  lastError: string;
  dataJson: string;
  hop: number | null;
}

const COLUMNS = "seq, id, type, at, attempts, last_error AS lastError, data AS dataJson, hop";
const WRITE = `INSERT INTO letter (id, type, at, attempts, last_error, data, hop, parked_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (id) DO UPDATE SET seq = (SELECT max(seq) + 1 FROM letter), parked_at = excluded.parked_at,
    attempts = excluded.attempts, last_error = excluded.last_error`;
const FIND = `SELECT ${COLUMNS} FROM letter WHERE id = ?`;
const AFTER = `SELECT ${COLUMNS} FROM letter WHERE seq > ? ORDER BY seq LIMIT ?`;
const COUNT = "SELECT count(*) AS letters FROM letter";
const OLDEST_AT = "SELECT parked_at AS at FROM letter ORDER BY seq LIMIT 1";
const DELETE = "DELETE FROM letter WHERE seq = ?";
const DELETE_OLDEST = "DELETE FROM letter WHERE seq IN (SELECT seq FROM letter ORDER BY seq LIMIT ?)";

export class LetterTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** One that is kept already is given up anew: it says why it failed last, and stands behind all others. */
  write({ id, type, at, attempts, lastError, dataJson, hop }: ParkedLetter, now: number): void {
    this.#sql.run(WRITE, id, type, at, attempts, lastError, dataJson, hop ?? null, now);
  }

  find(id: string): KeptLetter | undefined {
    return this.#sql.all<Row>(FIND, id).map(fromRow)[0];
  }

  /** In order, at most so many. */
  after(seq: number, most: number): KeptLetter[] {
    return this.#sql.all<Row>(AFTER, seq, most).map(fromRow);
  }

  count(): number {
    return this.#sql.all<{ letters: number }>(COUNT)[0]?.letters ?? 0;
  }

  /** When the first of them was given up; null without any. */
  oldestAt(): number | null {
    return this.#sql.all<{ at: number }>(OLDEST_AT)[0]?.at ?? null;
  }

  delete(seq: number): void {
    this.#sql.run(DELETE, seq);
  }

  deleteOldest(letters: number): void {
    this.#sql.run(DELETE_OLDEST, letters);
  }
}

function fromRow({ hop, ...row }: Row): KeptLetter {
  return hop === null ? row : { ...row, hop };
}
