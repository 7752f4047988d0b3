import { atMost, type Report, type Wanted } from "../bench/report.ts";
import { connect, publishEach, Stage } from "../bench/stage.ts";
import { quantile, readable } from "../bench/stats.ts";
import type { Name } from "../candidates/candidate.ts";
import { pause } from "../clients/clock.ts";

const PER_SECOND = 10;
const MOST_MS = 100;
/** What a thousand joins leave to be told is told by then. */
const SETTLE_MS = 12_000;

/** (j) A channel as people use it: a thousand members, ten messages a second. */
export async function paced({ isQuick, log }: Wanted): Promise<Report> {
  const [members, seconds] = isQuick ? [100, 3] : [1000, 20];
  const names: Name[] = ["rollcall", "floor"];
  await using stage = new Stage();
  const lasts: Record<string, number[]> = {};
  for (const served of await stage.startAll(names)) {
    const { name } = served.candidate;
    await connect(served, await served.candidate.targets(members));
    log(`${name}: connected`);
    if (name === "rollcall") await pause(SETTLE_MS);
    await publishEach(served, members, { times: 3 });
    const ways = await publishEach(served, members, {
      times: seconds * PER_SECOND,
      everyMs: 1000 / PER_SECOND,
      isPaced: true,
    });
    lasts[name] = ways.map(({ lastMs }) => lastMs);
  }
  const p99 = quantile(lasts.rollcall ?? [], 0.99);
  return {
    title: `${readable(members)} members, ${PER_SECOND} publishes a second for ${seconds} s: publish to last receive`,
    columns: ["", "p50, ms", "p99, ms", "slowest, ms"],
    rows: names.map((name) => {
      const all = lasts[name] ?? [];
      return [name, readable(quantile(all, 0.5)), readable(quantile(all, 0.99)), readable(quantile(all, 1))];
    }),
    notes: [
      `Members were there for ${SETTLE_MS / 1000} s before the first publish. Clients ping every 25 s, and the sweep of every minute runs, as in production.`,
    ],
    bars: [
      atMost(
        `publish to last receive in a ${readable(members)}-member channel: p99 under ${MOST_MS} ms`,
        p99,
        MOST_MS,
        `${readable(p99)} ms`,
      ),
    ],
    figures: lasts,
  };
}
