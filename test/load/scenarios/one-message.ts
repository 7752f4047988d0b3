import { atMost, type Report, type Wanted } from "../bench/report.ts";
import { connect, publishEach, type Served, Stage } from "../bench/stage.ts";
import { median, quantile, readable, spread } from "../bench/stats.ts";
import { NAMES } from "../candidates/candidate.ts";

interface Size {
  sockets: number;
  /** Publishes in a round. */
  times: number;
  rounds: number;
}

/** (b) One message to N sockets, from when it is sent to when the last has it. */
export async function oneMessage({ isQuick, log }: Wanted): Promise<Report> {
  const sizes = isQuick
    ? [{ sockets: 100, times: 10, rounds: 2 }]
    : [
        { sockets: 100, times: 40, rounds: 5 },
        { sockets: 1000, times: 40, rounds: 10 }, // the bar is near, and a machine's moods are larger
        { sockets: 5000, times: 12, rounds: 5 },
      ];
  const rows: string[][] = [];
  const figures: Record<number, Record<string, number[][]>> = {};
  for (const size of sizes) {
    log(`${size.sockets} sockets`);
    const measured = await toAll(size);
    figures[size.sockets] = measured;
    for (const [name, lasts] of Object.entries(measured)) {
      rows.push([
        readable(size.sockets),
        name,
        spread(lasts.map(median)),
        readable(quantile(lasts.flat(), 0.99)),
      ]);
    }
  }
  const size = isQuick ? 100 : 1000;
  const compared = figures[size] ?? {};
  const p50 = (name: string) => median((compared[name] ?? []).map(median));
  const ratio = p50("rollcall") / p50("floor");
  return {
    title: "One message to N sockets: publish to last receive",
    columns: ["sockets", "", "p50, ms", "p99, ms"],
    rows,
    notes: [
      "p50 is the median of the rounds' medians, with the lowest and highest of them; p99 is over all publishes.",
      "Ours stores the message before anybody hears it and answers with its offset; the others keep nothing.",
    ],
    bars: [
      atMost(
        `one message to ${readable(size)} sockets: p50 at most 1.1 times the floor's`,
        ratio,
        1.1,
        `${readable(ratio)} times`,
      ),
    ],
    figures,
  };
}

/** By name, round by round, the milliseconds until the last had it. */
async function toAll({ sockets, times, rounds }: Size): Promise<Record<string, number[][]>> {
  await using stage = new Stage();
  const all: Served[] = await stage.startAll(NAMES);
  for (const served of all) await connect(served, await served.candidate.targets(sockets));
  const lasts: Record<string, number[][]> = Object.fromEntries(
    all.map(({ candidate }) => [candidate.name, []]),
  );
  for (let round = 0; round < rounds; round++) {
    const inTurn = round % 2 === 0 ? all : all.toReversed(); // nobody always comes after the same one
    for (const served of inTurn) {
      await publishEach(served, sockets, { times: 3 }); // it may have slept while the others were measured
      const ways = await publishEach(served, sockets, { times });
      lasts[served.candidate.name]?.push(ways.map(({ lastMs }) => lastMs));
    }
  }
  return lasts;
}
