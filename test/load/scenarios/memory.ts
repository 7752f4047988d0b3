import { heapOf } from "../bench/inspector.ts";
import { rssOf } from "../bench/machine.ts";
import { atMost, type Report, type Wanted } from "../bench/report.ts";
import { connect, publishEach, type Served, Stage } from "../bench/stage.ts";
import { readable } from "../bench/stats.ts";
import { pause } from "../clients/clock.ts";

const MOST_BYTES = 1024;
/** What the code itself takes is there by then: it has run, and the hot part of it was compiled. */
const BASE = 50;
/** Objects that are idle for ten seconds are put to sleep: users' objects have nothing to do any more by then. */
const ASLEEP_MS = 13_000;
/** One object, not relays. Silent clients are no matter here, and no alarm falls between two measurements. */
const VARS = { SESSION_TTL_SECONDS: "3600", HEARTBEAT_INTERVAL_SECONDS: "1800", RELAY_CAPACITY: "32768" };

interface Held {
  /** Bytes of heap while the object of the room is awake. */
  heap: number;
  rss: number;
}

/** (e) What one connection costs in memory. */
export async function memory({ isQuick, log }: Wanted): Promise<Report> {
  const sizes = isQuick ? [100, 300] : [1000, 5000];
  const held: Record<string, Held[]> = {};
  await using stage = new Stage();
  const all = await stage.startAll(["rollcall", "floor"], { vars: VARS, hasInspector: true });
  await Promise.all(all.map((served) => comeAndGo(served, sizes[0] ?? 0)));
  let before = 0;
  for (const size of [BASE, ...sizes]) {
    log(`${size} sockets`);
    const added = all.map(async (served) => {
      const targets = await served.candidate.targets(size);
      await connect(served, targets.slice(before));
    });
    await Promise.all(added);
    await pause(ASLEEP_MS);
    for (const served of all) {
      const { name } = served.candidate;
      held[name] = [...(held[name] ?? []), await measure(served, size)];
    }
    before = size;
  }
  const each = (name: string, key: keyof Held, i: number) => {
    const [base, ...later] = held[name] ?? [];
    return ((later[i]?.[key] ?? Number.NaN) - (base?.[key] ?? Number.NaN)) / ((sizes[i] ?? 0) - BASE);
  };
  const own = sizes.map((_, i) => each("rollcall", "heap", i) - each("floor", "heap", i));
  return {
    title: "Memory per connection, bytes",
    columns: ["sockets", "heap, ours", "heap, floor", "heap, ours minus floor", "RSS, ours", "RSS, floor"],
    rows: sizes.map((size, i) => [
      readable(size),
      readable(each("rollcall", "heap", i)),
      readable(each("floor", "heap", i)),
      readable(own[i] ?? Number.NaN),
      readable(each("rollcall", "rss", i)),
      readable(each("floor", "rss", i)),
    ]),
    notes: [
      `Heap after garbage collection, as the runtime's debugger tells it, minus the same with ${BASE} connections; the room's object is awake, the users' objects sleep. Up to a thousand connections each is of another user.`,
      "RSS is of the whole process, files that SQLite has open and buffers included, and never shrinks: an upper bound.",
    ],
    bars: sizes.map((size, i) => {
      const bytes = own[i] ?? Number.NaN;
      return atMost(
        `own heap per connection under 1 KB with ${readable(size)} sockets`,
        bytes,
        MOST_BYTES,
        `${readable(bytes)} bytes`,
      );
    }),
    figures: held,
  };
}

/** Code is compiled when it runs often: as often as it will, before anything is measured. */
async function comeAndGo(served: Served, clients: number): Promise<void> {
  await connect(served, await served.candidate.targets(clients));
  await publishEach(served, clients, { times: 2 });
  await served.crowd.do("close");
  let before: number;
  let heap = Number.POSITIVE_INFINITY;
  do {
    await pause(ASLEEP_MS);
    before = heap;
    heap = await heapNow(served);
  } while (heap < 0.98 * before); // the objects of users who have left go one by one
}

/** Wakes the room by a publish that all hear, and looks while it is awake. */
async function measure(served: Served, sockets: number): Promise<Held> {
  await publishEach(served, sockets, { times: 2 });
  return { heap: await heapNow(served), rss: rssOf(served.candidate.pid) };
}

function heapNow({ candidate: { inspectorPort, port } }: Served): Promise<number> {
  if (inspectorPort === undefined) throw new Error("no debugger");
  return heapOf(inspectorPort, port);
}
