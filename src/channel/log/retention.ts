import type { Settings } from "../../config.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { Clock } from "../../objects/ports.ts";
import type { Dated, MessageTable } from "./message-table.ts";

/** Rows are deleted late and many at a time: by a tenth over size, or a tenth of the TTL after the oldest is over. */
const LATE_BY = 1 / 10;
const LATE_ROWS = 50;
const LATE_MS = 1000;
/** Rows deleted in one turn; the rest waits for the next. */
const MOST_AT_ONCE = 1000;
const PAUSE_MS = 1000;
/** While rows have to stay that are over, it looks again so often. */
const HELD_MS = 60_000;

/**
 * What the log keeps: `HISTORY_SIZE` messages, for `HISTORY_TTL_SECONDS`. Readers go by `floor`, which is
 * exact at any moment; rows are deleted later, by ranges of offsets, so that a publish writes one row. A
 * message is too old only once all before it are: so a clock that steps back leaves no hole. The newest row
 * always stays, because the next offset is read from it.
 */
export class Retention implements Duty {
  readonly name = "retention";
  /** Since this object woke. */
  deletedSoFar = 0;
  readonly #table: MessageTable;
  readonly #clock: Clock;
  readonly #size: number;
  readonly #ttlMs: number;
  /** The first offset that may still be told, as last found, and its time if there is such a row. Only moves up. */
  #first: { offset: number; at?: number } = { offset: 1 };
  /** The oldest row: read from the table when unknown. */
  #oldest: Dated | undefined;
  #top: number | undefined;
  /** Rows from this offset on have to stay for now, however old. */
  heldFrom: () => number = () => Number.POSITIVE_INFINITY;
  /** When a sweep that had too much to do goes on; losing it on sleep means the usual time. */
  #resumeAt: number | null = null;

  constructor(table: MessageTable, clock: Clock, settings: Settings) {
    this.#table = table;
    this.#clock = clock;
    this.#size = settings.HISTORY_SIZE;
    this.#ttlMs = settings.HISTORY_TTL_SECONDS * 1000;
  }

  /** The lowest offset that is told, of a log that ends at `top`; above the top where nothing is. */
  floor(top: number): number {
    const from = Math.max(this.#first.offset, top - this.#size + 1);
    const over = this.#clock.now() - this.#ttlMs;
    if (from === this.#first.offset && (this.#first.at ?? over) > over) return from;
    this.#first = this.#table.firstSince(from, over) ?? { offset: Math.max(from, top + 1) };
    return this.#first.offset;
  }

  /** A message was stored. Deletes what is over the size; true where there is something to be done by age since now. */
  stored(offset: number): boolean {
    const hadWork = this.#top !== undefined && this.nextAt() !== null;
    this.#top = offset;
    const kept = offset - (this.#oldestRow()?.offset ?? offset) + 1;
    const now = this.#clock.now();
    const mayRun = this.#resumeAt === null || this.#resumeAt <= now;
    if (mayRun && kept > this.#size + Math.max(LATE_ROWS, this.#size * LATE_BY)) this.run(now);
    return !hadWork && this.nextAt() !== null;
  }

  nextAt(): number | null {
    const oldest = this.#oldestRow();
    this.#top ??= this.#table.top();
    if (oldest === undefined || oldest.offset >= this.#top) return null;
    return this.#resumeAt ?? oldest.at + this.#ttlMs + Math.max(LATE_MS, this.#ttlMs * LATE_BY);
  }

  run(now: number): void {
    const oldest = this.#oldestRow();
    if (oldest === undefined) return;
    const top = this.#table.top();
    const over = Math.min(this.floor(top), top);
    const end = Math.max(oldest.offset, Math.min(over, this.heldFrom()));
    const reached = Math.min(end, oldest.offset + MOST_AT_ONCE);
    if (reached > oldest.offset) {
      this.#table.deleteBelow(reached);
      this.deletedSoFar += reached - oldest.offset; // dense, whatever is missing
    }
    this.#oldest = undefined;
    this.#resumeAt = reached < end ? now + PAUSE_MS : end < over ? now + HELD_MS : null;
  }

  /** The log was emptied. */
  forget(): void {
    this.#first = { offset: 1 };
    this.#oldest = undefined;
    this.#top = undefined;
    this.#resumeAt = null;
  }

  #oldestRow(): Dated | undefined {
    this.#oldest ??= this.#table.oldest();
    return this.#oldest;
  }
}
