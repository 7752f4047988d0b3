import { expect, test } from "vitest";
import { CostLedger } from "../../src/directory/cost-ledger.ts";
import { COST_MIGRATION, CostTable } from "../../src/directory/cost-table.ts";
import { CostMeter, WINDOW_MS } from "../../src/objects/cost-meter.ts";
import { addCounts, type CostReport, type Counts, costsOf, noCounts } from "../../src/objects/costs.ts";
import { Database } from "../../src/objects/migrations.ts";
import { SeededRandom } from "../sim/seeded-random.ts";
import { Storage } from "../sim/storage.ts";

/** A clock that stands until it is moved, with its timers. */
class Time {
  now = 1_000_000;
  readonly #timers: { at: number; run: () => void }[] = [];
  set = 0;

  after(ms: number, run: () => void): void {
    this.set += 1;
    this.#timers.push({ at: this.now + ms, run });
  }

  pass(ms: number): void {
    this.now += ms;
    for (const timer of this.#timers.splice(0)) {
      if (timer.at <= this.now) timer.run();
      else this.#timers.push(timer);
    }
  }
}

function meterOf(share: number, chance: () => number = () => 0) {
  const time = new Time();
  const told: Counts[] = [];
  const meter = new CostMeter({
    now: () => time.now,
    chance,
    after: (ms, run) => time.after(ms, run),
    share: () => share,
    tell: (counts) => void told.push(counts),
  });
  return { time, told, meter };
}

function sumOf(told: readonly Counts[]): Counts {
  const sum = noCounts();
  for (const counts of told) addCounts(sum, counts);
  return sum;
}

test("[CM1] what happens within a quarter of a second is told once, and all of it is", () => {
  const { time, told, meter } = meterOf(1);
  meter.event("connect");
  meter.rows(2, 7);
  meter.alarmSet();
  time.pass(WINDOW_MS - 1);
  meter.event("frame");
  expect(told).toEqual([]);
  time.pass(1);
  meter.event("frame");
  time.pass(WINDOW_MS);
  expect(told).toHaveLength(2);
  expect(sumOf(told)).toEqual({
    wakes: { call: 0, connect: 1, frame: 0, close: 0, alarm: 0 },
    events: { call: 0, connect: 1, frame: 2, close: 0, alarm: 0 },
    rowsWritten: 2,
    rowsRead: 7,
    alarms: 1,
  });
});

test("[CM1] what comes after the timer has rung is counted, also where the clock stands still", () => {
  const { time, told, meter } = meterOf(1);
  meter.event("call");
  const began = time.now;
  time.pass(WINDOW_MS);
  time.now = began; // as within one turn of the platform
  meter.event("call");
  time.pass(WINDOW_MS);
  expect(sumOf(told).events.call).toBe(2);
});

test("[CM2] with a share of 0 nothing is told, and no timer is ever set", () => {
  const { time, told, meter } = meterOf(0);
  for (let i = 0; i < 100; i++) {
    meter.event("call");
    meter.rows(1, 1);
    meter.alarmSet();
    time.pass(100);
  }
  expect([told.length, time.set]).toEqual([0, 0]);
});

test("[CM3] one window in a hundred stands for a hundred: the figures are right but for chance", () => {
  const random = new SeededRandom(17);
  const { time, told, meter } = meterOf(0.01, () => random.between(0, 999_999) / 1_000_000);
  const bursts = 100_000;
  for (let i = 0; i < bursts; i++) {
    meter.event("frame");
    meter.rows(i % 3, 0);
    time.pass(WINDOW_MS);
  }
  expect(time.set).toBe(told.length);
  const { events, rowsWritten } = sumOf(told);
  // Three standard errors of a thousand samples are a tenth.
  expect(Math.abs(events.frame / bursts - 1)).toBeLessThan(0.1);
  expect(events.frame).not.toBe(bursts);
  expect(Math.abs(rowsWritten / bursts - 1)).toBeLessThan(0.15);
});

