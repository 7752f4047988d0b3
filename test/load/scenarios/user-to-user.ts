import { atMost, type Report, type Wanted } from "../bench/report.ts";
import { connect, Stage } from "../bench/stage.ts";
import { quantile, readable } from "../bench/stats.ts";
import { connections } from "../candidates/rollcall.ts";

const PER_SECOND = 50;
const MOST_MS = 500;

/** (k) Direct messages between users' own connections. */
export async function userToUser({ isQuick, log }: Wanted): Promise<Report> {
  const [users, seconds] = isQuick ? [20, 2] : [500, 20];
  await using stage = new Stage();
  const served = await stage.start("rollcall");
  const opened = await connect(served, await connections("/v1/connect", users, users), { atOnce: 20 });
  log(`${users} users connected after ${readable(opened.ms)} ms`);
  // Clients stand in the order in which they were let in: whoever sends and whoever is sent to, all have a turn.
  const frames = Array.from({ length: seconds * PER_SECOND }, (_, i) => ({
    from: i % users,
    number: i + 1,
    text: JSON.stringify({ type: "send", user: `u${(i * 7 + 3) % users}`, data: { offset: i + 1 } }),
  }));
  const ways = await served.crowd.do("whisper", { frames, everyMs: 1000 / PER_SECOND });
  const lost = ways.filter((ms) => !Number.isFinite(ms)).length;
  if (lost > 0) throw new Error(`${lost} of ${ways.length} direct messages did not arrive`);
  const p99 = quantile(ways, 0.99);
  return {
    title: `User to user: ${readable(users)} users, ${PER_SECOND} direct messages a second`,
    columns: ["", "p50, ms", "p99, ms", "slowest, ms"],
    rows: [["rollcall", readable(quantile(ways, 0.5)), readable(p99), readable(quantile(ways, 1))]],
    notes: [
      "From the frame `send` on one connection to `direct` on the other's: two objects, one stored row. Objects that sleep are woken, as most are in life.",
    ],
    bars: [atMost(`user to user: p99 under ${MOST_MS} ms`, p99, MOST_MS, `${readable(p99)} ms`)],
    figures: ways,
  };
}
