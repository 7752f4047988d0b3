import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { Channel } from "../../src/channel/channel.ts";
import { User } from "../../src/user/user.ts";
import { FAULTS, FaultTable, KINDS } from "./fault-table.ts";
import { MUTANTS } from "./mutants.ts";
import { runSeed } from "./run-seed.ts";

const SEEDS = 200;
const STEPS = 500;
/** A fault that hardly ever met an object proves nothing about it. */
const OFTEN = 100;
const cores = { user: User, channel: Channel };
const cli = fileURLToPath(new URL("run.ts", import.meta.url));

describe("users and channels under faults", () => {
  test(`[SIM8] ${SEEDS} seeds of ${STEPS} steps break no promise, and every fault met every kind of object`, async () => {
    const faults = new FaultTable();
    for (let seed = 1; seed <= SEEDS; seed++)
      faults.add((await runSeed({ seed, steps: STEPS }, cores)).faults);
    console.log(`${SEEDS} seeds of ${STEPS} steps\n${faults}`);
    for (const fault of FAULTS) {
      for (const kind of KINDS)
        expect(faults.of(fault, kind), `${fault}, ${kind}`).toBeGreaterThanOrEqual(OFTEN);
    }
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
