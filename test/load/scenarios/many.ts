import { rssOf } from "../bench/machine.ts";
import type { Bar, Report, Wanted } from "../bench/report.ts";
import { type Summary, summaryOf } from "../bench/service.ts";
import { connect, LETTER, publishEach, Stage } from "../bench/stage.ts";
import { median, readable, spread } from "../bench/stats.ts";
import { type LoadedService, type Spread, startLoaded } from "../candidates/loaded.ts";
import { connections, publishingTo } from "../candidates/rollcall.ts";
import { now, pause, within } from "../clients/clock.ts";
import { HttpLane } from "../clients/http-lane.ts";

/** Clients inside the runtime say nothing, and to open them takes minutes. */
const VARS = { SESSION_TTL_SECONDS: "3600", HEARTBEAT_INTERVAL_SECONDS: "1800", MAX_SESSIONS_PER_USER: "20" };
const PUBLISHES = 5;
const REACHED_MS = 60_000;

interface Crowded {
  sessions: number;
  connectSeconds: number;
  relays: number;
  /** Milliseconds from a publish until the last session had it. */
  lasts: number[];
  rssPerSession: number;
  bars: Bar[];
}

/** (h) As many connections as the machine, one object, and relays hold. */
export async function many({ isQuick, log }: Wanted): Promise<Report> {
  const real = await overSockets(isQuick ? 300 : 9000);
  log("real sockets done");
  await using stage = new Stage();
  // To open them takes minutes and a core each, so both open at once; they are measured one after the other.
  const opening = await Promise.allSettled([
    open(
      stage,
      { channel: "one", users: isQuick ? 20 : 1600, sessionsEach: 20, loaders: isQuick ? 1 : 2 },
      { ...VARS, RELAY_CAPACITY: "32768" },
    ),
    open(
      stage,
      { channel: "relayed", users: isQuick ? 50 : 5000, sessionsEach: 20, loaders: isQuick ? 2 : 50 },
      { ...VARS, RELAY_CAPACITY: isQuick ? "200" : "2000" },
    ),
  ]);
  log("all sessions open");
  const measured: (Crowded | undefined)[] = [];
  const failed: Bar[] = [];
  for (const opened of opening) {
    if (opened.status === "fulfilled") measured.push(await inside(opened.value));
    else {
      measured.push(undefined);
      failed.push({ what: "(h) opens all sessions inside", measured: String(opened.reason), holds: false });
    }
  }
  const [one, relayed] = measured;
  const row = (what: string, crowded: Crowded | undefined) => {
    if (crowded === undefined) return [what, "not all", "", "", "", ""];
    return [
      what,
      readable(crowded.sessions),
      readable(crowded.sessions / crowded.connectSeconds),
      String(crowded.relays),
      spread(crowded.lasts),
      readable(crowded.rssPerSession / 1000),
    ];
  };
  return {
    title: "Many connections to one channel",
    columns: [
      "",
      "sessions",
      "connects a second",
      "relays",
      "publish to last receive, ms",
      "RSS a session, KB",
    ],
    rows: [
      row("real sockets, one object", real),
      row("inside the runtime, one object", one),
      row("inside the runtime, over relays", relayed),
    ],
    notes: [
      "Real sockets end at 9,000: a process here may open 20,000 descriptors, and workerd takes two for each connection.",
      "Inside the runtime sockets have no network; server and clients share one thread and one process, whose memory is counted whole. The last receive is therefore that of the whole work on one core.",
      "Both crowds inside open at the same time, one core each, with storage in memory: the rate is that of a core.",
      "Every session has to hear each publish once and in order.",
    ],
    bars: [...real.bars, ...(one?.bars ?? []), ...(relayed?.bars ?? []), ...failed],
    figures: { real, one, relayed },
  };
}

