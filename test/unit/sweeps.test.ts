import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cleanup } from "../../src/maintenance/cleanup.ts";
import { EVERY_MINUTES, sweepDue } from "../../src/maintenance/sweeps.ts";
import {
  nothingRemoved,
  type RemovedCounts,
  type SweepPage,
  type SweepPart,
  type SweepRequest,
  someOf,
} from "../../src/objects/auditing.ts";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import type { Log, Objects } from "../../src/objects/ports.ts";
import { shardNames } from "../../src/objects/shards.ts";
import { SinceWaking } from "../../src/objects/since-waking.ts";
import { portWith } from "../fixtures/object-bench.ts";

const HOUR_MS = 3_600_000;
const quiet: Log = { warn: () => {} };

const NOTHING: SweepPage = {
  asked: 0,
  unanswered: 0,
  removed: nothingRemoved(),
  presences: 0,
  differences: { sessions: 0, watches: 0, subscriptions: 0 },
  owedSince: null,
};

/** Shards that each list these, by name, and lose a message with each that is asked. */
function shards(
  listed: Record<string, string[]>,
  asked: string[] = [],
  answer?: () => Promise<void>,
): Objects {
  const sweep = (shard: string) => async (request: SweepRequest) => {
    await answer?.();
    const names = (listed[shard] ?? []).map((name) => `user ${name}`);
    const page = names.filter((key) => key > (request.after ?? "")).slice(0, request.limit);
    asked.push(...page);
    const removed = { ...nothingRemoved(), messages: page.length };
    const next = page.length === request.limit ? page.at(-1) : undefined;
    return { ...NOTHING, asked: page.length, removed, ...(next !== undefined && { next }) };
  };
  const directory = (shard: string) => portWith<DirectoryPort>({ sweep: sweep(shard) });
  return { directory } as Objects;
}

const many = (prefix: string, count: number) =>
  Array.from({ length: count }, (_, i) => `${prefix}${1000 + i}`);

/** The minutes of an hour that a cron line names: as much of cron as ours use. */
function minutesOf(line: string): number[] {
  const [minutes = "", ...rest] = line.split(" ");
  expect(rest).toEqual(["*", "*", "*", "*"]);
  const all = Array.from({ length: 60 }, (_, minute) => minute);
  return minutes.split(",").flatMap((field) => {
    const step = /^\*\/(\d+)$/.exec(field)?.[1];
    return step === undefined ? [Number(field)] : all.filter((minute) => minute % Number(step) === 0);
  });
}

test("[SW1] the cron lines name exactly the minutes at which a sweep is due", () => {
  const toml = readFileSync(new URL("../../wrangler.toml", import.meta.url), "utf8");
  const lines = [...(/^crons = \[(.*)\]$/m.exec(toml)?.[1] ?? "").matchAll(/"([^"]+)"/g)].map(
    ([, line = ""]) => line,
  );
  const named = new Set(lines.flatMap(minutesOf));
  const due = Array.from({ length: 60 }, (_, minute) => minute).filter((minute) =>
    Object.values(EVERY_MINUTES).some((every) => minute % every === 0),
  );
  expect([...named].sort((a, b) => a - b)).toEqual(due);
});

test("[SW1] presences are swept every 10 minutes, sessions every 15, watches and subscriptions every 30", async () => {
  const swept: Record<string, number[]> = {};
  const turns: Partial<Record<SweepPart, number[]>> = {};
  let minute = 0;
  const directory = () =>
    portWith<DirectoryPort>({
      sweep: async ({ parts, turn, after }) => {
        expect(after).toBeUndefined();
        for (const part of parts) {
          swept[part] = [...(swept[part] ?? []), minute];
          turns[part] = [...(turns[part] ?? []), turn];
        }
        return NOTHING;
      },
    });
  for (; minute < 60; minute++)
    await sweepDue({ directory } as unknown as Objects, 1, 7 * HOUR_MS + minute * 60_000, quiet);
  expect(swept).toEqual({
    presences: [0, 10, 20, 30, 40, 50],
    sessions: [0, 15, 30, 45],
    watches: [0, 30],
    subscriptions: [0, 30],
  });
  expect(turns.presences).toEqual([42, 43, 44, 45, 46, 47]);
  expect(turns.watches).toEqual([14, 15]);
});

test("[SW7] a shard that fails holds up no other, and the run counts as failed", async () => {
  const done: string[] = [];
  const directory = (shard: string) =>
    portWith<DirectoryPort>({
      sweep: async ({ parts }) => {
        if (shard === "1-of-4") throw new Error("down");
        done.push(`${shard} ${parts}`);
        return NOTHING;
      },
    });
  await expect(sweepDue({ directory } as unknown as Objects, 4, 10 * 60_000, quiet)).rejects.toThrow(
    "1 sweeps failed",
  );
  expect(done).toEqual(["0-of-4 presences", "2-of-4 presences", "3-of-4 presences"]);
});

