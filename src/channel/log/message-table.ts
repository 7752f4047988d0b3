import type { PublishRequest, Sql } from "../../objects/ports.ts";
import type { Exclusion, From, MessageQuery } from "../../protocol/bodies.ts";

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

/** For whom a message is, and how long: null for everybody, as long as the log keeps it. */
export const MESSAGE_AUDIENCE_MIGRATION = [
  "ALTER TABLE message ADD COLUMN exclude TEXT",
  "ALTER TABLE message ADD COLUMN expires_at INTEGER",
];

/** How often what it tells went round through webhooks; null where it did not. */
export const MESSAGE_HOP_MIGRATION = ["ALTER TABLE message ADD COLUMN hop INTEGER"];

/** One stored message; `dataJson` is JSON text. */
export interface StoredMessage {
  offset: number;
  at: number;
  event: string;
  dataJson: string;
  from?: From;
  exclude?: Exclusion;
  expiresAt?: number;
  hop?: number;
}

/** A row as far as retention is concerned. */
export interface Dated {
  offset: number;
  at: number;
}

interface Row {
  offset: number;
  at: number;
  event: string;
  data: string;
  from_user: string | null;
  from_session: string | null;
  from_device: string | null;
  exclude: string | null;
  expires_at: number | null;
  hop: number | null;
}

const ROWS_AT_ONCE = 50;
const COLUMNS = "offset, at, event, data, from_user, from_session, from_device, exclude, expires_at, hop";
const INSERT = `INSERT INTO message (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const TOP = "SELECT max(offset) AS top FROM message";
const ASCENDING = `SELECT ${COLUMNS} FROM message WHERE offset > ? AND offset < ? ORDER BY offset LIMIT ?`;
const DESCENDING = `SELECT ${COLUMNS} FROM message WHERE offset > ? AND offset < ? ORDER BY offset DESC LIMIT ?`;
const NEWEST_AT = "SELECT at FROM message ORDER BY offset DESC LIMIT 1";
const OLDEST = "SELECT offset, at FROM message ORDER BY offset LIMIT 1";
/** By offset: it passes over what is older, and stops at the first that is not. */
const FIRST_SINCE = "SELECT offset, at FROM message WHERE offset >= ? AND at > ? ORDER BY offset LIMIT 1";
const DELETE_BELOW = "DELETE FROM message WHERE offset < ?";
const CLEAR = "DELETE FROM message";

export class MessageTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** The highest offset ever given, 0 for none. Reads one row. */
  top(): number {
    return this.#sql.all<{ top: number | null }>(TOP)[0]?.top ?? 0;
  }

  /** Null for an empty log. */
  newestAt(): number | null {
    return this.#sql.all<{ at: number }>(NEWEST_AT)[0]?.at ?? null;
  }

  oldest(): Dated | undefined {
    return this.#sql.all<Dated>(OLDEST)[0];
  }

  /** The first row from this offset on that is younger than `at`. */
  firstSince(offset: number, at: number): Dated | undefined {
    return this.#sql.all<Dated>(FIRST_SINCE, offset, at)[0];
  }

  append(offset: number, at: number, request: PublishRequest): void {
    const { event, dataJson, from, exclude, ttlSeconds, hop } = request;
    const sender = [from?.user ?? null, from?.session ?? null, from?.device ?? null] as const;
    const excludeJson = exclude === undefined ? null : JSON.stringify(exclude);
    const expiresAt = ttlSeconds === undefined ? null : at + ttlSeconds * 1000;
    this.#sql.run(INSERT, offset, at, event, dataJson, ...sender, excludeJson, expiresAt, hop ?? null);
  }

  /** In the order asked for, a few rows at a time: whoever reads may stop early, and often does after `likely` rows. */
  *read(
    { after = 0, before = Number.MAX_SAFE_INTEGER, limit, order }: MessageQuery,
    likely: number = limit,
  ): Generator<StoredMessage> {
    const query = order === "asc" ? ASCENDING : DESCENDING;
    let [low, high, left] = [after, before, limit];
    while (left > 0) {
      const wanted = Math.min(left, likely, ROWS_AT_ONCE);
      const rows = this.#sql.all<Row>(query, low, high, wanted);
      for (const row of rows) yield fromRow(row);
      const last = rows.at(-1);
      if (last === undefined || rows.length < wanted) return;
      if (order === "asc") low = last.offset;
      else high = last.offset;
      left -= rows.length;
    }
  }

  deleteBelow(offset: number): void {
    this.#sql.run(DELETE_BELOW, offset);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}

function fromRow(row: Row): StoredMessage {
  const message: StoredMessage = { offset: row.offset, at: row.at, event: row.event, dataJson: row.data };
  if (row.exclude !== null) message.exclude = JSON.parse(row.exclude) as Exclusion;
  if (row.expires_at !== null) message.expiresAt = row.expires_at;
  if (row.hop !== null) message.hop = row.hop;
  if (row.from_user === null) return message;
  message.from = { user: row.from_user };
  if (row.from_session !== null) message.from.session = row.from_session;
  if (row.from_device !== null) message.from.device = row.from_device;
  return message;
}
