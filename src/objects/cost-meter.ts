import type { Cause } from "../protocol/costs.ts";
import type { ActivityName, Tally } from "./activity.ts";
import { addCounts, type Counts, noCounts } from "./costs.ts";

/** A burst of events is counted as one. Longer would be dearer: who waits for a timer does not sleep, and is paid for. */
export const WINDOW_MS = 250;

interface MeterPorts {
  /** Milliseconds. */
  now(): number;
  /** Even, from 0 to 1 without 1. */
  chance(): number;
  after(ms: number, run: () => void): void;
  /** `COST_SAMPLE`: how many windows are samples, from 0 to 1. */
  share(): number;
  /** These counts stand for all windows like this one. */
  tell(counts: Counts): void;
}

/**
 * Counts what one object costs and does, in memory only. What happens is cut into windows of a quarter of a second; each is
 * a sample or not, by chance, and only a sample has a timer and is told, as many times as windows it stands for.
 * A whole waking would be a poor sample: that of a busy channel lasts for hours, and would count all or nothing.
 */
export class CostMeter implements Tally {
  readonly #ports: MeterPorts;
  #windowEndsAt = Number.NEGATIVE_INFINITY;
  /** Of the window, where it is a sample. */
  #counts: Counts | undefined;
  #isAwake = false;
  #isOff = false;

  constructor(ports: MeterPorts) {
    this.#ports = ports;
  }

  /** Something came; the first of a waking is what woke the object. */
  event(cause: Cause): void {
    const counts = this.#current();
    if (counts !== undefined) {
      counts.events[cause] += 1;
      if (!this.#isAwake) counts.wakes[cause] += 1;
    }
    this.#isAwake = true;
  }

  rows(written: number, read: number): void {
    const counts = this.#current();
    if (counts === undefined) return;
    counts.rowsWritten += written;
    counts.rowsRead += read;
  }

  alarmSet(): void {
    const counts = this.#current();
    if (counts !== undefined) counts.alarms += 1;
  }

  count(name: ActivityName, times = 1): void {
    const counts = this.#current();
    if (counts === undefined) return;
    counts.activity ??= {};
    counts.activity[name] = (counts.activity[name] ?? 0) + times;
  }

  /** What `work` does at once is not counted: the meter's own rows would be news, and be written, without end. */
  uncounted<T>(work: () => T): T {
    this.#isOff = true;
    try {
      return work();
    } finally {
      this.#isOff = false;
    }
  }

  #current(): Counts | undefined {
    if (this.#isOff) return undefined;
    const now = this.#ports.now();
    if (now >= this.#windowEndsAt) this.#begin(now);
    return this.#counts;
  }

  #begin(now: number): void {
    this.#windowEndsAt = now + WINDOW_MS;
    this.#counts = undefined;
    const share = this.#ports.share();
    if (this.#ports.chance() >= share) return;
    const counts = noCounts();
    this.#counts = counts;
    this.#ports.after(WINDOW_MS, () => this.#end(counts, share));
  }

  /** What comes from here on is of another window, also where the clock stands still. */
  #end(counts: Counts, share: number): void {
    if (this.#counts === counts) this.#windowEndsAt = Number.NEGATIVE_INFINITY;
    const scaled = noCounts();
    addCounts(scaled, counts, 1 / share);
    this.#ports.tell(scaled);
  }
}
