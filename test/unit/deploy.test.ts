import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;
const MOST_GZIPPED_BYTES = 176 * 1024;

test("[DP1] a deployment is small and carries no setting of local development", async () => {
  const outdir = await mkdtemp(join(tmpdir(), "rollcall-deploy-"));
  try {
    const wrangler = join(ROOT, "node_modules/wrangler/bin/wrangler.js");
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--outdir", outdir],
      { cwd: ROOT, env: { ...process.env, CI: "1", WRANGLER_SEND_METRICS: "false" } },
    );
    const bundle = await readFile(join(outdir, "worker.js"), "utf8");
    expect(gzipSync(bundle).length).toBeLessThan(MOST_GZIPPED_BYTES);
    const said = stdout + stderr;
    for (const binding of ["USER", "CHANNEL", "RELAY", "DIRECTORY", "WEBHOOK", "EVENT_QUEUE"])
      expect(said).toContain(`env.${binding}`);
    expect(said).toMatch(/DEFAULT_GRANTS[^\n]*closed/);
    for (const setting of [
      "JWT_SECRET",
      "API_KEYS",
      "CONSOLE",
      "ALLOW_QUERY_TOKEN",
      "WEBHOOK_ALLOW_INSECURE",
    ])
      expect(said).not.toContain(`env.${setting}`);
    for (const value of ["rollcall-local-development", '("open")']) {
      expect(said).not.toContain(value);
      expect(bundle).not.toContain("rollcall-local-development");
    }
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}, 60_000);
