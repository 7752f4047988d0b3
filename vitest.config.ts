import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/** Short enough that a test can wait for a grace; and no costs are counted: tests that do, count their own. */
const quick = { OFFLINE_GRACE_SECONDS: "0.3", COST_SAMPLE: "0" };
/** All that happens is told to an address that the test stands in for. */
const webhook = {
  EVENTS: "*",
  WEBHOOK_URL: "https://hooks.example.com/rollcall",
  WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
};
/** So few connections fill a channel, and each of its relays. */
const few = { ...quick, RELAY_CAPACITY: "3" };
/** Short enough that many TTLs pass in real time. */
const brief = { ...quick, SESSION_TTL_SECONDS: "2", HEARTBEAT_INTERVAL_SECONDS: "0.3" };

/**
 * Where real time passes, a machine with other work can be later than a test waits for: then it is run once more, and
 * the summary says so. What is wrong fails twice.
 */
const retry = 1;

function inWorkerd(name: string, include: string[], exclude: string[], bindings: Record<string, string>) {
  const wrangler = { configPath: "./wrangler.toml" };
  return {
    plugins: [cloudflareTest({ wrangler, miniflare: { bindings } })],
    test: { name, include, exclude, retry, testTimeout: 60_000 },
  };
}

export default defineConfig({
  test: {
    // Most of the time is spent waiting for graces and TTLs to pass, not computing.
    maxWorkers: 4,
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], testTimeout: 30_000 } },
      inWorkerd(
        "workers",
        ["test/workers/**/*.test.ts"],
        [
          "test/workers/{idle,rebuild,relays,relays-loss,cost-meter,webhook,metrics,logs}.test.ts",
          "test/workers/port-contract.test.ts",
        ],
        quick,
      ),
      inWorkerd("costs", ["test/workers/{cost-meter,metrics}.test.ts"], [], { ...quick, COST_SAMPLE: "1" }),
      inWorkerd("logs", ["test/workers/logs.test.ts"], [], { ...quick, LOG_LEVEL: "info" }),
      inWorkerd("events", ["test/workers/webhook.test.ts"], [], { ...quick, ...webhook }),
      inWorkerd("relays", ["test/workers/{relays,relays-loss}.test.ts"], [], few),
      inWorkerd("idle", ["test/workers/{idle,rebuild}.test.ts"], [], brief),
      {
        // The shell of our objects around a probe: the ports are tested without any rules.
        plugins: [
          cloudflareTest({
            main: "./test/workers/probe-object.ts",
            miniflare: {
              compatibilityDate: "2026-10-23",
              bindings: { JWT_SECRET: "a secret that only this test knows", COST_SAMPLE: "0" },
              durableObjects: {
                USER: { className: "ProbeObject", useSQLite: true },
                CHANNEL: { className: "ProbeChannel", useSQLite: true },
                RELAY: { className: "ProbeRelay", useSQLite: true },
                DIRECTORY: { className: "ProbeShard", useSQLite: true },
              },
            },
          }),
        ],
        test: { name: "ports", include: ["test/workers/port-contract.test.ts"], testTimeout: 20_000 },
      },
      { test: { name: "sim", include: ["test/sim/**/*.test.ts"], testTimeout: 300_000 } },
      {
        test: {
          name: "wire",
          retry,
          include: ["test/wire/**/*.test.ts"],
          exclude: ["test/wire/{deploy,handover,sending}.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        // Two thousand clients that return at once, a minute of coming and going, readers that are slow: what counts
        // there is how much gets through, so each has the machine for itself, after all others.
        test: {
          name: "alone",
          retry,
          include: ["test/wire/{deploy,handover,sending}.test.ts"],
          testTimeout: 420_000,
          hookTimeout: 60_000,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // The package as its users get it: by npm, into a project of their own.
        test: {
          name: "package",
          include: ["test/package/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "browser",
          retry,
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
