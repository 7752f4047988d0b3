import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import { createApp } from "../../src/http/app.ts";
import { userShard } from "../../src/objects/shards.ts";
import { objectsOf } from "../../src/objects/stubs.ts";
import type { Cleaned } from "../../src/protocol/maintenance.ts";
import worker from "../../src/worker.ts";
import { KEY, publish, read, request, until, WorkerClient } from "./client.ts";
import { loseAlarm, plant } from "./sweeping.ts";
import { call } from "./watch.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** Longer than the grace of these tests, and than a call. */
const aWhile = () => new Promise((resolve) => setTimeout(resolve, 800));

const isListed = async (user: string) =>
  (await objectsOf(env).directory(userShard(user, 4)).unknown([user])).length === 0;

/** The cron trigger, at this minute of an hour. */
const cron = (minute: number) =>
  worker.scheduled(
    createScheduledController({
      scheduledTime: new Date(Date.UTC(2026, 10, 21, 9, minute)),
      cron: "*/10 * * * *",
    }),
    env,
  );

async function cleanup(query = ""): Promise<Cleaned> {
  const response = await request(`/v1/maintenance/cleanup${query}`, { method: "POST", headers: KEY });
  expect(response.status).toBe(200);
  return (await response.json()) as Cleaned;
}

const NOTHING = {
  sessions: 0,
  watches: 0,
  subscriptions: 0,
  messages: 0,
  presences: 0,
  unanswered: 0,
  more: false,
};

test("[SW2] a user whose object lost its alarm with its sockets is found by the cron trigger, and by nobody else", async () => {
  const client = await WorkerClient.connect("sw2-user");
  await until(() => isListed("sw2-user"));
  await loseAlarm(env.USER.getByName("sw2-user"), "close");
  await until(() => client.closeCode !== undefined);
  await aWhile();
  expect(await isListed("sw2-user")).toBe(true); // nothing would ever wake it
  await cron(10);
  await until(async () => !(await isListed("sw2-user")));
});

test("[SW2] a channel whose object lost its alarm with its sockets is found likewise", async () => {
  const client = await WorkerClient.connect("sw2-member", { channel: "sw2-room" });
  const occupied = async () => {
    const { channels } = await read("/v1/channels?prefix=sw2-room");
    return (channels as unknown[]).length;
  };
  await until(async () => (await occupied()) === 1);
  await loseAlarm(env.CHANNEL.getByName("sw2-room"), "close");
  await until(() => client.closeCode !== undefined);
  await aWhile();
  expect(await occupied()).toBe(1);
  await cron(50);
  await until(async () => (await occupied()) === 0);
});

test("[SW2] each part is swept at its minute, a hundred users and channels of a shard at most", async () => {
  const swept = vi.spyOn(DirectoryObject.prototype, "sweep");
  const parts = () => [...new Set(swept.mock.calls.flatMap(([{ parts }]) => parts))].sort();
  await cron(7);
  expect(parts()).toEqual([]);
  await cron(15);
  expect(parts()).toEqual(["sessions"]);
  await cron(30);
  expect(parts()).toEqual(["presences", "sessions", "subscriptions", "watches"]);
  expect(Math.max(...swept.mock.calls.map(([{ limit }]) => limit))).toBe(100);
  expect(swept).toHaveBeenCalledTimes(4 * (1 + 4));
});

