import { afterAll, beforeAll, expect, test } from "vitest";
import { startBareService } from "../fixtures/bare-workerd.ts";
import type { Faults } from "../fixtures/fault-proxy.ts";
import { type FaultRun, faultRun } from "../fixtures/fault-run.ts";
import type { Service } from "../fixtures/process-group.ts";
import { SeededRandom } from "../sim/seeded-random.ts";

/*
 * SDK clients behind a bad network, against the service on the runtime alone. `FAULT_SEED=17` repeats one seed,
 * `FAULT_SEEDS=200` tries more of them.
 */

const SEEDS = process.env.FAULT_SEED
  ? [Number(process.env.FAULT_SEED)]
  : Array.from({ length: Number(process.env.FAULT_SEEDS ?? 20) }, (_, i) => i + 1);
const AT_ONCE = 6;

/** On average; a network is bad in its own way, and so each seed has some of them often and others not at all. */
const FAULTS: Faults = {
  ...{ refuse: 0.1, halfOpen: 0.005, cut: 0.015 },
  ...{ drop: 0.05, duplicate: 0.05, reorder: 0.1, delay: 0.1 },
};
/** So small that who is away for long finds that the log has gone on without it. */
const HISTORY_SIZE = 6;

function faultsOf(seed: number): Faults {
  const random = new SeededRandom(-seed);
  const kinds = Object.entries(FAULTS).map(([fault, chance]) => [
    fault,
    chance * (random.pick([0, 0.5, 1, 2.5]) ?? 1),
  ]);
  return Object.fromEntries(kinds);
}

let service: Service;
const runs: FaultRun[] = [];

beforeAll(async () => {
  service = await startBareService({
    vars: {
      ...{ MAX_SESSIONS_PER_USER: "200", CONNECTS_BURST: "1000", OFFLINE_GRACE_SECONDS: "1" },
      HISTORY_SIZE: String(HISTORY_SIZE),
    },
  });
});
afterAll(() => service.stop());

/** What is wrong with what one application was told, by the log of the channel. */
function faultOf(name: string, { seed, told, log }: FaultRun): string | undefined {
  const heard = told.get(name) ?? [];
  const say = (what: string) => `seed ${seed}, ${name}: ${what} in ${JSON.stringify(heard)}`;
  const seen = new Set<number>();
  let before: number | undefined;
  for (const one of heard) {
    if ("lostTo" in one) {
      if (before !== undefined && one.lostTo <= before) return say(`lost to ${one.lostTo} after ${before}`);
      before = one.lostTo;
      continue;
    }
    if (seen.has(one.offset)) return say(`${one.offset} twice`);
    seen.add(one.offset);
    if (before !== undefined && one.offset !== before + 1) return say(`${one.offset} after ${before}`);
    if (log.find(({ offset }) => offset === one.offset)?.data !== one.data)
      return say(`${one.offset} is another`);
    before = one.offset;
  }
  return before === log.at(-1)?.offset ? undefined : say("not all that came later");
}

test("[CL130] behind a network that loses, doubles, reorders, delays, cuts, half opens and refuses, what an application is told is contiguous, or it is told otherwise, and nothing is told twice", async () => {
  const left = SEEDS.values(); // shared: whoever is done takes the next
  const lane = async () => {
    for (const seed of left) runs.push(await faultRun(service.url, seed, faultsOf(seed)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  const wrong = runs.flatMap((run) => [...run.told.keys()].flatMap((name) => faultOf(name, run) ?? []));
  expect(wrong).toEqual([]);
});

test("[CL131] behind it everything that was published is in the log once, where its answer says", () => {
  expect(runs).toHaveLength(SEEDS.length);
  for (const { seed, log, published } of runs) {
    expect(
      log.map(({ offset }) => offset),
      `seed ${seed}`,
    ).toEqual(log.map((_, i) => i + 1));
    const inLog = new Map(log.map(({ data, offset }) => [data, offset]));
    expect(inLog, `seed ${seed}`).toEqual(published);
    expect(log, `seed ${seed}: something is there twice`).toHaveLength(published.size);
  }
});

test("[CL132] each of these faults has happened, and some could not be made good", () => {
  const sum = (fault: keyof Faults) => runs.reduce((total, { counts }) => total + counts[fault], 0);
  const counts = Object.fromEntries(
    (Object.keys(FAULTS) as (keyof Faults)[]).map((fault) => [fault, sum(fault)]),
  );
  const told = runs.flatMap((run) => [...run.told.values()].flat());
  const losses = told.filter((one) => "lostTo" in one).length;
  console.log(`seeds ${SEEDS.join(" ")}: ${JSON.stringify(counts)}, and told ${losses} times of losses`);
  if (SEEDS.length === 1) return;
  expect(losses).toBeGreaterThan(0);
  for (const [fault, count] of Object.entries(counts)) expect(count, fault).toBeGreaterThan(0);
});
