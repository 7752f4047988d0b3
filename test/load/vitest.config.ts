import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Clients here answer no probe, and to connect thousands takes minutes: nobody may be missed meanwhile. */
const bindings = { SESSION_TTL_SECONDS: "3600", COST_SAMPLE: "0" };

/** Measurements, not tests: run by hand, one at a time, on a machine that does nothing else. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: `${ROOT}wrangler.toml` }, miniflare: { bindings } })],
  root: ROOT,
  test: { include: ["test/load/{publish,watchers}.bench.ts"], testTimeout: 1_800_000 },
});