async function overSockets(sessions: number): Promise<Crowded> {
  await using stage = new Stage();
  const served = await stage.start("rollcall", { vars: { ...VARS, RELAY_CAPACITY: "32768" } });
  const { candidate } = served;
  const rss = rssOf(candidate.pid);
  const targets = await connections("/v1/channels/room/connect", sessions, Math.ceil(sessions / 20));
  const opened = await connect(served, targets);
  const ways = await publishEach(served, sessions, { times: PUBLISHES, everyMs: 200 });
  const summary = await settled(candidate.port, "room", sessions);
  return {
    sessions,
    connectSeconds: opened.ms / 1000,
    relays: summary.relays ?? 0,
    lasts: ways.map(({ lastMs }) => lastMs),
    rssPerSession: (rssOf(candidate.pid) - rss) / sessions,
    bars: [exact(`${readable(sessions)} real sockets`, summary, sessions, Math.ceil(sessions / 20))],
  };
}

/** Sessions that are open inside the runtime, and how long that took. */
interface Opened {
  service: LoadedService;
  spread: Spread;
  rss: number;
  connectSeconds: number;
}

async function open(stage: Stage, spread: Spread, vars: Record<string, string>): Promise<Opened> {
  const { channel, users, sessionsEach } = spread;
  const sessions = users * sessionsEach;
  const service = await stage.running(startLoaded(vars));
  const rss = rssOf(service.pid);
  const startedAt = now();
  const opened = await service.open(spread);
  if (opened.open !== sessions) {
    throw new Error(`${channel}: ${opened.open} of ${sessions} sessions are open: ${opened.failed[0]}`);
  }
  return { service, spread, rss, connectSeconds: (now() - startedAt) / 1000 };
}

async function inside({ service, spread, rss, connectSeconds }: Opened): Promise<Crowded> {
  const { channel, users, sessionsEach } = spread;
  const sessions = users * sessionsEach;
  await settled(service.port, channel, sessions); // what joining still tells the members is over
  await service.reset();
  const lasts: number[] = [];
  for (let i = 1; i <= PUBLISHES; i++) lasts.push(await publishInside(service, channel, i));
  const { least, most, disorder, returned, open: still } = await service.heard();
  const summary = await settled(service.port, channel, sessions);
  const what = `${readable(sessions)} sessions inside, ${channel === "one" ? "one object" : "over relays"}`;
  const isOnce = least === PUBLISHES && most === PUBLISHES && disorder === 0 && still === sessions;
  return {
    sessions,
    connectSeconds,
    relays: summary.relays ?? 0,
    lasts: isOnce ? lasts : [Infinity],
    rssPerSession: (rssOf(service.pid) - rss) / sessions,
    bars: [
      {
        what: `${what}: each publish reaches all, once, in order`,
        measured: `${least}-${most} of ${PUBLISHES} heard, ${disorder} out of order, ${returned} came back, median ${readable(median(lasts))} ms`,
        holds: isOnce,
      },
      exact(what, summary, sessions, users),
      ...(channel === "one" ? [] : [carried(what, summary.relays ?? 0)]),
    ],
  };
}

/** The milliseconds until the last session had the publish with this number. */
async function publishInside(service: LoadedService, channel: string, number: number): Promise<number> {
  const lane = new HttpLane(service.port);
  const sentAt = Date.now();
  const answered = await within(REACHED_MS, "a publish", lane.ask(publishingTo(channel, LETTER)));
  lane.end();
  if (answered.status !== 201) throw new Error(`${channel}: a publish was answered with ${answered.status}`);
  const deadline = now() + REACHED_MS;
  let heard = await service.heard();
  for (; heard.least < number && now() < deadline; heard = await service.heard()) await pause(100);
  return heard.lastAt - sentAt;
}

const settled = (port: number, channel: string, sessions: number): Promise<Summary> =>
  summaryOf(port, channel, (summary) => summary.sessions === sessions, 30_000);

function exact(what: string, { sessions, members }: Summary, expected: number, users: number): Bar {
  return {
    what: `${what}: counts are exact at rest`,
    measured: `${readable(sessions)} sessions, ${readable(members)} members`,
    holds: sessions === expected && members === users,
  };
}

/** A service without relays would pass all else as long as one object holds them. */
const carried = (what: string, relays: number): Bar => ({
  what: `${what}: relays carry them`,
  measured: `${relays} relays`,
  holds: relays > 0,
});
