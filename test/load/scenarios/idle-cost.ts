import { execFile } from "node:child_process";
import { promisify } from "node:util";
import type { Report, Wanted } from "../bench/report.ts";
import { readable } from "../bench/stats.ts";

const ROOT = new URL("../../..", import.meta.url).pathname;
/** Cloudflare's price list of November 2026, dollars a million. */
const PER_MILLION = { request: 0.15, rowWritten: 1, rowRead: 0.001 };
const DEFAULT_TTL_SECONDS = 60;
const TIMEOUT_MS = 300_000;

interface Counted {
  what: string;
  connections: number;
  seconds: number;
  ttlSeconds: number;
  alarms: number;
  calls: number;
  rowsWritten: number;
  rowsRead: number;
}

/** (i) What an hour of a connection costs that is only there: counts, times prices. */
export async function idleCost({ log }: Wanted): Promise<Report> {
  const args = ["node_modules/vitest/vitest.mjs", "run", "--config", "test/load/idle.config.ts"];
  log("counting over some thirty short TTLs, twice");
  const options = { cwd: ROOT, timeout: TIMEOUT_MS, maxBuffer: 2 ** 24 };
  const { stdout } = await promisify(execFile)(process.execPath, args, options);
  const counted = [...stdout.matchAll(/IDLE (\{.*\})/g)].map(([, json = ""]) => JSON.parse(json) as Counted);
  if (counted.length !== 2) throw new Error(`nothing was counted: ${stdout.slice(-500)}`);
  const hours = counted.map(hourOf);
  return {
    title: "What an idle connection costs an hour",
    columns: [
      "",
      "alarms",
      "calls between objects",
      "rows written",
      "rows read",
      "dollars a million user-hours",
    ],
    rows: hours.map((hour) => [
      hour.what,
      readable(hour.alarms),
      readable(hour.calls),
      readable(hour.rowsWritten),
      readable(hour.rowsRead),
      readable(hour.dollars * 1e6),
    ]),
    notes: [
      "Counted with a TTL of 1 s in workerd and scaled to the default of 60 s. Each alarm that is set is a row, each that fires and each call a request ($0.15 a million); rows written are $1.00 a million, rows read $0.001.",
      "A client's pings are answered by the platform and cost nothing; frames that a client says count a twentieth of a request each, and an idle one says none.",
      "A sweep of a channel serves all of its connections: the share of one falls with their number. What is done by the hour and not by the TTL, and time in memory, are not in it.",
    ],
    bars: [],
    figures: { counted, hours },
  };
}

function hourOf({ what, connections, seconds, ttlSeconds, ...counts }: Counted) {
  const ttlsPerHour = 3600 / DEFAULT_TTL_SECONDS;
  const perHour = (count: number) => ((count / connections) * ttlsPerHour * ttlSeconds) / seconds;
  const alarms = perHour(counts.alarms);
  const calls = perHour(counts.calls);
  const rowsWritten = perHour(counts.rowsWritten);
  const rowsRead = perHour(counts.rowsRead);
  const requests = alarms + calls;
  const dollars =
    (requests * PER_MILLION.request + rowsWritten * PER_MILLION.rowWritten + rowsRead * PER_MILLION.rowRead) /
    1e6;
  return { what, alarms, calls, rowsWritten, rowsRead, dollars };
}
