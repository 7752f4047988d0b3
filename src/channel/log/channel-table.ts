import type { Sql } from "../../objects/ports.ts";

/** One row: what makes this log this log. */
export const CHANNEL_MIGRATION = [
  `CREATE TABLE channel (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    epoch TEXT NOT NULL,
    created_at INTEGER NOT NULL
  ) STRICT`,
];

export interface ChannelRow {
  /** Changes only when the log is lost or deleted: an offset means nothing without it. */
  epoch: string;
  createdAt: number;
}

const READ = "SELECT epoch, created_at AS createdAt FROM channel WHERE one = 1";
const CREATE = "INSERT INTO channel (one, epoch, created_at) VALUES (1, ?, ?)";
const SET_EPOCH = "UPDATE channel SET epoch = ? WHERE one = 1";
const CLEAR = "DELETE FROM channel";

export class ChannelTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): ChannelRow | undefined {
    return this.#sql.all<ChannelRow>(READ)[0];
  }

  create({ epoch, createdAt }: ChannelRow): void {
    this.#sql.run(CREATE, epoch, createdAt);
  }

  setEpoch(epoch: string): void {
    this.#sql.run(SET_EPOCH, epoch);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}