test("[CM3] an object that is awake for long is many samples, not one", () => {
  let windows = 0;
  const { time, told, meter } = meterOf(0.5, () => (windows++ % 2 === 0 ? 0.9 : 0.1));
  for (let i = 0; i < 10; i++) {
    meter.event("frame");
    time.pass(WINDOW_MS);
  }
  expect(told).toHaveLength(5);
  expect(sumOf(told).events.frame).toBe(10);
  expect(sumOf(told).wakes.frame).toBe(0); // it woke in a window that was no sample
});

/** One shard's ledger, and how often it wrote. */
function ledgerOf() {
  const time = new Time();
  const storage = new Storage();
  let writes = 0;
  const sql = new Database(
    {
      all: (query, ...values) => storage.all(query, ...values),
      run: (query, ...values) => {
        if (/INTO cost/.test(query)) writes += 1;
        storage.run(query, ...values);
      },
      transaction: (work) => storage.transaction(work),
    },
    [COST_MIGRATION],
  );
  const wake = () =>
    new CostLedger(
      {
        clock: { now: () => time.now },
        timers: { after: (ms, run) => time.after(ms, run) },
        uncounted: (work) => work(),
        log: { warn: () => {} },
      },
      new CostTable(sql),
    );
  return { time, wake, writes: () => writes };
}

const report = (frames: number): CostReport => {
  const counts = noCounts();
  counts.events.frame = frames;
  return { kind: "user", counts };
};

test("[CM4] where it is quiet a shard writes at once, else one row a second, and sleep loses nothing", () => {
  const { time, wake, writes } = ledgerOf();
  const ledger = wake();
  ledger.add(report(1), true);
  expect([writes(), time.set]).toEqual([1, 0]);
  for (let i = 0; i < 9; i++) {
    time.pass(100);
    ledger.add(report(1), true);
  }
  expect([writes(), time.set]).toEqual([1, 1]);
  time.pass(100);
  expect(writes()).toBe(2);
  time.pass(1000);
  expect(writes()).toBe(2);
  ledger.add(report(1), true);
  expect([writes(), time.set]).toEqual([3, 1]);
  expect(wake().sums()?.kinds.user?.events.frame).toBe(11);
});

test("[CM5] what counting costs is counted apart: a request a report, a row a time it is written", () => {
  const { time, wake } = ledgerOf();
  const ledger = wake();
  ledger.add(report(1), true);
  ledger.add(report(1), true);
  ledger.add(report(1), false); // the shard itself
  time.pass(1000);
  expect(wake().sums()?.kinds.meter).toMatchObject({ events: { call: 2 }, rowsWritten: 2 });
});

test("[CM5] what is done uncounted is not counted, also where it throws, and what follows is", () => {
  const { time, told, meter } = meterOf(1);
  meter.event("call");
  meter.uncounted(() => meter.rows(5, 5));
  expect(() =>
    meter.uncounted(() => {
      throw new Error("full");
    }),
  ).toThrow("full");
  meter.rows(1, 0);
  time.pass(WINDOW_MS);
  expect(sumOf(told)).toMatchObject({ rowsWritten: 1, rowsRead: 0 });
});

test("[CM6] shards are summed by kind, twenty frames are one request, and the oldest says since when", () => {
  const counts = { ...noCounts(), rowsWritten: 3, alarms: 1 };
  counts.events = { call: 2, connect: 1, frame: 30, close: 4, alarm: 1 };
  const shard = (since: number) => ({ since, kinds: { channel: counts } });
  expect(costsOf([undefined, shard(20), shard(10)])).toEqual({
    since: 10,
    channel: {
      wakes: noCounts().wakes,
      events: { call: 4, connect: 2, frame: 60, close: 8, alarm: 2 },
      requests: 4 + 2 + 2 + 3,
      rowsWritten: 6,
      rowsRead: 0,
      alarms: 2,
    },
  });
  expect(costsOf([undefined, undefined])).toEqual({ since: null });
});
