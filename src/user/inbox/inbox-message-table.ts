import type { DirectRequest } from "../../objects/inbox-port.ts";
import type { Sql } from "../../objects/ports.ts";
import type { Exclusion, From } from "../../protocol/bodies.ts";

/**
 * What waits for the devices of a user, one row a message. `expires_at` is null for what lasts as long as the
 * inbox keeps anything: those end in the order of `seq`, and need no index. Only the others pay a row for theirs.
 */
export const INBOX_MESSAGE_MIGRATION = [
  `CREATE TABLE inbox_message (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    sender TEXT NOT NULL,
    expires_at INTEGER,
    exclude TEXT,
    event TEXT NOT NULL,
    from_user TEXT,
    from_session TEXT,
    from_device TEXT,
    data TEXT NOT NULL
  ) STRICT`,
  "CREATE INDEX inbox_message_expiry ON inbox_message (expires_at) WHERE expires_at IS NOT NULL",
];

/** One message that waits; `dataJson` is JSON text. */
export interface QueuedMessage {
  seq: number;
  at: number;
  event: string;
  dataJson: string;
  from?: From;
  exclude?: Exclusion;
  /** Absent: as long as the inbox keeps anything. */
  expiresAt?: number;
}

/** How much of the inbox one sender takes. */
export interface Share {
  sender: string;
  messages: number;
  /** The lowest `seq` of its messages. */
  oldest: number;
}

interface Row {
  seq: number;
  at: number;
  expires_at: number | null;
  exclude: string | null;
  event: string;
  from_user: string | null;
  from_session: string | null;
  from_device: string | null;
  data: string;
}

const INSERT = `INSERT INTO inbox_message
  (seq, at, sender, expires_at, exclude, event, from_user, from_session, from_device, data)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const TOP = "SELECT max(seq) AS top FROM inbox_message";
const OLDEST = "SELECT seq, at FROM inbox_message ORDER BY seq LIMIT 1";
const SOONEST = `SELECT expires_at AS at FROM inbox_message WHERE expires_at IS NOT NULL
  ORDER BY expires_at LIMIT 1`;
const AFTER = `SELECT seq, at, expires_at, exclude, event, from_user, from_session, from_device, data
  FROM inbox_message WHERE seq > ? ORDER BY seq LIMIT ?`;
const EXCLUSIONS = "SELECT seq, exclude FROM inbox_message WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?";
const SHARES = `SELECT sender, count(*) AS messages, min(seq) AS oldest FROM inbox_message
  GROUP BY sender ORDER BY oldest`;
const FIRST_SINCE = "SELECT seq FROM inbox_message WHERE at > ? ORDER BY seq LIMIT 1";
const COUNT = "SELECT count(*) AS messages FROM inbox_message WHERE seq > ? AND seq <= ?";
const ENDED = "SELECT seq FROM inbox_message WHERE expires_at <= ? ORDER BY expires_at LIMIT ?";
const DELETE = "DELETE FROM inbox_message WHERE seq = ?";
const DELETE_UP_TO = "DELETE FROM inbox_message WHERE seq <= ?";
const CLEAR = "DELETE FROM inbox_message";

export class InboxMessageTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  insert(seq: number, at: number, expiresAt: number | null, request: DirectRequest): void {
    const { sender, event, dataJson, from, exclude } = request;
    const excludeJson = exclude === undefined ? null : JSON.stringify(exclude);
    const who = [from?.user ?? null, from?.session ?? null, from?.device ?? null] as const;
    this.#sql.run(INSERT, seq, at, sender, expiresAt, excludeJson, event, ...who, dataJson);
  }

  /** The highest `seq` that waits, 0 for none. */
  top(): number {
    return this.#sql.all<{ top: number | null }>(TOP)[0]?.top ?? 0;
  }

  oldest(): { seq: number; at: number } | undefined {
    return this.#sql.all<{ seq: number; at: number }>(OLDEST)[0];
  }

  /** When the first of those ends that last less long than the others. */
  soonestEnd(): number | undefined {
    return this.#sql.all<{ at: number }>(SOONEST)[0]?.at;
  }

  /** By `seq`, at most so many. */
  after(seq: number, most: number): QueuedMessage[] {
    return this.#sql.all<Row>(AFTER, seq, most).map(fromRow);
  }

  /** Whom the messages after `from`, up to `until`, leave out; at most so many, by `seq`. */
  exclusions(from: number, until: number, most: number): { seq: number; exclude?: Exclusion }[] {
    const rows = this.#sql.all<Pick<Row, "seq" | "exclude">>(EXCLUSIONS, from, until, most);
    return rows.map(({ seq, exclude }) => ({ seq, ...exclusionOf(exclude) }));
  }

  /** Reads every row: for a full inbox only. Whose oldest message is older comes first. */
  shares(): Share[] {
    return this.#sql.all<Share>(SHARES);
  }

  /** The first that is younger than `at`: it passes over what is older, and stops there. */
  firstSince(at: number): number | undefined {
    return this.#sql.all<{ seq: number }>(FIRST_SINCE, at)[0]?.seq;
  }

  /** How many there are after `from`, up to `until`. */
  count(from: number, until: number): number {
    return this.#sql.all<{ messages: number }>(COUNT, from, until)[0]?.messages ?? 0;
  }

  /** Of those that last less long: which were over at `at`, at most so many. */
  ended(at: number, most: number): number[] {
    return this.#sql.all<{ seq: number }>(ENDED, at, most).map(({ seq }) => seq);
  }

  delete(seq: number): void {
    this.#sql.run(DELETE, seq);
  }

  deleteUpTo(seq: number): void {
    this.#sql.run(DELETE_UP_TO, seq);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}

function fromRow(row: Row): QueuedMessage {
  const { seq, at, event, data, from_user: user, from_session: session, from_device: device } = row;
  return {
    seq,
    at,
    event,
    dataJson: data,
    ...exclusionOf(row.exclude),
    ...(row.expires_at !== null && { expiresAt: row.expires_at }),
    ...(user !== null && {
      from: { user, ...(session !== null && { session }), ...(device !== null && { device }) },
    }),
  };
}

function exclusionOf(json: string | null): { exclude?: Exclusion } {
  return json === null ? {} : { exclude: JSON.parse(json) as Exclusion };
}