test("[SW3] a cleanup removes what is over, counts it by kind, and finds nothing the second time", async () => {
  const ann = await WorkerClient.connect("sw3-ann");
  const bob = await WorkerClient.connect("sw3-bob", { channel: "sw3-room" });
  await call("POST", "/v1/users/sw3-ann/messages", { data: "old" });
  await until(() => ann.ofType("direct").length === 1);
  await publish("sw3-room", { data: "old" });
  await publish("sw3-room", { data: "new" });
  await until(async () => (await isListed("sw3-ann")) && (await isListed("sw3-bob")));
  await cleanup(); // what other tests have left
  await plant(
    env.USER.getByName("sw3-ann"),
    `INSERT INTO session (session, channel, device, transport, connected_at, version)
     VALUES ('ghost', 'sw3-nowhere', '{"type":"web"}', 'websocket', 1, 1)`,
    "INSERT INTO watcher (watcher, ordered_at, state, hidden) VALUES ('sw3-eve', 1, 'told', 0)",
    "UPDATE inbox_message SET at = 1",
  );
  await plant(
    env.CHANNEL.getByName("sw3-room"),
    `INSERT INTO session (session, user, device, connected_at, joined_at, sub_order)
     VALUES ('ghost', 'sw3-cho', '{"type":"web"}', 1, 1, 5)`,
    "UPDATE message SET at = 1 WHERE offset = 1",
  );
  const presence = { user: "sw3-dev", status: "online" as const, lastActiveAt: 10, devices: [], version: 9 };
  await objectsOf(env)
    .directory(userShard("sw3-dev", 4))
    .setUser({ presence, sessions: 1, version: 9, at: 10 });
  expect(await cleanup()).toMatchObject({
    ...{ sessions: 1, watches: 1, subscriptions: 1, messages: 2, presences: 1 },
    ...{ unanswered: 0, more: false },
  });
  await until(async () => !(await isListed("sw3-dev")));
  expect(await cleanup()).toMatchObject(NOTHING);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[SW5] two cleanups at once do no harm: both answer, and afterwards nothing is left", async () => {
  const ann = await WorkerClient.connect("sw5-ann");
  const bob = await WorkerClient.connect("sw5-bob", { channel: "sw5-room" });
  await until(async () => (await isListed("sw5-ann")) && (await isListed("sw5-bob")));
  await cleanup();
  await plant(
    env.USER.getByName("sw5-ann"),
    `INSERT INTO session (session, channel, device, transport, connected_at, version)
     VALUES ('ghost', 'sw5-nowhere', '{"type":"web"}', 'websocket', 1, 1)`,
    "INSERT INTO watcher (watcher, ordered_at, state, hidden) VALUES ('sw5-eve', 1, 'told', 0)",
  );
  const heard = [ann.frames.length, bob.frames.length];
  const both = await Promise.all([cleanup(), cleanup()]);
  expect(both[0].sessions + both[1].sessions).toBe(1);
  await aWhile();
  expect(await cleanup()).toMatchObject(NOTHING);
  expect([ann.frames.length, bob.frames.length]).toEqual(heard);
  expect([ann.closeCode, bob.closeCode]).toEqual([undefined, undefined]);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[SW4] a cursor that is not ours is 400 over HTTP, and an empty body or none is fine", async () => {
  const wrong = await request("/v1/maintenance/cleanup?cursor=eA", { method: "POST", headers: KEY });
  expect([wrong.status, await wrong.json()]).toMatchObject([400, { code: "bad_request" }]);
  expect(await cleanup(`?cursor=${encodeURIComponent(btoa("4 3 "))}`)).toMatchObject({ more: false });
});

test("[SW6] a cleanup is for keys with the scope manage or ops", async () => {
  const keys = ["ops", "read", "manage", "publish"].map(
    (scope) => `${scope}:${scope}=secret-of-the-${scope}-key`,
  );
  const app = createApp();
  for (const [scope, status] of [
    ["ops", 200],
    ["manage", 200],
    ["read", 403],
    ["publish", 403],
  ] as const) {
    const headers = { Authorization: `Bearer secret-of-the-${scope}-key` };
    const asked = new Request("https://rollcall.test/v1/maintenance/cleanup", { method: "POST", headers });
    expect((await app.fetch(asked, { ...env, API_KEYS: keys.join() })).status, scope).toBe(status);
  }
  expect((await request("/v1/maintenance/cleanup", { method: "POST" })).status).toBe(401);
});

test("[SW7] a shard that fails fails the run of the cron trigger, and a cleanup", async () => {
  vi.spyOn(DirectoryObject.prototype, "sweep").mockRejectedValueOnce(new Error("down"));
  await expect(cron(10)).rejects.toThrow("1 sweeps failed");
  vi.spyOn(DirectoryObject.prototype, "sweep").mockRejectedValue(new Error("down"));
  const failed = await request("/v1/maintenance/cleanup", { method: "POST", headers: KEY });
  expect(failed.status).toBe(500);
});
