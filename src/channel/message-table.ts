import type { PublishRequest, Sql } from "../objects/ports.ts";
import type { From, MessageQuery } from "../protocol/bodies.ts";

/** The log. `offset` is the rowid: dense, from 1, and one row written per message. */
export const MESSAGE_MIGRATION = [
  `CREATE TABLE message (
    offset INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    event TEXT NOT NULL,
    data TEXT NOT NULL,
    from_user TEXT,
    from_session TEXT,
    from_device TEXT
  ) STRICT`,
];

/** One stored message; `dataJson` is JSON text. */
export interface StoredMessage {
  offset: number;
  at: number;
  event: string;
  dataJson: string;
  from?: From;
}

interface Row {
  offset: number;
  at: number;
  event: string;
  data: string;
  from_user: string | null;
  from_session: string | null;
  from_device: string | null;
}

const ROWS_AT_ONCE = 50;
const COLUMNS = "offset, at, event, data, from_user, from_session, from_device";
const INSERT = `INSERT INTO message (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)`;
const TOP = "SELECT max(offset) AS top FROM message";
const ASCENDING = `SELECT ${COLUMNS} FROM message WHERE offset > ? AND offset < ? ORDER BY offset LIMIT ?`;
const DESCENDING = `SELECT ${COLUMNS} FROM message WHERE offset > ? AND offset < ? ORDER BY offset DESC LIMIT ?`;

export class MessageTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The highest offset ever given, 0 for none. Reads one row. */
  top(): number {
    return this.#sql.all<{ top: number | null }>(TOP)[0]?.top ?? 0;
  }

  append(offset: number, at: number, { event, dataJson, from }: PublishRequest): void {
    const sender = [from?.user ?? null, from?.session ?? null, from?.device ?? null] as const;
    this.#sql.run(INSERT, offset, at, event, dataJson, ...sender);
  }

  /** In the order asked for, a few rows at a time: whoever reads may stop early. */
  *read({
    after = 0,
    before = Number.MAX_SAFE_INTEGER,
    limit,
    order,
  }: MessageQuery): Generator<StoredMessage> {
    const query = order === "asc" ? ASCENDING : DESCENDING;
    let [low, high, left] = [after, before, limit];
    while (left > 0) {
      const rows = this.#sql.all<Row>(query, low, high, Math.min(left, ROWS_AT_ONCE));
      for (const row of rows) yield fromRow(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < ROWS_AT_ONCE) return;
      if (order === "asc") low = last.offset;
      else high = last.offset;
      left -= rows.length;
    }
  }
}

function fromRow({ offset, at, event, data, from_user, from_session, from_device }: Row): StoredMessage {
  const message = { offset, at, event, dataJson: data };
  if (from_user === null) return message;
  const from: From = { user: from_user };
  if (from_session !== null) from.session = from_session;
  if (from_device !== null) from.device = from_device;
  return { ...message, from };
}
