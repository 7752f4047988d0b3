import type { ShardHealth } from "../objects/auditing.ts";
import type { Clock } from "../objects/ports.ts";
import type { EntryTable } from "./entry-table.ts";
import type { SampleTable } from "./sample-table.ts";

/** A sample each hour, and an hour that may be left out: with three something is wrong. */
const LATE_MS = 3 * 3_600_000;
/** However often somebody asks, it costs one row in so long. */
const PROBE_EVERY_MS = 60_000;

/** What one shard says of itself to whoever operates the service. */
export class Health {
  readonly #clock: Clock;
  readonly #entries: EntryTable;
  readonly #samples: SampleTable;

  constructor(clock: Clock, entries: EntryTable, samples: SampleTable) {
    this.#clock = clock;
    this.#entries = entries;
    this.#samples = samples;
  }

  /** `listed` is how many are. */
  read(listed: number): ShardHealth {
    const sample = this.#samples.read();
    const since = this.#clock.now() - LATE_MS;
    const isOld = listed > 0 && (sample?.at ?? 0) < since;
    return { listed, sample, isLate: isOld && (this.#entries.oldestListed() ?? since) < since };
  }

  /** When a row was last written, in milliseconds: now, unless it was a moment ago. */
  probe(): number {
    const now = this.#clock.now();
    if (now - this.#samples.probedAt() >= PROBE_EVERY_MS) this.#samples.probe(now);
    return this.#samples.probedAt();
  }
}