test("[SW3] a cleanup asks everybody who is listed once, and sums up what was removed", async () => {
  const listed = Object.fromEntries(
    shardNames(3).map((shard, i) => [shard, many(`s${i}-`, [120, 0, 50][i] ?? 0)]),
  );
  const asked: string[] = [];
  const time = { now: () => 0, budgetMs: 1000 };
  const cleaned = await cleanup(shards(listed, asked), 3, undefined, time);
  expect(cleaned).toEqual({
    ...{ sessions: 0, watches: 0, subscriptions: 0, messages: 170, presences: 0 },
    ...{ asked: 170, unanswered: 0, more: false },
  });
  expect(asked).toEqual(
    Object.values(listed)
      .flat()
      .map((name) => `user ${name}`),
  );
});

test("[SW4] a cleanup that had to stop says so, and goes on from its cursor until all were asked once", async () => {
  const listed = Object.fromEntries(shardNames(2).map((shard, i) => [shard, many(`s${i}-`, 130)]));
  const asked: string[] = [];
  let now = 0;
  const answer = async () => {
    now += 40;
  };
  let cursor: string | undefined;
  let calls = 0;
  do {
    const cleaned = await cleanup(shards(listed, asked, answer), 2, cursor, { now: () => now, budgetMs: 50 });
    if ("code" in cleaned) throw new Error(cleaned.message);
    expect(cleaned.more).toBe(cleaned.cursor !== undefined);
    cursor = cleaned.cursor;
    calls += 1;
  } while (cursor !== undefined);
  expect(calls).toBe(3); // two pages each time
  expect(asked).toEqual(
    Object.values(listed)
      .flat()
      .map((name) => `user ${name}`),
  );
});

test("[SW4] a shard that keeps silent ends a cleanup in time, and its page is done by the next one", async () => {
  const listed = { "0-of-1": many("a", 10) };
  const silent = await cleanup(
    shards(listed, [], () => new Promise(() => {})),
    1,
    undefined,
    {
      now: () => 0,
      budgetMs: 20,
    },
  );
  expect(silent).toMatchObject({ asked: 0, more: true });
  const cursor = "cursor" in silent ? silent.cursor : undefined;
  expect(await cleanup(shards(listed), 1, cursor, { now: () => 0, budgetMs: 20 })).toMatchObject({
    asked: 10,
    more: false,
  });
});

test("[SW4] a cursor that is not ours, or from another number of shards, is refused", async () => {
  const time = { now: () => 0, budgetMs: 1000 };
  for (const text of ["", "x", "4 1", "2 1 user a", "4 4 user a", "4 1 relay a", "4 1 user a b"]) {
    const refused = await cleanup(shards({}), 4, btoa(text), time);
    expect(refused, text).toMatchObject({ code: "bad_request", errors: [{ path: "cursor" }] });
  }
  expect(await cleanup(shards({}), 4, "not base64 !", time)).toMatchObject({ code: "bad_request" });
  expect(await cleanup(shards({}), 4, btoa("4 1 user a"), time)).toMatchObject({ more: false });
});

test("[SW8] what a waking has removed counts once, where it was a moment ago", () => {
  let now = 1000;
  const removed: RemovedCounts = { ...nothingRemoved(), messages: 3 };
  const awake = () => new SinceWaking({ now: () => now }, () => removed);
  const [first, late] = [awake(), awake()];
  now += 20;
  const begun = first.begin();
  removed.sessions += 2;
  expect(begun()).toEqual({ ...nothingRemoved(), messages: 3, sessions: 2 });
  expect(first.begin()()).toEqual(nothingRemoved());
  now += 1000;
  const later = late.begin();
  removed.watches += 1;
  expect(later()).toEqual({ ...nothingRemoved(), watches: 1 });
});

test("[SW9] of many others each is compared in time, by whatever rhythm the turns come", () => {
  expect(someOf(0, 5, 3)).toEqual([]);
  expect(someOf(3, 5, 3)).toEqual([0, 1, 2]);
  for (const step of [1, 2, 3, 6, 24, 60]) {
    const seen = new Set<number>();
    for (let turn = 0; turn < 400; turn++) {
      const some = someOf(60, 5, 1_000_000 + turn * step);
      expect(new Set(some).size).toBe(5);
      for (const index of some) seen.add(index);
    }
    expect(seen.size, `every ${step} turns`).toBe(60);
  }
});
