import { execFile } from "node:child_process";
import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { FaultTable } from "./fault-table.ts";

/*
 * node test/sim/long-run.ts [seeds] [steps]   many long seeds, a share for each core; 500 of 1,000 unless told otherwise
 */
const [seeds = 500, steps = 1000] = process.argv.slice(2).map(Number);
const cli = fileURLToPath(new URL("run.ts", import.meta.url));
const processes = Math.min(availableParallelism(), seeds);
const startedAt = performance.now();

/** These seeds, in a process of their own. Rejects with what was wrong. */
async function share(first: number, count: number): Promise<FaultTable> {
  const range = ["--first", String(first), "--seeds", String(count), "--steps", String(steps)];
  const { stdout } = await promisify(execFile)(process.execPath, [cli, "--json", ...range]);
  return FaultTable.fromJSON((JSON.parse(stdout) as { faults: [string, number][] }).faults);
}

const size = Math.ceil(seeds / processes);
const starts = Array.from({ length: processes }, (_, i) => 1 + i * size).filter((first) => first <= seeds);
try {
  const faults = new FaultTable();
  const shares = starts.map((first) => share(first, Math.min(size, seeds - first + 1)));
  for (const met of await Promise.all(shares)) faults.add(met);
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  console.log(`${faults}\n\n${seeds} seeds of ${steps} steps passed in ${seconds} s on ${processes} cores`);
} catch (cause) {
  console.error((cause as { stderr?: string }).stderr ?? cause);
  process.exitCode = 1;
}
