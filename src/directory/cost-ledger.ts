import { addReport, type CostReport, type CostSums, noCounts } from "../objects/costs.ts";
import type { BasicPorts } from "../objects/ports.ts";
import type { Counted } from "../protocol/directory.ts";
import type { CostTable, StoredCosts } from "./cost-table.ts";
import { Owing } from "./owing.ts";
import { PointBook, type Points } from "./points.ts";

/** One row in this time. To gather for longer would cost more: a second awake costs more than a row. */
const GATHER_MS = 1000;

type LedgerPorts = Pick<BasicPorts, "clock" | "timers" | "uncounted" | "log"> & { points?: Points };

/**
 * Sums up what objects cost and did, as they tell it. Where it was quiet a report is written at once, in the next second
 * what comes is gathered. What the counting itself costs is counted too, exactly: each report is a request, each
 * time it is written a row.
 */
export class CostLedger {
  readonly #ports: LedgerPorts;
  readonly #table: CostTable;
  readonly #listed: () => Counted;
  readonly #points: PointBook | undefined;
  #sums: StoredCosts | undefined;
  #owing = new Owing({});
  /** What a crash can't take back any more: whoever reads a counter that falls would take it to have begun anew. */
  #written: StoredCosts | undefined;
  #writtenAt = Number.NEGATIVE_INFINITY;
  #isGathering = false;

  /** `listed`: how many the shard lists, for the points. */
  constructor(ports: LedgerPorts, table: CostTable, listed: () => Counted) {
    this.#ports = ports;
    this.#table = table;
    this.#listed = listed;
    this.#points = ports.points && new PointBook(ports.points);
  }

  /** `isCalled` is false where the shard counts itself: that is no request. */
  add(report: CostReport, isCalled: boolean): void {
    const sums = this.#read() ?? { since: this.#ports.clock.now(), kinds: {}, owed: {} };
    this.#sums = sums;
    this.#count(sums, report);
    const { backlog } = report;
    if (backlog !== undefined) this.#owing.told(backlog.of, backlog, this.#ports.clock.now());
    const own = noCounts();
    if (isCalled) own.events.call += 1;
    this.#count(sums, { kind: "meter", counts: own });
    if (this.#isGathering) return;
    const waitMs = this.#writtenAt + GATHER_MS - this.#ports.clock.now();
    if (waitMs <= 0) return this.#write(sums);
    this.#isGathering = true;
    this.#ports.timers.after(waitMs, () => {
      this.#isGathering = false;
      this.#write(sums);
    });
  }

  /** As it is written. Undefined where nothing was ever told. */
  sums(): CostSums | undefined {
    this.#read();
    if (this.#written === undefined) return undefined;
    const { since, kinds } = this.#written;
    return { since, kinds, backlog: this.#owing.sum(this.#ports.clock.now()) };
  }

  #count(sums: StoredCosts, report: CostReport): void {
    addReport(sums, report);
    this.#points?.add(report);
  }

  #read(): StoredCosts | undefined {
    if (this.#sums !== undefined) return this.#sums;
    this.#sums = this.#ports.uncounted(() => this.#table.read());
    this.#owing = new Owing(this.#sums?.owed ?? {});
    this.#written = this.#sums && structuredClone(this.#sums);
    return this.#sums;
  }

  /** What could not be written is not lost: the next time writes all. */
  #write(sums: StoredCosts): void {
    const row = { ...noCounts(), rowsWritten: 1 };
    this.#count(sums, { kind: "meter", counts: row });
    const now = this.#ports.clock.now();
    this.#writtenAt = now;
    try {
      sums.owed = this.#owing.all(now);
      this.#ports.uncounted(() => {
        this.#table.write(sums);
        this.#points?.write(now, this.#listed);
      });
      this.#written = structuredClone(sums);
    } catch (cause) {
      this.#ports.log.warn("costs not written", {}, cause);
    }
  }
}
