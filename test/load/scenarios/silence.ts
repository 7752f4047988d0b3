import { atMost, type Report, type Wanted } from "../bench/report.ts";
import { summaryOf } from "../bench/service.ts";
import { connect, Stage } from "../bench/stage.ts";
import { readable } from "../bench/stats.ts";
import { now } from "../clients/clock.ts";

const TTL_SECONDS = 20;
const PING_EVERY_MS = 5000;
/** For the last count, which waits behind whatever the ends have left to do. */
const PATIENCE_MS = 60_000;

/** (l) Thousands that fall silent at once, as a building does whose power is cut. */
export async function silence({ isQuick, log }: Wanted): Promise<Report> {
  const sessions = isQuick ? 200 : 5000;
  const vars = {
    SESSION_TTL_SECONDS: String(TTL_SECONDS),
    HEARTBEAT_INTERVAL_SECONDS: String(PING_EVERY_MS / 1000),
  };
  await using stage = new Stage();
  const served = await stage.start("rollcall", { vars });
  const { candidate, crowd } = served;
  await connect(served, await candidate.targets(sessions), {
    marker: '"type":"closing"',
    pingEveryMs: PING_EVERY_MS,
  });
  const before = await summaryOf(candidate.port, "room", (summary) => summary.sessions === sessions, 10_000);
  if (before.sessions !== sessions)
    throw new Error(`${before.sessions} of ${sessions} sessions are there to fall silent`);
  await crowd.do("reset");
  await crowd.do("fallSilent");
  const silentSince = now();
  log(`${sessions} fell silent`);
  const counted = await crowd.do("counted", { each: 1, timeoutMs: 2.5 * TTL_SECONDS * 1000 });
  const told = counted.total === sessions ? (counted.lastAt - silentSince) / 1000 : Infinity;
  const left = await summaryOf(candidate.port, "room", (summary) => summary.sessions === 0, PATIENCE_MS);
  const gone = left.sessions === 0 ? (now() - silentSince) / 1000 : Infinity;
  const seconds = Math.max(told, gone);
  return {
    title: `${readable(sessions)} sessions that fall silent at once`,
    columns: [
      "",
      "TTL, s",
      "the last one was told after, s",
      "a read counts none after, s",
      "told of it",
      "sessions left",
    ],
    rows: [
      [
        "rollcall",
        String(TTL_SECONDS),
        readable(told),
        readable(gone),
        readable(counted.total),
        readable(left.sessions),
      ],
    ],
    notes: [
      "The sockets stay open and say nothing. Each has to be told with `closing`, and the channel has to count none.",
    ],
    bars: [
      atMost(
        `${readable(sessions)} silent sessions all end within twice the TTL`,
        seconds,
        2 * TTL_SECONDS,
        `${readable(seconds)} s of ${2 * TTL_SECONDS}`,
      ),
    ],
    figures: { told, gone, counted, left },
  };
}
