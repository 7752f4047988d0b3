import type { Sql } from "../../objects/ports.ts";

/** Known devices of a user, and up to where each has acknowledged. Sessions without a device id share ''. */
export const DEVICE_CURSOR_MIGRATION = [
  `CREATE TABLE device_cursor (
    device TEXT PRIMARY KEY,
    acked INTEGER NOT NULL,
    seen_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID`,
];

export interface Cursor {
  device: string;
  acked: number;
  /** When it was last connected or acknowledged something, to within a day. */
  seenAt: number;
}

const ALL = "SELECT device, acked, seen_at AS seenAt FROM device_cursor ORDER BY device";
const WRITE = `INSERT INTO device_cursor (device, acked, seen_at) VALUES (?, ?, ?)
  ON CONFLICT (device) DO UPDATE SET acked = excluded.acked, seen_at = excluded.seen_at`;
const DELETE = "DELETE FROM device_cursor WHERE device = ?";
const CLEAR = "DELETE FROM device_cursor";

export class DeviceCursorTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Bounded by `MAX_DEVICES`. */
  all(): Cursor[] {
    return this.#sql.all<Cursor>(ALL);
  }

  write({ device, acked, seenAt }: Cursor): void {
    this.#sql.run(WRITE, device, acked, seenAt);
  }

  delete(device: string): void {
    this.#sql.run(DELETE, device);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}
