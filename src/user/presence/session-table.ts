import type { AdmitRequest, KeeperName, Sql } from "../../objects/ports.ts";
import type { Device } from "../../protocol/names.ts";
import { Setting } from "./setting.ts";

/**
 * Every session of this user, wherever it is kept. `channel` is null for one on the user's own object. An
 * ended row stays for the grace, so that a return within it changes nothing. `version` is the user's version
 * that this row's beginning or end brought about, so that most changes of presence cost no row of their own.
 * `issued_at` and `reason` are of earlier versions, and written no more.
 */
export const SESSION_MIGRATION = [
  `CREATE TABLE session (
    session TEXT PRIMARY KEY,
    channel TEXT,
    device TEXT NOT NULL,
    transport TEXT NOT NULL,
    connected_at INTEGER NOT NULL,
    issued_at INTEGER,
    ip TEXT,
    region TEXT,
    version INTEGER NOT NULL,
    ended_at INTEGER,
    reason TEXT
  ) STRICT, WITHOUT ROWID`,
];

/** The ticket that a session was made with: it is used up for as long as the row lives, then by a tombstone. */
export const SESSION_TICKET_MIGRATION = ["ALTER TABLE session ADD COLUMN ticket TEXT"];

/** What the user said of itself for this session, and the version that others saw then. */
export const SESSION_STATUS_MIGRATION = [
  "ALTER TABLE session ADD COLUMN shown_version INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE session ADD COLUMN setting TEXT",
  "UPDATE session SET shown_version = version",
];

/** The relay of that channel which keeps it; null where the channel itself does. */
export const SESSION_RELAY_MIGRATION = ["ALTER TABLE session ADD COLUMN relay TEXT"];

interface Row {
  session: string;
  channel: string | null;
  relay: string | null;
  device: string;
  transport: string;
  connected_at: number;
  ip: string | null;
  region: string | null;
  version: number;
  shown_version: number;
  setting: string | null;
  ended_at: number | null;
  ticket: string | null;
}

export interface SessionRow {
  session: string;
  keeper: KeeperName;
  device: Device;
  transport: "websocket" | "sse";
  connectedAt: number;
  ip?: string;
  region?: string;
  version: number;
  /** Likewise the version that others see. */
  shownVersion: number;
  /** What the user says of itself for this session; null where nothing. */
  setting: Setting | null;
  /** Null while it lives. */
  endedAt: number | null;
  /** The id of the ticket that it was made with. */
  ticketId?: string;
}

/** What a change of presence is called by: the user's own count, and that of others. */
export interface Versions {
  version: number;
  shownVersion: number;
}

const COLUMNS = `session, channel, relay, device, transport, connected_at, ip, region, version, shown_version, setting,
  ended_at, ticket`;
const ALL = `SELECT ${COLUMNS} FROM session ORDER BY connected_at, session`;
const INSERT = `INSERT INTO session
  (session, channel, relay, device, transport, connected_at, ip, region, version, shown_version, ticket)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const END = `UPDATE session SET ended_at = ?, version = ?, shown_version = ?
  WHERE session = ? AND ended_at IS NULL`;
const CHANGE = "UPDATE session SET device = ?, setting = ?, version = ?, shown_version = ? WHERE session = ?";
const DELETE_ALL = "DELETE FROM session";
const DELETE_ENDED = "DELETE FROM session WHERE ended_at <= ?";

export class SessionTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Live and ended, the oldest connection first. Bounded: by the session limit and by what grace holds. */
  all(): SessionRow[] {
    return this.#sql.all<Row>(ALL).map(fromRow);
  }

  insert(request: AdmitRequest, { version, shownVersion }: Versions): void {
    const { session, keeper, device, transport, connectedAt, ip, region, ticket } = request;
    const place = keeper.kind === "channel" ? [keeper.channel, keeper.relay ?? null] : [null, null];
    const where = [session, ...place, JSON.stringify(device), transport, connectedAt] as const;
    const versions = [version, shownVersion] as const;
    this.#sql.run(INSERT, ...where, ip ?? null, region ?? null, ...versions, ticket?.id ?? null);
  }

  end(session: string, at: number, { version, shownVersion }: Versions): void {
    this.#sql.run(END, at, version, shownVersion, session);
  }

  /** Another device, or something else said. */
  change({ session, device, setting }: SessionRow, { version, shownVersion }: Versions): void {
    const said = setting === null ? null : JSON.stringify(setting);
    this.#sql.run(CHANGE, JSON.stringify(device), said, version, shownVersion, session);
  }

  deleteAll(): void {
    this.#sql.run(DELETE_ALL);
  }

  /** Deletes what ended at `until` or before. */
  deleteEnded(until: number): void {
    this.#sql.run(DELETE_ENDED, until);
  }
}

function fromRow(row: Row): SessionRow {
  return {
    session: row.session,
    keeper: keeperIn(row),
    device: { type: "other", ...JSON.parse(row.device) },
    transport: row.transport === "sse" ? "sse" : "websocket",
    connectedAt: row.connected_at,
    ...(row.ip === null ? {} : { ip: row.ip }),
    ...(row.region === null ? {} : { region: row.region }),
    version: row.version,
    shownVersion: row.shown_version,
    setting: row.setting === null ? null : Setting.parse(JSON.parse(row.setting)),
    endedAt: row.ended_at,
    ...(row.ticket === null ? {} : { ticketId: row.ticket }),
  };
}

function keeperIn({ channel, relay }: Row): KeeperName {
  if (channel === null) return { kind: "user" };
  return { kind: "channel", channel, ...(relay !== null && { relay }) };
}
