import type { Settings } from "../../config.ts";
import type { Clock, Sql } from "../../objects/ports.ts";
import { type Cursor, DeviceCursorTable } from "./device-cursor-table.ts";
import type { InboxTable } from "./inbox-table.ts";

/** That a device is there is written down once in so long: a connect costs no row. */
const SEEN_STEP_MS = 24 * 3_600_000;

/** The cursor that sessions without a device id share. No device id is empty. */
export const NO_DEVICE = "";

/**
 * The known devices of a user: each with its own cursor, which only moves up. A message waits for all of them;
 * one that was unseen for `DEVICE_TTL_SECONDS`, or that had to give way, holds nothing any more.
 */
export class Devices {
  readonly #table: DeviceCursorTable;
  readonly #inbox: InboxTable;
  readonly #clock: Clock;
  readonly #most: number;
  readonly #ttlMs: number;
  readonly #isLive: (device: string) => boolean;

  constructor(
    ports: { sql: Sql; clock: Clock },
    inbox: InboxTable,
    settings: Settings,
    isLive: (device: string) => boolean,
  ) {
    this.#table = new DeviceCursorTable(ports.sql);
    this.#inbox = inbox;
    this.#clock = ports.clock;
    this.#most = settings.MAX_DEVICES;
    this.#ttlMs = settings.DEVICE_TTL_SECONDS * 1000;
    this.#isLive = isLive;
  }

  all(): Cursor[] {
    return this.#table.all();
  }

  /** Up to where this device has acknowledged; one never seen begins after what any device has acknowledged. */
  ackedOf(device: string): number {
    return this.#find(device)?.acked ?? this.highest();
  }

  /** The highest that any device has ever acknowledged. */
  highest(): number {
    return Math.max(this.#inbox.read()?.acked ?? 0, ...this.all().map(({ acked }) => acked));
  }

  /** Up to where all have acknowledged; null where no device is known. */
  lowest(): number | null {
    const now = this.#clock.now();
    const holding = this.all().filter((cursor) => this.#endOf(cursor, now) > now);
    return holding.length === 0 ? null : Math.min(...holding.map(({ acked }) => acked));
  }

  /** The device is there: it is known from here on. */
  see(device: string): void {
    if (this.#find(device) !== undefined) return this.left(device);
    this.#admit({ device, acked: this.highest(), seenAt: this.#clock.now() });
  }

  /** The device was there until now. */
  left(device: string): void {
    const now = this.#clock.now();
    const known = this.#find(device);
    if (known === undefined || now - known.seenAt < Math.min(SEEN_STEP_MS, this.#ttlMs / 2)) return;
    this.#table.write({ ...known, seenAt: now });
  }

  /** Moves its cursor up to `seq`; one that is there already writes nothing. False where nothing moved. */
  acknowledge(device: string, seq: number): boolean {
    const known = this.#find(device);
    if (seq <= this.ackedOf(device)) {
      if (known === undefined) this.see(device);
      return false;
    }
    const cursor = { device, acked: seq, seenAt: this.#clock.now() };
    if (known === undefined) this.#admit(cursor);
    else this.#table.write(cursor);
    return true;
  }

  /** When the next device is given up that holds something of an inbox whose newest message is `latest`. */
  nextEnd(latest: number): number | null {
    const now = this.#clock.now();
    const ends = this.all()
      .filter(({ acked, device }) => acked < latest && !this.#isLive(device))
      .map((cursor) => this.#endOf(cursor, now));
    return ends.length === 0 ? null : Math.min(...ends);
  }

  forgetUnseen(now: number): void {
    for (const cursor of this.all()) if (this.#endOf(cursor, now) <= now) this.#forget(cursor);
  }

  clear(): void {
    this.#table.clear();
  }

  #find(device: string): Cursor | undefined {
    return this.all().find((cursor) => cursor.device === device);
  }

  /** A device that is connected is seen at every moment. */
  #endOf({ device, seenAt }: Cursor, now: number): number {
    return (this.#isLive(device) ? now : seenAt) + this.#ttlMs;
  }

  #admit(cursor: Cursor): void {
    this.forgetUnseen(this.#clock.now());
    const seenAt = ({ device, seenAt: at }: Cursor) => (this.#isLive(device) ? this.#clock.now() : at);
    const longestUnseen = this.all().toSorted((a, b) => seenAt(a) - seenAt(b) || a.seenAt - b.seenAt);
    const surplus = longestUnseen.length + 1 - this.#most;
    this.#table.write(cursor);
    for (const other of longestUnseen.slice(0, Math.max(0, surplus))) this.#forget(other);
  }

  /** What it has acknowledged counts on: a device never seen before still begins after it. */
  #forget({ device, acked }: Cursor): void {
    this.#table.delete(device);
    const row = this.#inbox.read();
    if (row !== undefined && acked > this.highest()) this.#inbox.write({ ...row, acked });
  }
}
