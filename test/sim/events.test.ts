import { expect, test } from "vitest";
import { CORES } from "./cores.ts";
import { runSeed } from "./run-seed.ts";

const SEEDS = 12;

test(`[EV21] in ${SEEDS} seeds with a queue that refuses and loses its answers, whoever goes by the events knows what is true`, async () => {
  const sums = { events: 0, eventsAgain: 0, queueFailures: 0 };
  for (let seed = 1; seed <= SEEDS; seed++) {
    const result = await runSeed({ seed, steps: 400, exportsEvents: true }, CORES);
    for (const what of ["events", "eventsAgain", "queueFailures"] as const) sums[what] += result[what];
  }
  console.log(JSON.stringify(sums));
  expect(sums.events).toBeGreaterThan(2000);
  expect(sums.eventsAgain).toBeGreaterThan(50);
  expect(sums.queueFailures).toBeGreaterThan(100);
});
