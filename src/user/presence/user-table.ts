import * as z from "zod";
import type { Sql } from "../../objects/ports.ts";
import { Visibility } from "../../protocol/presence.ts";
import { Setting } from "./setting.ts";

/** One row: what is true of the user beyond any session. */
export const USER_MIGRATION = [
  `CREATE TABLE user (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    version INTEGER NOT NULL,
    last_active_at INTEGER,
    revoked_before INTEGER,
    tombstones TEXT NOT NULL DEFAULT '[]'
  ) STRICT`,
];

/** What the user says of itself, and what others saw last: until now both were the same. */
export const USER_STATUS_MIGRATION = [
  "ALTER TABLE user ADD COLUMN shown_version INTEGER NOT NULL DEFAULT 0",
  "ALTER TABLE user ADD COLUMN shown_active_at INTEGER",
  "ALTER TABLE user ADD COLUMN setting TEXT",
  "ALTER TABLE user ADD COLUMN visibility TEXT",
  "ALTER TABLE user ADD COLUMN away_since INTEGER",
  "ALTER TABLE user ADD COLUMN erased_version INTEGER NOT NULL DEFAULT 0",
  "UPDATE user SET shown_version = version, shown_active_at = last_active_at",
];

/** 1 while the directory may still list a user who is gone. */
export const USER_LISTING_MIGRATION = [
  "ALTER TABLE user ADD COLUMN owes_directory INTEGER NOT NULL DEFAULT 0",
];

/** Sessions that ended and tickets that were used a short time ago: a late `admit` of one is refused. */
const Tombstones = z.array(z.tuple([z.string(), z.number()]));
export type Tombstones = z.infer<typeof Tombstones>;

export interface UserRow {
  /** Of the last change that the user itself can see. Session rows may hold a higher one. */
  version: number;
  /** Of the last change that others can see. Session rows may hold a higher one. */
  shownVersion: number;
  /** Null for a user never seen. */
  lastActiveAt: number | null;
  /** What others are told of it while the user is offline or invisible; null for a user whom they never saw. */
  shownActiveAt: number | null;
  /** What the user says of itself for all sessions. */
  setting: Setting | null;
  visibility: Visibility;
  /** Idle since then on all devices, and told so; null while active. A session that began later ends it. */
  awaySince: number | null;
  /** What was up to this version is erased; versions go on from there, so that no late word of it counts. */
  erasedVersion: number;
  /** Tokens issued in this second or before, or without `iat`, are refused; seconds, null where none is. */
  revokedBefore: number | null;
  tombstones: Tombstones;
  /** The user turned offline, and the directory has not confirmed it. Means nothing while the user is online. */
  owesDirectory: boolean;
}

export const NEVER_SEEN: UserRow = {
  version: 0,
  shownVersion: 0,
  lastActiveAt: null,
  shownActiveAt: null,
  setting: null,
  visibility: "everyone",
  awaySince: null,
  erasedVersion: 0,
  revokedBefore: null,
  tombstones: [],
  owesDirectory: false,
};

interface Row {
  version: number;
  shown_version: number;
  last_active_at: number | null;
  shown_active_at: number | null;
  setting: string | null;
  visibility: string | null;
  away_since: number | null;
  erased_version: number;
  revoked_before: number | null;
  tombstones: string;
  owes_directory: 0 | 1;
}

const COLUMNS = `version, shown_version, last_active_at, shown_active_at, setting, visibility, away_since,
  erased_version, revoked_before, tombstones, owes_directory`;
const READ = `SELECT ${COLUMNS} FROM user WHERE one = 1`;
const WRITE = `INSERT INTO user (one, ${COLUMNS}) VALUES (1, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  ON CONFLICT (one) DO UPDATE SET version = excluded.version, shown_version = excluded.shown_version,
    last_active_at = excluded.last_active_at, shown_active_at = excluded.shown_active_at,
    setting = excluded.setting, visibility = excluded.visibility, away_since = excluded.away_since,
    erased_version = excluded.erased_version, revoked_before = excluded.revoked_before, tombstones = excluded.tombstones,
    owes_directory = excluded.owes_directory`;

export class UserTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): UserRow {
    const row = this.#sql.all<Row>(READ)[0];
    return row === undefined ? NEVER_SEEN : fromRow(row);
  }

  write(row: UserRow): void {
    const { version, shownVersion, lastActiveAt, shownActiveAt, setting, visibility } = row;
    this.#sql.run(
      WRITE,
      ...[version, shownVersion, lastActiveAt, shownActiveAt],
      setting === null ? null : JSON.stringify(setting),
      visibility === "everyone" ? null : JSON.stringify(visibility),
      ...[row.awaySince, row.erasedVersion, row.revokedBefore, JSON.stringify(row.tombstones)],
      row.owesDirectory ? 1 : 0,
    );
  }
}

function fromRow(row: Row): UserRow {
  return {
    version: row.version,
    shownVersion: row.shown_version,
    lastActiveAt: row.last_active_at,
    shownActiveAt: row.shown_active_at,
    setting: row.setting === null ? null : Setting.parse(JSON.parse(row.setting)),
    visibility: row.visibility === null ? "everyone" : Visibility.parse(JSON.parse(row.visibility)),
    awaySince: row.away_since,
    erasedVersion: row.erased_version,
    revokedBefore: row.revoked_before,
    tombstones: Tombstones.parse(JSON.parse(row.tombstones)),
    owesDirectory: row.owes_directory === 1,
  };
}
