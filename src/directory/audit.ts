import { mapAtMost } from "../objects/at-most.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Ports } from "../objects/ports.ts";
import type { EntryTable } from "./entry-table.ts";

const EVERY_MS = 3_600_000;
/** Who wakes so soon after the hour may have been woken for this; who wakes later waits for the next hour. */
const WOKEN_WITHIN_MS = 60_000;
const MOST_ASKED = 100;
const MOST_CALLS = 10;

/**
 * Who is listed is asked whether that is so: an object that lost its storage, or that was told of another
 * number of shards meanwhile, will never say that it is gone. A hundred in the hour, the next hundred in the
 * next; the clock says which, so nothing is written for it. What is true, the objects tell as always.
 */
export class Audit implements Duty {
  readonly name = "audit";
  readonly #ports: Pick<Ports, "clock" | "background" | "objects" | "log">;
  readonly #table: EntryTable;
  #at: number | null;

  /** On wake-up nothing is known of the last time: the alarm that fired may have been for something else. */
  constructor(ports: Pick<Ports, "clock" | "background" | "objects" | "log">, table: EntryTable) {
    this.#ports = ports;
    this.#table = table;
    const now = ports.clock.now();
    const isDue = now % EVERY_MS < WOKEN_WITHIN_MS;
    this.#at = table.listed(1, 0).length === 0 ? null : isDue ? now : nextHour(now);
  }

  /** Something is listed as of now. */
  begin(): void {
    this.#at ??= nextHour(this.#ports.clock.now());
  }

  nextAt(): number | null {
    return this.#at;
  }

  run(now: number): void {
    const count = this.#table.count("user").entries + this.#table.count("channel").entries;
    this.#at = count === 0 ? null : nextHour(now);
    const offset = count === 0 ? 0 : (Math.floor(now / EVERY_MS) * MOST_ASKED) % count;
    this.#ports.background.run(this.#ask(offset));
  }

  async #ask(offset: number): Promise<void> {
    const { objects, log } = this.#ports;
    try {
      await mapAtMost(MOST_CALLS, this.#table.listed(MOST_ASKED, offset), ({ kind, name }) =>
        kind === "user" ? objects.user(name).list() : objects.channel(name).list(),
      );
    } catch (cause) {
      log.warn("audit broken off", { offset }, cause);
    }
  }
}

function nextHour(now: number): number {
  return (Math.floor(now / EVERY_MS) + 1) * EVERY_MS;
}
