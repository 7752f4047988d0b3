import { cloudflareTest } from "@cloudflare/vitest-pool-workers";
import { defineConfig } from "vitest/config";

const ROOT = new URL("../..", import.meta.url).pathname;

/** Short enough that many TTLs pass while somebody waits for them. */
const bindings = {
  OFFLINE_GRACE_SECONDS: "0.3",
  SESSION_TTL_SECONDS: "1",
  HEARTBEAT_INTERVAL_SECONDS: "0.3",
};

/** For scenario (i) of `npm run bench`. */
export default defineConfig({
  plugins: [cloudflareTest({ wrangler: { configPath: `${ROOT}wrangler.toml` }, miniflare: { bindings } })],
  root: ROOT,
  test: { include: ["test/load/idle.bench.ts"], testTimeout: 600_000 },
});
