import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { busyShare, isQuiet, MOST_BUSY, machine } from "./bench/machine.ts";
import { type Bar, barTable, markdown, type Report, type Scenario } from "./bench/report.ts";
import { endAll } from "./bench/stage.ts";
import { readable } from "./bench/stats.ts";
import { churn } from "./scenarios/churn.ts";
import { connectRate } from "./scenarios/connect-rate.ts";
import { idleCost } from "./scenarios/idle-cost.ts";
import { many } from "./scenarios/many.ts";
import { memory } from "./scenarios/memory.ts";
import { oneMessage } from "./scenarios/one-message.ts";
import { paced } from "./scenarios/paced.ts";
import { saturation } from "./scenarios/saturation.ts";
import { silence } from "./scenarios/silence.ts";
import { userFanOut } from "./scenarios/user-fan-out.ts";
import { userToUser } from "./scenarios/user-to-user.ts";
import { wake } from "./scenarios/wake.ts";

/*
 * npm run bench [-- --only b,c] [--quick]
 * Everything that is measured, side by side in one run; the table goes to standard output, all figures to dist/bench.
 */
const SCENARIOS: Record<string, Scenario> = {
  a: connectRate,
  b: oneMessage,
  c: saturation,
  d: churn,
  e: memory,
  f: wake,
  g: userFanOut,
  h: many,
  i: idleCost,
  j: paced,
  k: userToUser,
  l: silence,
};
/** How long the machine is looked at before each scenario. */
const BETWEEN_MS = 1000;
const ROOT = new URL("../..", import.meta.url).pathname;

const { values } = parseArgs({
  options: { only: { type: "string" }, quick: { type: "boolean", default: false } },
});
const chosen = values.only?.split(",") ?? Object.keys(SCENARIOS);
const unknown = chosen.filter((id) => SCENARIOS[id] === undefined);
if (unknown.length > 0) {
  console.error(`no scenario ${unknown.join(", ")}; there are ${Object.keys(SCENARIOS).join(", ")}`);
  process.exit(2);
}

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => void endAll().finally(() => process.exit(130)));
}
installPeers();
const before = await machine();
console.error(
  `load ${readable(before.load)}, ${readable(before.busy * 100)} % busy, loop ${readable(before.loopMs)} ms`,
);
if (!isQuiet(before)) console.error("THE MACHINE IS BUSY: these figures are for trying the harness only");

const startedAt = performance.now();
const reports: Record<string, Report | { failed: string }> = {};
const bars: Bar[] = [];
/** Scenarios before which others were using the machine, and how much of it. */
const disturbed: string[] = [];
for (const id of chosen) {
  const scenario = SCENARIOS[id];
  if (scenario === undefined) continue;
  const busy = await busyShare(BETWEEN_MS);
  if (busy > MOST_BUSY) disturbed.push(`(${id}) ${readable(busy * 100)} %`);
  const since = performance.now();
  const passed = () => `${Math.round((performance.now() - since) / 1000)} s`;
  try {
    const report = await scenario({
      isQuick: values.quick,
      log: (text) => console.error(`(${id}) ${passed()}: ${text}`),
    });
    reports[id] = report;
    bars.push(...report.bars);
    console.log(markdown(id, report));
  } catch (cause) {
    const failed = cause instanceof Error ? cause.message : String(cause);
    console.error(cause);
    reports[id] = { failed };
    bars.push({ what: `scenario (${id}) runs`, measured: failed.slice(0, 200), holds: false });
  }
  console.error(`(${id}) took ${passed()}`);
}
const seconds = Math.round((performance.now() - startedAt) / 1000);
const file = `${ROOT}dist/bench/${before.date}-${before.commit}${values.quick ? "-quick" : ""}.json`;
mkdirSync(`${ROOT}dist/bench`, { recursive: true });
writeFileSync(
  file,
  JSON.stringify({ machine: before, seconds, isQuick: values.quick, disturbed, reports, bars }, null, 1),
);
console.log(barTable(bars));
console.log(
  `\n${before.cpu}, ${before.cores} cores, ${before.memoryGb} GB; workerd ${before.workerd}, Node ${before.node}; ` +
    `commit ${before.commit}${before.isClean ? "" : " with changes"}, ${before.date}, ${seconds} s` +
    `${values.quick ? "; quick: small counts" : ""}${isQuiet(before) && disturbed.length === 0 ? "" : "; the machine was busy with other work"}.`,
);
if (disturbed.length > 0) console.error(`others used the processors before ${disturbed.join(", ")}`);
console.error(`all figures: ${file}`);
process.exitCode = bars.every(({ holds }) => holds) ? 0 : 1;

/** What we compare with is no dependency of the service: it is installed by its own lock file. */
function installPeers(): void {
  const folder = `${ROOT}test/load/peers`;
  const lock = readFileSync(`${folder}/package-lock.json`, "utf8");
  const stamp = `${folder}/node_modules/.installed`;
  if (existsSync(stamp) && readFileSync(stamp, "utf8") === lock) return;
  const args = ["ci", "--prefix", folder, "--omit=peer", "--no-audit", "--no-fund"];
  execFileSync("npm", args, { stdio: ["ignore", "ignore", "inherit"] });
  writeFileSync(stamp, lock);
}
