import { addReport, type CostReport, type CostSums, noCounts } from "../objects/costs.ts";
import type { BasicPorts } from "../objects/ports.ts";
import type { CostTable } from "./cost-table.ts";

/** One row in this time. To gather for longer would cost more: a second awake costs more than a row. */
const GATHER_MS = 1000;

/**
 * Sums up what objects cost, as they tell it. Where it was quiet a report is written at once, in the next second
 * what comes is gathered. What the counting itself costs is counted too, exactly: each report is a request, each
 * time it is written a row.
 */
export class CostLedger {
  readonly #ports: Pick<BasicPorts, "clock" | "timers" | "uncounted" | "log">;
  readonly #table: CostTable;
  #sums: CostSums | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #isGathering = false;

  constructor(ports: Pick<BasicPorts, "clock" | "timers" | "uncounted" | "log">, table: CostTable) {
    this.#ports = ports;
    this.#table = table;
  }

  /** `isCalled` is false where the shard counts itself: that is no request. */
  add(report: CostReport, isCalled: boolean): void {
    const sums = this.sums() ?? { since: this.#ports.clock.now(), kinds: {} };
    this.#sums = sums;
    addReport(sums, report);
    const own = noCounts();
    if (isCalled) own.events.call += 1;
    addReport(sums, { kind: "meter", counts: own });
    if (this.#isGathering) return;
    const waitMs = this.#writtenAt + GATHER_MS - this.#ports.clock.now();
    if (waitMs <= 0) return this.#write(sums);
    this.#isGathering = true;
    this.#ports.timers.after(waitMs, () => {
      this.#isGathering = false;
      this.#write(sums);
    });
  }

  /** Undefined where nothing was ever told. */
  sums(): CostSums | undefined {
    this.#sums ??= this.#ports.uncounted(() => this.#table.read());
    return this.#sums;
  }

  /** What could not be written is not lost: the next time writes all. */
  #write(sums: CostSums): void {
    const row = { ...noCounts(), rowsWritten: 1 };
    addReport(sums, { kind: "meter", counts: row });
    this.#writtenAt = this.#ports.clock.now();
    try {
      this.#ports.uncounted(() => this.#table.write(sums));
    } catch (cause) {
      this.#ports.log.warn("costs not written", {}, cause);
    }
  }
}
