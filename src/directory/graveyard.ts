import type { Duty } from "../objects/due-times.ts";
import type { Alarm, Clock } from "../objects/ports.ts";
import type { EntryTable } from "./entry-table.ts";

/** As long as a late call may come: whoever called has given up long before. */
const KEPT_MS = 300_000;

/**
 * Who is gone is remembered for five minutes at least and ten at most: all that are due are forgotten at once,
 * so a shard wakes for it once in five minutes, however many come and go.
 */
export class Graveyard implements Duty {
  readonly name = "graveyard";
  readonly #table: EntryTable;
  readonly #clock: Clock;
  #purgeAt: number | null;

  /** On wake-up nothing is known but the alarm that was left behind. */
  constructor(ports: { clock: Clock; alarm: Alarm }, table: EntryTable) {
    this.#clock = ports.clock;
    this.#table = table;
    this.#purgeAt = table.oldestGone() === null ? null : (ports.alarm.at() ?? ports.clock.now());
  }

  /** Somebody is gone as of now. */
  bury(): void {
    this.#purgeAt ??= this.#clock.now() + KEPT_MS;
  }

  nextAt(): number | null {
    return this.#purgeAt;
  }

  run(now: number): void {
    this.#table.purge(now - KEPT_MS);
    this.#purgeAt = this.#table.oldestGone() === null ? null : now + KEPT_MS;
  }
}
