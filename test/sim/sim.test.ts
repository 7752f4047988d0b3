import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { Directory } from "../../src/directory/directory.ts";
import { User } from "../../src/user/user.ts";
import { FAULTS, FaultTable, KINDS } from "./fault-table.ts";
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./run-seed.ts";

const SEEDS = 200;
const STEPS = 500;
/** A fault that hardly ever met an object proves nothing about it. */
const OFTEN = 100;
const cores = { user: User, channel: Channel, directory: Directory };
const cli = fileURLToPath(new URL("run.ts", import.meta.url));

describe("users and channels under faults", () => {
  const faults = new FaultTable();
  const sums = { revokedAlive: 0, tickets: 0, replaced: 0, recoveries: 0, expired: 0, renewals: 0 };

  test(`[SIM8] ${SEEDS} seeds of ${STEPS} steps break no promise, and every fault met every kind of object`, async () => {
    for (let seed = 1; seed <= SEEDS; seed++) {
      const result = await runSeed({ seed, steps: STEPS }, cores);
      expect(result.revokedAlive, `revocations in seed ${seed}`).toBeGreaterThan(0);
      faults.add(result.faults);
      for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += result[key];
    }
    console.log(`${SEEDS} seeds of ${STEPS} steps\n${faults}\n${JSON.stringify(sums)}`);
    for (const fault of FAULTS) {
      for (const kind of KINDS)
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
  ] as const)("%s, in the same seeds", (_, what) => {
    expect(sums[what]).toBeGreaterThanOrEqual(OFTEN);
  });

  test("[SIM9] the same seed is the same run, event for event", async () => {
    const hashes = [];
    for (let time = 0; time < 2; time++) {
      const hash = createHash("sha256");
      await runSeed({ seed: 7, steps: 200, listener: (line) => void hash.update(line) }, cores);
      hashes.push(hash.digest("hex"));
    }
    expect(hashes[0]).toBe(hashes[1]);
  });

  test.each(Object.entries(MUTANTS))(
    "[SIM10] a simulator that may be believed finds: %s",
    async (name, { breaks }) => {
      const run = promisify(execFile)(process.execPath, [cli, "--mutant", name, "--seeds", "20"]);
      await expect(run).rejects.toMatchObject({ code: 1, stderr: expect.stringMatching(breaks) });
    },
  );
});
