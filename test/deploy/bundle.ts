import { execFile } from "node:child_process";
import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { gzipSync } from "node:zlib";
import { type Finding, fail, ok, warn } from "./finding.ts";

const MIB = 1024 * 1024;
/** What a Worker may weigh, gzipped, on the free plan and on the paid one (Workers limits, November 2026). */
const FREE_BYTES = 3 * MIB;
const PAID_BYTES = 10 * MIB;

/** A bundle as `wrangler deploy` would upload it, or why there is none. */
export type Built = { text: string; warnings: string[] } | { failed: string };

/** Everything of a deployment but the upload. Needs no network. */
export async function build(root: string, args: string[]): Promise<Built> {
  const outdir = await mkdtemp(join(tmpdir(), "rollcall-check-"));
  const wrangler = join(root, "node_modules/wrangler/bin/wrangler.js");
  const env = { ...process.env, CI: "1", NO_COLOR: "1", WRANGLER_SEND_METRICS: "false" };
  try {
    const { stdout, stderr } = await promisify(execFile)(
      process.execPath,
      [wrangler, "deploy", "--dry-run", "--outdir", outdir, ...args],
      { cwd: root, env },
    );
    const modules = (await readdir(outdir)).filter((name) => name.endsWith(".js"));
    const texts = await Promise.all(modules.map((name) => readFile(join(outdir, name), "utf8")));
    return { text: texts.join("\n"), warnings: warningsIn(stdout + stderr) };
  } catch (cause) {
    const { stderr, stdout, message } = cause as { stderr?: string; stdout?: string; message: string };
    return { failed: firstError(`${stderr ?? ""}${stdout ?? ""}`) ?? message };
  } finally {
    await rm(outdir, { recursive: true, force: true });
  }
}

/** Whether it can be uploaded, and gives away nothing that lies on this machine. */
export function bundleFindings(built: Built, development: Record<string, string>): Finding[] {
  if ("failed" in built) return [fail("bundle", `wrangler can't build it: ${built.failed}`)];
  const findings = built.warnings.map((text) => warn("bundle", `wrangler warns: ${text}`));
  findings.push(sizeFinding(gzipSync(built.text).length));
  for (const name of ["JWT_SECRET", "API_KEYS"]) {
    const value = development[name];
    if (value !== undefined && built.text.includes(value))
      findings.push(fail("bundle", `it holds ${name} of .dev.vars`));
  }
  return findings;
}

/** Whether a bundle of so many gzipped bytes is taken. */
export function sizeFinding(bytes: number): Finding {
  const size = `${Math.ceil(bytes / 1024)} KiB gzipped`;
  if (bytes > PAID_BYTES) return fail("bundle", `${size}: more than any plan takes (10 MiB)`);
  if (bytes > FREE_BYTES) return warn("bundle", `${size}: more than the free plan takes (3 MiB)`);
  return ok("bundle", size);
}

function warningsIn(output: string): string[] {
  return [...output.matchAll(/\[WARNING\]\s*(.+)/g)].map(([, text = ""]) => text.trim());
}

function firstError(output: string): string | undefined {
  return /\[ERROR\]\s*(.+)/.exec(output)?.[1]?.trim();
}
