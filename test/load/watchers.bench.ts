import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { test, vi } from "vitest";
import { UserObject } from "../../src/user/user-object.ts";
import { read, until, WorkerClient } from "../workers/client.ts";
import { Meter } from "../workers/meter.ts";
import { rows, say, seen, watch } from "../workers/watch.ts";

/*
 * One user, watched by many, each with an open connection in an object of its own. It could lie in three ways:
 * everything is in one process, so calls have no distance; the clients share its processor; and what the
 * platform charges for time is not counted, only requests and rows, by its price list of November 2026.
 */
const WATCHERS = 5000;
/** So few that none falls asleep by itself between two changes. */
const FEW = 300;
const AT_ONCE = 20;
const PER_MILLION = { request: 0.15, rowWritten: 1, rowRead: 0.001 };

function counted(): { calls: number } {
  const count = { calls: 0 };
  const original = UserObject.prototype.notice;
  vi.spyOn(UserObject.prototype, "notice").mockImplementation(function (this: UserObject, notice) {
    count.calls += 1;
    return original.call(this, notice);
  });
  return count;
}

async function measured(
  { star, watchers }: { star: string; watchers: number },
  what: string,
  act: () => Promise<unknown>,
  isDone: () => boolean,
): Promise<void> {
  const meter = await Meter.on(env.USER.getByName(star));
  const count = counted();
  const start = Date.now();
  await act();
  let slowestRead = 0;
  while (!isDone()) {
    const asked = Date.now();
    await read(`/v1/users/${star}/presence`);
    slowestRead = Math.max(slowestRead, Date.now() - asked);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const ms = Date.now() - start;
  await until(async () => (await rows(star, "SELECT * FROM notice_job")).length === 0, 60_000);
  meter.off();
  vi.restoreAllMocks();
  const readRows = watchers; // each row of a watcher is read once a pass
  const dollars =
    (count.calls * PER_MILLION.request +
      meter.billed * PER_MILLION.rowWritten +
      readRows * PER_MILLION.rowRead) /
    1e6;
  const line = `calls ${count.calls}, ${ms} ms, rows written ${meter.billed}, slowest read ${slowestRead} ms, $${dollars.toFixed(6)}`;
  console.log(`| ${what} | ${line}`);
}

/** So many who watch the star, each on a connection of its own. */
async function watching(name: string, star: string, count: number): Promise<WorkerClient[]> {
  const clients: WorkerClient[] = [];
  for (let from = 0; from < count; from += AT_ONCE) {
    const names = Array.from({ length: AT_ONCE }, (_, i) => `${name}-${from + i}`);
    const opened = await Promise.all(names.map((watcher) => WorkerClient.connect(watcher)));
    await Promise.all(opened.map((client) => watch(client, [star])));
    clients.push(...opened);
  }
  return clients;
}

test(`${FEW} watchers of one user, asleep and awake`, async () => {
  const few = { star: "few", watchers: FEW };
  const clients = await watching("few", few.star, FEW);
  await WorkerClient.connect(few.star);
  const heard = (n: number) => () => clients.every((client) => seen(client, few.star).length >= n);
  await until(heard(1), 60_000);
  for (let i = 0; i < FEW; i++)
    await evictDurableObject(env.USER.getByName(`few-${i}`), { webSockets: "hibernate" });
  await measured(few, "turns busy, all asleep", () => say(few.star, { status: "busy" }), heard(2));
  await measured(few, "turns away, all awake", () => say(few.star, { status: "away" }), heard(3));
  await measured(few, "turns busy, all awake", () => say(few.star, { status: "busy" }), heard(4));
});

test(`${WATCHERS} watchers of one user`, async () => {
  const many = { star: "star", watchers: WATCHERS };
  const start = Date.now();
  const clients = await watching("watcher", many.star, WATCHERS);
  console.log(`${WATCHERS} connected and watching after ${Date.now() - start} ms`);
  const heard = (n: number) => () => clients.every((client) => seen(client, many.star).length >= n);
  await measured(many, "comes online", () => WorkerClient.connect(many.star), heard(1));
  await measured(many, "turns busy", () => say(many.star, { status: "busy" }), heard(2));
  await measured(
    many,
    "hides from a thousand",
    () => say(many.star, { visibility: { except: clients.slice(0, 1000).map((_, i) => `watcher-${i}`) } }),
    () => clients.slice(0, 1000).every((client) => seen(client, many.star).length >= 3),
  );
});
