import { parseArgs } from "node:util";
import { FaultTable } from "./fault-table.ts";
import { breakOnLoad } from "./mutants.ts";
import { narrowFanOut } from "./narrow-fan-out.ts";

/*
 * node test/sim/run.ts [--seeds 200] [--first 1] [--steps 500]   many seeds, and what met whom how often
 * node test/sim/run.ts --seed 7 [--steps 500] [--trace]  one seed again, with all that happened
 * node test/sim/run.ts --json [--seeds 200] ...           the same, as one line for another program
 * node test/sim/run.ts --mutant <name>                           with a known fault built into the rules
 */
const { values } = parseArgs({
  options: {
    seed: { type: "string" },
    seeds: { type: "string", default: "200" },
    first: { type: "string", default: "1" },
    steps: { type: "string", default: "500" },
    mutant: { type: "string" },
    trace: { type: "boolean", default: false },
    json: { type: "boolean", default: false },
  },
});
narrowFanOut();
const isBroken = values.mutant !== undefined;
if (values.mutant !== undefined) breakOnLoad(values.mutant);

// Only now: a mutant has to be in place before the rules are loaded.
const { runSeed } = await import("./run-seed.ts");
const { CORES } = await import("./cores.ts");

const first = Number(values.seed ?? values.first);
const count = values.seed === undefined ? Number(values.seeds) : 1;
const faults = new FaultTable();
const sums: Record<string, number> = {};
const startedAt = performance.now();
try {
  for (let seed = first; seed < first + count; seed++) {
    const { faults: met, ...result } = await runSeed(
      {
        seed,
        steps: Number(values.steps),
        hasSweeps: !isBroken,
        ...(values.trace ? { listener: console.log } : {}),
      },
      CORES,
    );
    faults.add(met);
    for (const [what, amount] of Object.entries(result)) sums[what] = (sums[what] ?? 0) + amount;
  }
} catch (cause) {
  console.error(cause instanceof Error ? cause.message : cause);
  process.exitCode = 1;
}
const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
if (values.json) console.log(JSON.stringify({ faults, sums }));
else {
  console.log(`${faults}\n`);
  for (const [what, sum] of Object.entries(sums))
    console.log(what.padEnd(22) + String(Math.round(sum)).padStart(10));
  console.log(`\n${count} seeds of ${values.steps} steps in ${seconds} s`);
}
