import { atLeast, type Report, type Wanted } from "../bench/report.ts";
import { connect, type Served, Stage } from "../bench/stage.ts";
import { median, quantile, readable, spread } from "../bench/stats.ts";
import { NAMES } from "../candidates/candidate.ts";
import { pause } from "../clients/clock.ts";

/** (a) How fast clients get in, fifty at a time, and how long a thousand take that come at once. */
export async function connectRate({ isQuick, log }: Wanted): Promise<Report> {
  const [clients, rounds] = isQuick ? [200, 2] : [1000, 5];
  await using stage = new Stage();
  const all = await stage.startAll(NAMES);
  const first = new Map<string, number>();
  for (const served of all) {
    const { ms } = await letIn(served, clients, 50);
    first.set(served.candidate.name, (clients / ms) * 1000);
  }
  log("all were there once");
  const rates = new Map(all.map(({ candidate }) => [candidate.name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    for (const served of all) {
      const { ms } = await letIn(served, clients, 50);
      rates.get(served.candidate.name)?.push((clients / ms) * 1000);
    }
    log(`round ${round + 1} of ${rounds}`);
  }
  const storms = new Map<string, { ms: number; each: number[] }[]>();
  for (let round = 0; round < Math.min(3, rounds); round++) {
    for (const served of all.filter(({ candidate }) => ["rollcall", "floor"].includes(candidate.name))) {
      const { name } = served.candidate;
      storms.set(name, [...(storms.get(name) ?? []), await letIn(served, clients, clients)]);
    }
  }
  const stormMs = (name: string) => (storms.get(name) ?? []).map(({ ms }) => ms);
  const ratio = median(stormMs("rollcall")) / median(stormMs("floor"));
  const slowest = (storms.get("rollcall") ?? []).map(({ each }) => quantile(each, 0.99));
  const welcomed = (storms.get("rollcall") ?? []).map(({ each }) => each.length);
  return {
    title: `Connect rate: ${readable(clients)} clients`,
    columns: [
      "",
      "connects a second, 50 at a time",
      "users never seen before",
      "all at once, ms until the last is in",
    ],
    rows: all.map(({ candidate: { name } }) => [
      name,
      spread(rates.get(name) ?? []),
      readable(first.get(name) ?? Number.NaN),
      storms.has(name) ? spread(stormMs(name)) : "",
    ]),
    notes: [
      `All at once, ours takes ${readable(ratio)} times the floor's; p99 of one client's welcome ${spread(slowest)} ms.`,
      "Of a user never seen before ours makes the object and its database, once for ever; that column is one round.",
      "Ours checks a token, asks the user's own object, writes the session and the roster, and tells the members; the others let in whoever comes.",
    ],
    bars: [
      atLeast(
        `${readable(clients)} clients that connect at once are all welcomed`,
        Math.min(...welcomed),
        clients,
        `${welcomed.join(", ")} welcomed, in ${readable(ratio)} times the floor's time`,
      ),
    ],
    figures: {
      first: Object.fromEntries(first),
      rates: Object.fromEntries(rates),
      storms: Object.fromEntries(storms),
      ratio,
    },
  };
}

async function letIn(served: Served, count: number, atOnce: number) {
  const targets = await served.candidate.targets(count);
  const opened = await connect(served, targets, { atOnce });
  await served.crowd.do("close");
  await pause(500);
  return opened;
}
