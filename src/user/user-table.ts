import * as z from "zod";
import type { Sql } from "../objects/ports.ts";

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

/** Sessions that ended and tickets that were used a short time ago: a late `admit` of one is refused. */
const Tombstones = z.array(z.tuple([z.string(), z.number()]));
export type Tombstones = z.infer<typeof Tombstones>;

export interface UserRow {
  version: number;
  /** Null for a user never seen. */
  lastActiveAt: number | null;
  /** Tokens issued in this second or before, or without `iat`, are refused; seconds, null where none is. */
  revokedBefore: number | null;
  tombstones: Tombstones;
}

const NEVER_SEEN: UserRow = { version: 0, lastActiveAt: null, revokedBefore: null, tombstones: [] };

const READ = "SELECT version, last_active_at, revoked_before, tombstones FROM user WHERE one = 1";
const WRITE_OFFLINE = `INSERT INTO user (one, version, last_active_at, tombstones) VALUES (1, ?, ?, ?)
  ON CONFLICT (one) DO UPDATE SET version = excluded.version,
    last_active_at = excluded.last_active_at, tombstones = excluded.tombstones`;

const REVOKE = `INSERT INTO user (one, version, revoked_before) VALUES (1, 0, ?)
  ON CONFLICT (one) DO UPDATE SET revoked_before = max(ifnull(revoked_before, 0), excluded.revoked_before)`;
const DELETE = "DELETE FROM user";

export class UserTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): UserRow {
    const row = this.#sql.all<{
      version: number;
      last_active_at: number | null;
      revoked_before: number | null;
      tombstones: string;
    }>(READ)[0];
    if (row === undefined) return NEVER_SEEN;
    return {
      version: row.version,
      lastActiveAt: row.last_active_at,
      revokedBefore: row.revoked_before,
      tombstones: Tombstones.parse(JSON.parse(row.tombstones)),
    };
  }

  /** What a user leaves behind when sessions go: the version, when they were last there, whom not to admit late. */
  write(version: number, lastActiveAt: number | null, tombstones: Tombstones): void {
    this.#sql.run(WRITE_OFFLINE, version, lastActiveAt, JSON.stringify(tombstones));
  }

  /** `second`: tokens issued in it or before are refused from now on. It never goes back. */
  revoke(second: number): void {
    this.#sql.run(REVOKE, second);
  }

  delete(): void {
    this.#sql.run(DELETE);
  }
}
