import { Cause, CostKind, type Costs, type KindCosts } from "../protocol/costs.ts";
import { type Activity, addActivity } from "./activity.ts";
import type { Backlog } from "./backlog.ts";

/** What was counted of some objects, or is said to have been: a sample stands for many. */
export interface Counts {
  wakes: Record<Cause, number>;
  events: Record<Cause, number>;
  rowsWritten: number;
  rowsRead: number;
  alarms: number;
  /** What it did. Absent where it did nothing, and in what was written or told by a version that did not count it. */
  activity?: Activity;
}

/** Who counts: the Worker does what no bill of objects depends on, so the stats leave it out. */
export type CountKind = CostKind | "worker";

/** What an object tells its shard of the directory: counts that stand for all of its kind. */
export interface CostReport {
  kind: CountKind;
  counts: Counts;
  /** What it owes at the moment. Absent from earlier versions, and from the Worker. */
  backlog?: Backlog & { of: string };
}

/** What a shard was told, by kind. */
export interface CostSums {
  /** Milliseconds: since when there is anything. */
  since: number;
  kinds: Partial<Record<CountKind, Counts>>;
  /** What objects owe, as they said a while ago at most. Absent from earlier versions. */
  backlog?: Backlog;
}

/** So many incoming WebSocket messages are billed as one request (price list of November 2026). */
const FRAMES_A_REQUEST = 20;

/** Nothing yet. */
export function noCounts(): Counts {
  return { wakes: perCause(), events: perCause(), rowsWritten: 0, rowsRead: 0, alarms: 0 };
}

/** Adds `more` to `sum`, so many times. */
export function addCounts(sum: Counts, more: Counts, times = 1): void {
  for (const cause of Cause.options) {
    sum.wakes[cause] += more.wakes[cause] * times;
    sum.events[cause] += more.events[cause] * times;
  }
  sum.rowsWritten += more.rowsWritten * times;
  sum.rowsRead += more.rowsRead * times;
  sum.alarms += more.alarms * times;
  if (more.activity !== undefined) {
    sum.activity ??= {};
    addActivity(sum.activity, more.activity, times);
  }
}

/** Adds what was told of one kind. */
export function addReport(sums: Pick<CostSums, "kinds">, { kind, counts }: CostReport): void {
  sums.kinds[kind] ??= noCounts();
  addCounts(sums.kinds[kind], counts);
}

/** What the platform bills for these events. A close comes with the connection, and costs nothing. */
export function requestsOf({ call, connect, alarm, frame }: Counts["events"]): number {
  return call + connect + alarm + frame / FRAMES_A_REQUEST;
}

/** What all shards were told, as back ends read it. */
export function costsOf(shards: readonly (CostSums | undefined)[]): Costs {
  const told = shards.filter((sums) => sums !== undefined);
  const costs: Costs = { since: told.length === 0 ? null : Math.min(...told.map(({ since }) => since)) };
  for (const kind of CostKind.options) {
    const ofKind = told.flatMap(({ kinds }) => kinds[kind] ?? []);
    if (ofKind.length > 0) costs[kind] = shown(ofKind);
  }
  return costs;
}

function shown(parts: readonly Counts[]): KindCosts {
  const sum = noCounts();
  for (const part of parts) addCounts(sum, part);
  const { wakes, events, rowsWritten, rowsRead, alarms } = sum;
  return {
    wakes: eachRounded(wakes),
    events: eachRounded(events),
    requests: rounded(requestsOf(events)),
    rowsWritten: rounded(rowsWritten),
    rowsRead: rounded(rowsRead),
    alarms: rounded(alarms),
  };
}

function eachRounded(numbers: Record<Cause, number>): Record<Cause, number> {
  const { call, connect, frame, close, alarm } = numbers;
  return {
    call: rounded(call),
    connect: rounded(connect),
    frame: rounded(frame),
    close: rounded(close),
    alarm: rounded(alarm),
  };
}

function rounded(number: number): number {
  return Math.round(number * 100) / 100;
}

function perCause(): Record<Cause, number> {
  return { call: 0, connect: 0, frame: 0, close: 0, alarm: 0 };
}
