import type { Report, Wanted } from "../bench/report.ts";
import { connect, publishEach, type Served, Stage } from "../bench/stage.ts";
import { median, quantile, readable, spread } from "../bench/stats.ts";
import { connections } from "../candidates/rollcall.ts";

const SUBSCRIBE = JSON.stringify({ type: "subscribe", channel: "room" });

/** (g) A channel forwards to users who are subscribed on connections of their own. */
export async function userFanOut({ isQuick, log }: Wanted): Promise<Report> {
  const [users, rounds, times] = isQuick ? [50, 1, 5] : [1000, 5, 10];
  await using stage = new Stage();
  const { candidate, crowd } = await stage.start("rollcall");
  const manners = { ...candidate.manners, readyOn: '"type":"subscribed"', hello: [SUBSCRIBE] };
  const served: Served = { crowd, candidate: { ...candidate, manners } };
  const opened = await connect(served, await connections("/v1/connect", users, users));
  log(`${users} users subscribed after ${readable(opened.ms)} ms`);
  const lasts: number[][] = [];
  const firsts: number[][] = [];
  for (let round = 0; round < rounds; round++) {
    await publishEach(served, users, { times: 1 }); // wakes the objects that slept
    const ways = await publishEach(served, users, { times });
    lasts.push(ways.map(({ lastMs }) => lastMs));
    firsts.push(ways.map(({ firstMs }) => firstMs));
  }
  return {
    title: `A message to ${readable(users)} users on connections of their own`,
    columns: ["", "first receive p50, ms", "last receive p50, ms", "last receive p99, ms"],
    rows: [
      [
        "rollcall",
        spread(firsts.map(median)),
        spread(lasts.map(median)),
        readable(quantile(lasts.flat(), 0.99)),
      ],
    ],
    notes: [
      "Each user is an object of its own, and each message a call to it: what a channel connection saves. All run here in one process on one core; on the platform they run on many machines, a network away.",
    ],
    bars: [],
    figures: { lasts, firsts },
  };
}
