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
const AT_ONCE = 20;
const STAR = "star";
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

async function measured(what: string, act: () => Promise<unknown>, isDone: () => boolean): Promise<void> {
  const meter = await Meter.on(env.USER.getByName(STAR));
  const count = counted();
  const start = Date.now();
  await act();
  let slowestRead = 0;
  while (!isDone()) {
    const asked = Date.now();
    await read(`/v1/users/${STAR}/presence`);
    slowestRead = Math.max(slowestRead, Date.now() - asked);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const ms = Date.now() - start;
  await until(async () => (await rows(STAR, "SELECT * FROM notice_job")).length === 0, 60_000);
  meter.off();
  vi.restoreAllMocks();
  const readRows = WATCHERS; // each row of a watcher is read once a pass
  const dollars =
    (count.calls * PER_MILLION.request +
      meter.billed * PER_MILLION.rowWritten +
      readRows * PER_MILLION.rowRead) /
    1e6;
  const line = `calls ${count.calls}, ${ms} ms, rows written ${meter.billed}, slowest read ${slowestRead} ms, $${dollars.toFixed(6)}`;
  console.log(`| ${what} | ${line}`);
}

test(`${WATCHERS} watchers of one user`, async () => {
  const clients: WorkerClient[] = [];
  const start = Date.now();
  for (let from = 0; from < WATCHERS; from += AT_ONCE) {
    const names = Array.from({ length: AT_ONCE }, (_, i) => `watcher-${from + i}`);
    const opened = await Promise.all(names.map((name) => WorkerClient.connect(name)));
    await Promise.all(opened.map((client) => watch(client, [STAR])));
    clients.push(...opened);
  }
  console.log(`${WATCHERS} connected and watching after ${Date.now() - start} ms`);
  const heard = (n: number) => () => clients.every((client) => seen(client, STAR).length >= n);
  await measured("comes online", () => WorkerClient.connect(STAR), heard(1));
  await measured("turns busy", () => say(STAR, { status: "busy" }), heard(2));
  await measured(
    "hides from a thousand",
    () => say(STAR, { visibility: { except: clients.slice(0, 1000).map((_, i) => `watcher-${i}`) } }),
    () => clients.slice(0, 1000).every((client) => seen(client, STAR).length >= 3),
  );
});
