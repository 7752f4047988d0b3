import type { EndReason, Sql } from "../../objects/ports.ts";
import type { Device } from "../../protocol/names.ts";

/**
 * Every session that a channel or a relay keeps, from before its admission until its grace is over. The roster
 * follows from these rows, so joining and leaving write nothing else. An ended row also holds the debt to the
 * user's object: `debt_due` is when to tell it again, null while the session lives.
 */
export const SESSION_MIGRATION = [
  `CREATE TABLE session (
    session TEXT PRIMARY KEY,
    user TEXT NOT NULL,
    device TEXT NOT NULL,
    info TEXT,
    connected_at INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    ended_at INTEGER,
    reason TEXT,
    debt_tries INTEGER NOT NULL DEFAULT 0,
    debt_due INTEGER
  ) STRICT, WITHOUT ROWID`,
];

/**
 * A session of a user connection that is subscribed: `sub_order` is that of the last word about it. It has no
 * socket here, and what its user's object says of its end is no debt.
 */
export const SESSION_SUBSCRIPTION_MIGRATION = ["ALTER TABLE session ADD COLUMN sub_order INTEGER"];

/** When its device last changed: whoever wakes soon after tells it again. */
export const SESSION_CHANGE_MIGRATION = ["ALTER TABLE session ADD COLUMN changed_at INTEGER"];

export interface SessionRow {
  session: string;
  user: string;
  device: Device;
  info?: Record<string, unknown>;
  connectedAt: number;
  /** When its member joined: a session that begins while the member is here takes over the time. */
  joinedAt: number;
  /** Of a subscribed session of a user connection: the order of the last word about it. */
  order?: number;
  /** When its device last changed, if it did. */
  changedAt?: number;
  /** Null while it lives. */
  end: SessionEnding | null;
}

/** An ended session, and the debt that its end made. */
export interface SessionEnding {
  at: number;
  reason: EndReason;
  tries: number;
  /** Null where nobody has to be told. */
  dueAt: number | null;
}

interface Row {
  session: string;
  user: string;
  device: string;
  info: string | null;
  connected_at: number;
  joined_at: number;
  ended_at: number | null;
  reason: EndReason | null;
  debt_tries: number;
  debt_due: number | null;
  sub_order: number | null;
  changed_at: number | null;
}

const ALL = `SELECT session, user, device, info, connected_at, joined_at, ended_at, reason, debt_tries, debt_due,
  sub_order, changed_at FROM session ORDER BY connected_at, session`;
const INSERT = `INSERT INTO session (session, user, device, info, connected_at, joined_at, sub_order)
  VALUES (?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET device = excluded.device, info = excluded.info, connected_at = excluded.connected_at,
  joined_at = excluded.joined_at, sub_order = excluded.sub_order, ended_at = NULL, reason = NULL, debt_tries = 0, debt_due = NULL`;
const END = "UPDATE session SET ended_at = ?, reason = ?, debt_due = ? WHERE session = ?";
const SET_DEVICE = "UPDATE session SET device = ?, changed_at = ? WHERE session = ?";
const SET_ORDER = "UPDATE session SET sub_order = ? WHERE session = ?";
const DELETE = "DELETE FROM session WHERE session = ?";
const POSTPONE = "UPDATE session SET debt_tries = ?, debt_due = ? WHERE session = ?";

export class SessionTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Live and ended, the oldest first. Read once, on wake-up: afterwards the keeper knows them. */
  all(): SessionRow[] {
    return this.#sql.all<Row>(ALL).map(fromRow);
  }

  /** A subscribed session may begin again. */
  insert({ session, user, device, info, connectedAt, joinedAt, order }: SessionRow): void {
    const infoJson = info === undefined ? null : JSON.stringify(info);
    const times = [connectedAt, joinedAt] as const;
    this.#sql.run(INSERT, session, user, JSON.stringify(device), infoJson, ...times, order ?? null);
  }

  end(session: string, { at, reason, dueAt }: SessionEnding): void {
    this.#sql.run(END, at, reason, dueAt, session);
  }

  setDevice(session: string, device: Device, at: number): void {
    this.#sql.run(SET_DEVICE, JSON.stringify(device), at, session);
  }

  setOrder(session: string, order: number): void {
    this.#sql.run(SET_ORDER, order, session);
  }

  delete(session: string): void {
    this.#sql.run(DELETE, session);
  }

  postpone(session: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, session);
  }
}

function fromRow(row: Row): SessionRow {
  const { ended_at: at, reason, debt_tries: tries, debt_due: dueAt } = row;
  return {
    session: row.session,
    user: row.user,
    device: { type: "other", ...JSON.parse(row.device) },
    ...(row.info === null ? {} : { info: JSON.parse(row.info) }),
    connectedAt: row.connected_at,
    joinedAt: row.joined_at,
    ...(row.sub_order === null ? {} : { order: row.sub_order }),
    ...(row.changed_at === null ? {} : { changedAt: row.changed_at }),
    end: at === null ? null : { at, reason: reason ?? "lost", tries, dueAt },
  };
}
