import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { CORES } from "./cores.ts";
import { FAULTS, FaultTable, KINDS, mayMeet } from "./fault-table.ts";
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./run-seed.ts";

/** `npm run sim:long` runs five hundred of a thousand. */
const SEEDS = 100;
const STEPS = 500;
/** Seeds know nothing of one another: each core runs its share. */
const PROCESSES = 2;
/** A fault that hardly ever met an object proves nothing about it. */
const OFTEN = 100;
const cli = fileURLToPath(new URL("run.ts", import.meta.url));
const run = (...args: string[]) => promisify(execFile)(process.execPath, [cli, ...args]);

describe("users, channels and relays under faults", () => {
  const faults = new FaultTable();
  const sums: Record<string, number> = {};

  test(`[SIM8] ${SEEDS} seeds of ${STEPS} steps break no promise, and every fault met every kind of object`, async () => {
    const share = SEEDS / PROCESSES;
    const shares = Array.from({ length: PROCESSES }, (_, i) =>
      run("--json", "--first", String(i * share + 1), "--seeds", String(share), "--steps", String(STEPS)),
    );
    for (const { stdout } of await Promise.all(shares)) {
      const result = JSON.parse(stdout) as { faults: [string, number][]; sums: typeof sums };
      faults.add(FaultTable.fromJSON(result.faults));
      for (const [what, sum] of Object.entries(result.sums)) sums[what] = (sums[what] ?? 0) + sum;
    }
    console.log(`${SEEDS} seeds of ${STEPS} steps\n${faults}\n${JSON.stringify(sums)}`);
    for (const fault of FAULTS) {
      for (const kind of KINDS.filter((one) => mayMeet(fault, one)))
        expect(faults.of(fault, kind), `${fault}, ${kind}`).toBeGreaterThanOrEqual(OFTEN);
    }
  });

  // Each promise is checked all through the seeds above; what never came up would have been kept by chance.
  test.each([
    ["[SIM11] revocations met live connections", "revokedAlive"],
    ["[SIM12] tickets were used", "tickets"],
    ["[SIM13] sessions gave way to newer ones", "replaced"],
    ["[SIM14] connections were recovered", "recoveries"],
    ["[SIM15] sessions ended with their token", "expired"],
    ["[SIM15] sessions were renewed", "renewals"],
    ["[SIM16] statuses were said", "statuses"],
    ["[SIM17] what watchers were told was compared", "views"],
    ["[SIM17] what watchers over HTTP were told was compared", "httpViews"],
    ["[SIM18] broadcasts reached who stayed", "broadcasts"],
    ["[SIM19] user connections were subscribed to channels", "subscriptions"],
    ["[SIM21] relays welcomed connections", "relayed"],
    ["[SIM21] relays that had missed something showed the roster anew", "shownAnew"],
    ["[SIM23] shards were swept", "sweeps"],
    ["[SIM20] direct messages were told", "directs"],
    ["[SIM20] direct messages were told again", "directsAgain"],
  ] as const)("%s, in the same seeds", (_, what) => {
    expect(sums[what]).toBeGreaterThanOrEqual(OFTEN);
  });

  test("[SIM9] the same seed is the same run, event for event", async () => {
    const hashes = [];
    for (let time = 0; time < 2; time++) {
      const hash = createHash("sha256");
      await runSeed({ seed: 7, steps: 200, listener: (line) => void hash.update(line) }, CORES);
      hashes.push(hash.digest("hex"));
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  test.each(Object.entries(MUTANTS))(
    "[SIM10] a simulator that may be believed finds: %s",
    async (name, { breaks, firstSeed = 1 }) => {
      const seeds = ["--first", String(firstSeed), "--seeds", "20"];
      await expect(run("--mutant", name, ...seeds, "--steps", "1000")).rejects.toMatchObject({
        code: 1,
        stderr: expect.stringMatching(breaks),
      });
    },
  );
});
