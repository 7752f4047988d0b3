import { addNumbers, earlier, noDifferences, SWEEP_PARTS } from "../objects/auditing.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Ports } from "../objects/ports.ts";
import type { EntryTable } from "./entry-table.ts";
import type { Rounds } from "./rounds.ts";
import type { SampleTable } from "./sample-table.ts";

const EVERY_MS = 3_600_000;
/** Who wakes so early in an hour, and no alarm is ahead, has been woken for it. */
const IN_TIME_MS = 60_000;
const MOST_ASKED = 100;
/** Who was asked may tell so much later what is so. */
const LATE_WORD_MS = 60_000;

type AuditPorts = Pick<Ports, "clock" | "alarm" | "background" | "log">;

/**
 * Who is listed is asked whether that is so, and compares itself with others: an object that lost its storage or its
 * alarm, or that was told of another number of shards meanwhile, will never say so by itself. A hundred in the hour, the
 * next hundred in the next; the clock says when and which: at each full hour of the epoch. An hour in
 * which the shard wakes too late is left out. What is true, the objects tell as always; what differed is counted in one row.
 */
export class Audit implements Duty {
  readonly name = "audit";
  readonly #ports: AuditPorts;
  readonly #table: EntryTable;
  readonly #samples: SampleTable;
  readonly #rounds: Rounds;
  /** When the oldest debt of the shard itself was made. */
  readonly #owedSince: () => number | null;
  #at: number | null;
  /** Entries that were found wrong, and stand in no sample yet. Those that sleep takes are put right all the same. */
  #entries = 0;
  #isUnderWay = false;

  /**
   * On wake-up nothing is known but the alarm: it was set for whatever came first, so as long as it is ahead
   * this hour is done.
   */
  constructor(
    ports: AuditPorts,
    of: { table: EntryTable; samples: SampleTable; rounds: Rounds },
    owedSince: () => number | null,
  ) {
    this.#ports = ports;
    this.#table = of.table;
    this.#samples = of.samples;
    this.#rounds = of.rounds;
    this.#owedSince = owedSince;
    const now = ports.clock.now();
    const isDue = (ports.alarm.at() ?? 0) <= now && now % EVERY_MS < IN_TIME_MS;
    const at = isDue ? now : hourAfter(now);
    this.#at = of.table.listed(1, 0).length === 0 ? null : at;
  }

  /** Something is listed as of now. */
  begin(): void {
    this.#at ??= hourAfter(this.#ports.clock.now());
  }

  /** An object believed that its entry was so, and it was otherwise. */
  differed(): void {
    this.#entries += 1;
    const sample = this.#isUnderWay ? null : this.#samples.read();
    if (sample === null || this.#ports.clock.now() - sample.at > LATE_WORD_MS) return;
    const entries = this.#takeEntries();
    addNumbers(sample.differences, { entries });
    addNumbers(sample.total, { entries });
    this.#samples.write(sample);
  }

  nextAt(): number | null {
    return this.#at;
  }

  run(now: number): void {
    this.#at = this.#table.listed(1, 0).length === 0 ? null : hourAfter(now);
    this.#ports.background.run(this.#sample(Math.floor(now / EVERY_MS)));
  }

  async #sample(turn: number): Promise<void> {
    if (this.#isUnderWay) return;
    this.#isUnderWay = true;
    try {
      const page = await this.#rounds.go({ parts: SWEEP_PARTS, turn, limit: MOST_ASKED });
      const { asked, unanswered } = page;
      const differences = { ...noDifferences(), ...page.differences, entries: this.#takeEntries() };
      const total = { ...noDifferences(), ...this.#samples.read()?.total };
      addNumbers(total, differences);
      const owedSince = earlier(page.owedSince, this.#owedSince());
      this.#samples.write({ at: this.#ports.clock.now(), asked, unanswered, differences, total, owedSince });
    } catch (cause) {
      this.#ports.log.warn("audit broken off", { turn }, cause);
    } finally {
      this.#isUnderWay = false;
    }
  }

  #takeEntries(): number {
    const entries = this.#entries;
    this.#entries = 0;
    return entries;
  }
}

function hourAfter(now: number): number {
  return (Math.floor(now / EVERY_MS) + 1) * EVERY_MS;
}
