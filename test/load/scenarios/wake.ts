import type { Report, Wanted } from "../bench/report.ts";
import { connect, publishEach, Stage } from "../bench/stage.ts";
import { median, readable, spread } from "../bench/stats.ts";
import type { Name } from "../candidates/candidate.ts";
import { pause } from "../clients/clock.ts";
import type { Way } from "../clients/crowd-commands.ts";

/** Those of the same runtime: a process of Node does not sleep. */
const SLEEPERS: Name[] = ["rollcall", "floor", "partyserver"];
/** The runtime puts an object to sleep after ten seconds. */
const IDLE_MS = 12_500;
/** One object, not relays; no sweep of ours may wake the room between two rounds. */
const VARS = { SESSION_TTL_SECONDS: "3600", HEARTBEAT_INTERVAL_SECONDS: "1800", RELAY_CAPACITY: "32768" };

/** (f) From a publish to an object that sleeps until its sockets have it. */
export async function wake({ isQuick, log }: Wanted): Promise<Report> {
  const [sockets, rounds] = isQuick ? [200, 1] : [5000, 5];
  await using stage = new Stage();
  const all = await stage.startAll(SLEEPERS, { vars: VARS });
  for (const served of all) await connect(served, await served.candidate.targets(sockets));
  const ways = new Map(SLEEPERS.map((name) => [name, [] as Way[]]));
  const awake = new Map(SLEEPERS.map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round++) {
    log(`round ${round + 1} of ${rounds}: waiting until they sleep`);
    await pause(IDLE_MS);
    for (const served of all) {
      const { name } = served.candidate;
      const [way] = await publishEach(served, sockets, { times: 1 });
      if (way !== undefined) ways.get(name)?.push(way);
      const again = await publishEach(served, sockets, { times: 3 });
      awake.get(name)?.push(median(again.map(({ lastMs }) => lastMs)));
    }
  }
  const of = (name: Name, key: "firstMs" | "lastMs") => (ways.get(name) ?? []).map((way) => way[key]);
  const times = (name: Name, key: "firstMs" | "lastMs") => median(of(name, key)) / median(of("floor", key));
  const wakings = new Set((ways.get("floor") ?? []).map(({ answer }) => /"wokenAt":(\d+)/.exec(answer)?.[1]));
  return {
    title: `Waking with ${readable(sockets)} sockets after ${IDLE_MS / 1000} s of silence`,
    columns: [
      "",
      "first receive, ms",
      "last receive, ms",
      "times the floor: first, last",
      "the same awake: last receive, ms",
    ],
    rows: SLEEPERS.map((name) => [
      name,
      spread(of(name, "firstMs")),
      spread(of(name, "lastMs")),
      `${readable(times(name, "firstMs"))}, ${readable(times(name, "lastMs"))}`,
      spread(awake.get(name) ?? []),
    ]),
    notes: [
      `The floor's object told that it was made anew in ${wakings.size} of ${rounds} rounds; the others slept by the same rule of the same runtime.`,
      "Isolate and process stay: on the platform a waking may also load code, on another machine.",
    ],
    bars: [
      {
        what: "objects slept before each round of (f)",
        measured: `${wakings.size} of ${rounds}`,
        holds: wakings.size === rounds,
      },
    ],
    figures: { asleep: Object.fromEntries(ways), awake: Object.fromEntries(awake) },
  };
}
