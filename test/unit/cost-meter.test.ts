import { expect, test } from "vitest";
import { CostLedger } from "../../src/directory/cost-ledger.ts";
import { COST_BACKLOG_MIGRATION, COST_MIGRATION, CostTable } from "../../src/directory/cost-table.ts";
import type { Point, Points } from "../../src/directory/points.ts";
import type { Activity } from "../../src/objects/activity.ts";
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
function ledgerOf(more: { points?: Points } = {}) {
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
    [COST_MIGRATION, COST_BACKLOG_MIGRATION],
  );
  const wake = () =>
    new CostLedger(
      {
        clock: { now: () => time.now },
        timers: { after: (ms, run) => time.after(ms, run) },
        uncounted: (work) => work(),
        log: { warn: () => {} },
        ...more,
      },
      new CostTable(sql),
      () => ({ usersOnline: 0, sessions: 0, channels: 0 }),
    );
  return { time, wake, sql, writes: () => writes };
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

test("[MT5] what is done in a moment that is a sample counts for all like it, elsewhere for nothing", () => {
  const { time, told, meter } = meterOf(0.5, () => 0);
  meter.count("said message");
  meter.count("delivered message", 20);
  meter.count("delivered message", 5);
  time.pass(WINDOW_MS);
  expect(sumOf(told).activity).toEqual({ "said message": 2, "delivered message": 50 });
  const off = meterOf(0);
  off.meter.count("said message");
  off.time.pass(WINDOW_MS);
  expect([off.told, off.time.set]).toEqual([[], 0]);
});

test("[MT9] rows and reports of a version that counted no activity are read and added to", () => {
  const { time, wake, sql } = ledgerOf();
  const { activity: _, ...old } = noCounts();
  old.events.frame = 4;
  new CostTable(sql).write({ since: 5, kinds: { user: old }, owed: {} });
  sql.run("UPDATE cost SET backlog = NULL");
  const ledger = wake();
  expect(ledger.sums()).toMatchObject({ since: 5, kinds: { user: { events: { frame: 4 } } } });
  ledger.add(report(1), true);
  const counts = { ...noCounts(), activity: { "said message": 3, "of a later version": 1 } as Activity };
  ledger.add({ kind: "user", counts }, true);
  time.pass(1000);
  const { kinds } = wake().sums() ?? {};
  expect(kinds?.user?.events.frame).toBe(5);
  expect(kinds?.user?.activity).toEqual({ "said message": 3, "of a later version": 1 });
});

test("[MT10] what is shown is written: a crash takes no count back", () => {
  const { time, wake } = ledgerOf();
  const ledger = wake();
  ledger.add(report(1), true);
  time.pass(10);
  ledger.add(report(1), true); // gathered, and not written yet
  const shown = () => [ledger, wake()].map((one) => one.sums()?.kinds.user?.events.frame);
  expect(shown()).toEqual([1, 1]);
  time.pass(1000);
  expect(shown()).toEqual([2, 2]);
});

test("[MT7] of what each object owes its last word counts, for half an hour and through sleep", () => {
  const { time, wake } = ledgerOf();
  const ledger = wake();
  const told = (of: string, debts: number, oldestAt: number | null) =>
    ledger.add({ ...report(0), backlog: { of, debts, oldestAt } }, true);
  told("a", 3, 500_000);
  told("b", 2, 400_000);
  time.pass(60_000);
  expect(ledger.sums()?.backlog).toEqual({ debts: 5, oldestAt: 400_000 });
  told("b", 0, null);
  time.pass(1000);
  expect(wake().sums()?.backlog).toEqual({ debts: 3, oldestAt: 500_000 });
  time.pass(1_800_000);
  expect(ledger.sums()?.backlog).toEqual({ debts: 0, oldestAt: null });
});

test("[MT7] of more than five hundred objects those that owe for longest are kept, in one row", () => {
  const { time, wake } = ledgerOf();
  const ledger = wake();
  for (let i = 0; i < 600; i++)
    ledger.add({ ...report(0), backlog: { of: `o${i}`, debts: 1, oldestAt: 1000 - i } }, true);
  time.pass(1000);
  expect(wake().sums()?.backlog).toEqual({ debts: 500, oldestAt: 401 });
});

test("[MT12] a point for each kind with news is written with the row, and what is listed once a minute", () => {
  const points: Point[] = [];
  const { time, wake } = ledgerOf({ points: (point) => points.push(point) });
  const ledger = wake();
  const counts = {
    ...noCounts(),
    rowsWritten: 4,
    activity: { "said message": 2, "refused internal": 3 } as Activity,
  };
  ledger.add({ kind: "channel", counts }, true);
  expect(points.map(({ indexes }) => indexes[0])).toEqual(["channel", "meter", "listed"]);
  expect(points[0]?.doubles).toEqual([0, 0, 4, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]);
  for (let i = 0; i < 50; i++) ledger.add(report(1), true);
  time.pass(1000);
  expect(points.map(({ indexes }) => indexes[0]).slice(3)).toEqual(["user", "meter"]);
  expect(points[3]?.doubles[12]).toBe(50);
  time.pass(60_000);
  ledger.add(report(1), true);
  expect(points.filter(({ indexes: [kind] }) => kind === "listed")).toHaveLength(2);
});
