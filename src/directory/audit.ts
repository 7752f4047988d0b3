import { mapAtMost } from "../objects/at-most.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Ports } from "../objects/ports.ts";
import type { EntryTable } from "./entry-table.ts";

const EVERY_MS = 3_600_000;
/** Who wakes so early in an hour, and no alarm is ahead, has been woken for it. */
const IN_TIME_MS = 60_000;
const MOST_ASKED = 100;
const MOST_CALLS = 10;

/**
 * Who is listed is asked whether that is so: an object that lost its storage, or that was told of another
 * number of shards meanwhile, will never say that it is gone. A hundred in the hour, the next hundred in the
 * next; the clock says when and which, so nothing is written for it: at each full hour of the epoch. An hour in
 * which the shard wakes too late is left out. What is true, the objects tell as always.
 */
export class Audit implements Duty {
  readonly name = "audit";
  readonly #ports: Pick<Ports, "clock" | "background" | "objects" | "log">;
  readonly #table: EntryTable;
  #at: number | null;

  /**
   * On wake-up nothing is known but the alarm: it was set for whatever came first, so as long as it is ahead
   * this hour is done.
   */
  constructor(ports: Pick<Ports, "clock" | "alarm" | "background" | "objects" | "log">, table: EntryTable) {
    this.#ports = ports;
    this.#table = table;
    const now = ports.clock.now();
    const isDue = (ports.alarm.at() ?? 0) <= now && now % EVERY_MS < IN_TIME_MS;
    const at = isDue ? now : hourAfter(now);
    this.#at = table.listed(1, 0).length === 0 ? null : at;
  }

  /** Something is listed as of now. */
  begin(): void {
    this.#at ??= hourAfter(this.#ports.clock.now());
  }

  nextAt(): number | null {
    return this.#at;
  }

  run(now: number): void {
    const count = this.#table.count("user").entries + this.#table.count("channel").entries;
    this.#at = count === 0 ? null : hourAfter(now);
    const parts = Math.max(1, Math.ceil(count / MOST_ASKED));
    this.#ports.background.run(this.#ask((Math.floor(now / EVERY_MS) % parts) * MOST_ASKED));
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

function hourAfter(now: number): number {
  return (Math.floor(now / EVERY_MS) + 1) * EVERY_MS;
}
