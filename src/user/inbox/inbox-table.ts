import type { Sql } from "../../objects/ports.ts";

/**
 * What an inbox must not forget when the rows that said it are gone. `latest` and `acked` are written only where
 * no message and no cursor says it: a message that everybody acknowledges costs nothing here.
 */
export const INBOX_MIGRATION = [
  `CREATE TABLE inbox (
    epoch TEXT PRIMARY KEY,
    latest INTEGER NOT NULL,
    acked INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

export interface InboxRow {
  /** Ids of messages begin with it: unguessable, and another one once the user was erased. */
  epoch: string;
  /** A `seq` that was given, and the highest that a device has acknowledged which is known no longer. */
  latest: number;
  acked: number;
}

const READ = "SELECT epoch, latest, acked FROM inbox";
const WRITE = `INSERT INTO inbox (epoch, latest, acked) VALUES (?, ?, ?)
  ON CONFLICT (epoch) DO UPDATE SET latest = excluded.latest, acked = excluded.acked`;
const CLEAR = "DELETE FROM inbox";

export class InboxTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): InboxRow | undefined {
    return this.#sql.all<InboxRow>(READ)[0];
  }

  write({ epoch, latest, acked }: InboxRow): void {
    this.#sql.run(WRITE, epoch, latest, acked);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}
