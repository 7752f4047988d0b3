import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

/** Short enough that a test can wait for a grace; the liveness of whole TTLs is proven with real sockets in test/wire. */
const quick = { OFFLINE_GRACE_SECONDS: "0.3", SESSION_TTL_SECONDS: "60" };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      {
        plugins: [
          cloudflareTest({
            wrangler: { configPath: "./wrangler.toml" },
            miniflare: { bindings: quick },
          }),
        ],
        test: { name: "workers", include: ["test/workers/**/*.test.ts"] },
      },
      { test: { name: "sim", include: ["test/sim/**/*.test.ts"], testTimeout: 300_000 } },
      {
        test: {
          name: "wire",
          include: ["test/wire/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: "browser",
          include: ["test/browser/**/*.test.ts"],
          testTimeout: 120_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
