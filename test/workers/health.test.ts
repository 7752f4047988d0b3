import {
  createExecutionContext,
  evictDurableObject,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import { createApp } from "../../src/http/app.ts";
import { nothingRemoved } from "../../src/objects/auditing.ts";
import type { DirectoryUser } from "../../src/objects/directory-port.ts";
import { retryDelay } from "../../src/objects/outbox.ts";
import { userShard } from "../../src/objects/shards.ts";
import { objectsOf } from "../../src/objects/stubs.ts";
import type { Health } from "../../src/protocol/maintenance.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { KEY, publish, read, request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { heardOf, subscribe } from "./subscribing.ts";
import { AGREED, plant, sweepAll } from "./sweeping.ts";
import { rows, say, seen, watch, watchedBy, watchedOf } from "./watch.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const HOUR_MS = 3_600_000;

const health = async () => {
  const response = await request("/healthz", { headers: KEY });
  const { checks } = (await response.json()) as Health;
  return { status: response.status, checks };
};
const shardOf = (user: string) => env.DIRECTORY.getByName(userShard(user, 4));
const alarmOf = (stub: DurableObjectStub) => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());

function online(user: string): DirectoryUser {
  const presence = { user, status: "online" as const, lastActiveAt: 10, devices: [], version: 9 };
  return { presence, sessions: 1, version: 9, at: 10 };
}

/** To the next full hour, at which shards take their sample. */
function atNextHour(): number {
  const now = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  vi.useFakeTimers({ toFake: ["Date"], now });
  return now;
}

async function objectsTouched(): Promise<number> {
  const kinds = [env.USER, env.CHANNEL, env.RELAY, env.DIRECTORY];
  return (await Promise.all(kinds.map((kind) => listDurableObjectIds(kind)))).flat().length;
}

test("[HL1] without credentials the answer is that the Worker is there, and no object is touched", async () => {
  const before = await objectsTouched();
  const response = await request("/healthz?token=whatever");
  expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  expect(await objectsTouched()).toBe(before);
});

test("[HL10] the sample of a shard costs one row and one alarm, however many are asked", async () => {
  const shard = objectsOf(env).directory("hl10");
  for (let i = 0; i < 60; i++) await shard.setUser(online(`hl10-${i}`));
  const agreed = {
    isHere: true,
    removed: nothingRemoved(),
    differences: AGREED,
    unanswered: 0,
    owedSince: null,
  };
  const asked = vi.spyOn(UserObject.prototype, "audit").mockResolvedValue(agreed);
  const meter = await Meter.on(env.DIRECTORY.getByName("hl10"));
  atNextHour();
  await runDurableObjectAlarm(env.DIRECTORY.getByName("hl10"));
  await until(async () => (await shard.health()).sample !== null);
  meter.off();
  expect(asked).toHaveBeenCalledTimes(60);
  expect([meter.rows, meter.alarmsSet]).toEqual([1, 1]);
});

test("[HL2] who presents something has to be a key with the scope ops or read", async () => {
  const keys = ["ops", "read", "manage", "publish"].map(
    (scope) => `${scope}:${scope}=secret-of-the-${scope}-key`,
  );
  const app = createApp();
  const asked = (credential: string) =>
    app.fetch(
      new Request("https://rollcall.test/healthz", { headers: { Authorization: `Bearer ${credential}` } }),
      { ...env, API_KEYS: keys.join() },
      createExecutionContext(),
    );
  for (const [scope, status] of [
    ["ops", 200],
    ["read", 200],
    ["manage", 403],
    ["publish", 403],
  ] as const) {
    expect((await asked(`secret-of-the-${scope}-key`)).status, scope).toBe(status);
  }
  expect((await asked("a-key-that-was-taken-away")).status).toBe(401);
  expect((await asked(await tokenFor("hl2"))).status).toBe(403);
});

test("[HL3] a key is told of each part, and an object has written and read a row for it", async () => {
  const found = await health();
  expect(found).toMatchObject({ status: 200, checks: { object: { ok: true }, directory: { ok: true } } });
  expect(Object.keys(found.checks)).toEqual(["object", "queue", "directory", "outbox", "consistency"]);
  expect(found.checks.object.detail).toMatch(/^read what was written \d+ s ago$/);
  expect(found.checks.directory.detail).toBe("4 of 4 shards answered");
});

test("[HL3] however often it is asked, it costs one row a minute", async () => {
  await health();
  const meter = await Meter.on(shardOf("hl3"));
  for (let i = 0; i < 10; i++) await health();
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 61_000 });
  for (let i = 0; i < 10; i++) await health();
  expect(meter.off().billed).toBe(1);
});

test("[HL4] an object that can't write, and a shard that fails, are 503 and say nothing of why", async () => {
  vi.spyOn(DirectoryObject.prototype, "probe").mockRejectedValue(new Error("SQLITE_FULL"));
  const failing = await health();
  expect(failing).toMatchObject({ status: 503, checks: { object: { ok: false }, directory: { ok: true } } });
  expect(JSON.stringify(failing)).not.toContain("SQLITE");
  vi.restoreAllMocks();
  expect(await health()).toMatchObject({ status: 200 });
});

test("[HL6] an entry that its object would not say is found at the full hour, put right, and counted in the health", async () => {
  const ann = await WorkerClient.connect("hl6-ann", {
    claims: { exp: Math.floor(Date.now() / 1000) + 80_000 },
  });
  await until(
    async () => (await objectsOf(env).directory(userShard("hl6-ann", 4)).unknown(["hl6-ann"])).length === 0,
  );
  await say("hl6-ann", { status: "busy" }); // which no idle hour changes
  const ghosts = ["hl6-ghost", "hl6-other"];
  for (const ghost of ghosts) await objectsOf(env).directory(userShard(ghost, 4)).setUser(online(ghost));
  await plant(shardOf("hl6-ann"), "UPDATE entry SET size = 7 WHERE name = 'hl6-ann'");
  const listed = async () => {
    const { users } = (await read("/v1/presence?limit=1000")) as {
      users: { user: string; sessions: number }[];
    };
    return users
      .filter(({ user }) => user.startsWith("hl6"))
      .map(({ user, sessions }) => `${user} ${sessions}`);
  };
  expect((await listed()).sort()).toEqual(["hl6-ann 7", "hl6-ghost 1", "hl6-other 1"]);
  const hour = atNextHour();
  for (const shard of new Set(["hl6-ann", ...ghosts].map((user) => userShard(user, 4)))) {
    await runDurableObjectAlarm(env.DIRECTORY.getByName(shard));
  }
  await until(async () => (await listed()).join() === "hl6-ann 1");
  await until(async () => (await health()).checks.consistency.differences.entries === 3);
  const { consistency } = (await health()).checks;
  expect(consistency).toMatchObject({ ok: true, unanswered: 0, total: { entries: 3 } });
  expect(consistency.asked).toBeGreaterThanOrEqual(3);
  expect(consistency.ageMs).toBe(Date.now() - hour);
  vi.useRealTimers();
  ann.socket.close(1000);
});

test("[HL7] a watch of which the watched user has lost all is told again, and news arrive", async () => {
  const [ann, bob] = [await WorkerClient.connect("hl7-ann"), await WorkerClient.connect("hl7-bob")];
  await watch(ann, ["hl7-bob"]);
  expect((await sweepAll()).differences).toEqual(AGREED);
  await plant(env.USER.getByName("hl7-bob"), "DELETE FROM watcher");
  await say("hl7-bob", { status: "busy" });
  expect(await watchedBy("hl7-bob")).toEqual([]);
  expect((await sweepAll()).differences).toEqual({ ...AGREED, watches: 1 });
  await until(async () => (await watchedBy("hl7-bob")).join() === "hl7-ann");
  await until(() => seen(ann, "hl7-bob").includes("busy"));
  await say("hl7-bob", { status: "away" });
  await until(() => seen(ann, "hl7-bob").at(-1) === "away");
  expect((await sweepAll()).differences).toEqual(AGREED);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[HL7] a watcher who watches nobody is taken out; who is right is the watcher", async () => {
  const bob = await WorkerClient.connect("hl7-cho");
  await plant(
    env.USER.getByName("hl7-cho"),
    "INSERT INTO watcher (watcher, ordered_at, state, hidden) VALUES ('hl7-eve', 1, 'told', 0)",
  );
  expect(await watchedBy("hl7-cho")).toEqual(["hl7-eve"]);
  const { differences, removed } = await sweepAll();
  expect([differences, removed.watches]).toEqual([{ ...AGREED, watches: 1 }, 1]);
  await until(async () => (await watchedBy("hl7-cho")).length === 0);
  expect(await watchedOf("hl7-eve")).toEqual([]);
  await until(async () => (await rows("hl7-eve", "SELECT * FROM release_debt")).length === 0);
  bob.socket.close(1000);
});

test("[HL8] a session that its keeper knows nothing of is over", async () => {
  const ann = await WorkerClient.connect("hl8-ann");
  await plant(
    env.USER.getByName("hl8-ann"),
    `INSERT INTO session (session, channel, device, transport, connected_at, version)
     VALUES ('ghost', 'hl8-nowhere', '{"type":"web"}', 'websocket', 1, 1)`,
  );
  const sessions = async () =>
    ((await read("/v1/users/hl8-ann/sessions")).sessions as { id: string }[]).map(({ id }) => id);
  expect(await sessions()).toContain("ghost");
  const { differences, removed } = await sweepAll();
  expect([differences, removed.sessions]).toEqual([{ ...AGREED, sessions: 1 }, 1]);
  expect(await sessions()).toEqual([ann.session]);
  ann.socket.close(1000);
});

test("[HL8] a member whom its user's object has lost is told to come back, and is whole again", async () => {
  const ann = await WorkerClient.connect("hl8-lost", { channel: "hl8-room" });
  const bob = await WorkerClient.connect("hl8-bob", { channel: "hl8-room" });
  await plant(env.USER.getByName("hl8-lost"), "DELETE FROM session");
  const { differences, removed } = await sweepAll();
  expect([differences, removed.sessions]).toEqual([{ ...AGREED, sessions: 1 }, 1]);
  await until(() => ann.closeCode === 4000);
  expect(bob.closeCode).toBeUndefined();
  const back = await WorkerClient.connect("hl8-lost", { channel: "hl8-room" });
  expect(bob.ofType("members").flatMap(({ left }) => left)).toEqual([]); // within the grace nobody noticed
  expect((await sweepAll()).differences).toEqual(AGREED);
  for (const { socket } of [back, bob]) socket.close(1000);
});

test("[HL9] a subscription that its channel has lost is taken up where it stands, without a gap", async () => {
  const ann = await WorkerClient.connect("hl9-ann");
  await subscribe(ann, "hl9-room");
  await publish("hl9-room", { data: 1 });
  await until(() => heardOf(ann, "hl9-room").length === 1);
  await plant(env.CHANNEL.getByName("hl9-room"), "DELETE FROM session");
  await publish("hl9-room", { data: 2 });
  expect((await sweepAll()).differences).toEqual({ ...AGREED, subscriptions: 1 });
  await until(() => heardOf(ann, "hl9-room").length === 2);
  await publish("hl9-room", { data: 3 });
  await until(() => heardOf(ann, "hl9-room").length === 3);
  expect(heardOf(ann, "hl9-room")).toEqual([1, 2, 3]);
  expect((await sweepAll()).differences).toEqual(AGREED);
  ann.socket.close(1000);
});

test("[HL9] a subscriber of whom its user's object knows nothing leaves", async () => {
  const ann = await WorkerClient.connect("hl9-bob", { channel: "hl9-lobby" });
  await plant(
    env.CHANNEL.getByName("hl9-lobby"),
    `INSERT INTO session (session, user, device, connected_at, joined_at, sub_order)
     VALUES ('ghost', 'hl9-eve', '{"type":"web"}', 1, 1, 5)`,
  );
  const { differences, removed } = await sweepAll();
  expect([differences, removed.subscriptions]).toEqual([{ ...AGREED, subscriptions: 1 }, 1]);
  await until(async () => (await read("/v1/channels/hl9-lobby/members")).count === 1);
  ann.socket.close(1000);
});

test("[HL10] where all agree a sweep of a user, its watches, its channels and its subscriptions writes nothing", async () => {
  const ann = await WorkerClient.connect("hl10-ann");
  const bob = await WorkerClient.connect("hl10-bob", { channel: "hl10-room" });
  await watch(ann, ["hl10-bob"]);
  await subscribe(ann, "hl10-room");
  await until(async () => (await read("/v1/channels/hl10-room")).members === 2);
  await sweepAll();
  const meter = await Meter.on(shardOf("hl10-ann"));
  const audited = vi.spyOn(UserObject.prototype, "audit");
  expect(await sweepAll()).toMatchObject({ differences: AGREED, removed: nothingRemoved(), unanswered: 0 });
  expect(audited.mock.calls.length).toBeGreaterThanOrEqual(2);
  expect(meter.off().statements).toEqual([]);
  expect(meter.alarmsSet).toBe(0);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[HL11] a shard that lists nobody takes no sample and has no alarm", async () => {
  const shard = objectsOf(env).directory("hl11");
  expect(await shard.health()).toEqual({ listed: 0, sample: null, isLate: false });
  expect(await shard.sweep({ parts: [], turn: 3, limit: 10 })).toMatchObject({ asked: 0 });
  expect(await alarmOf(env.DIRECTORY.getByName("hl11"))).toBeNull();
});

test("[HL12] the age of what a listed user owes is known after the sample, and fails the check after an hour", async () => {
  const ann = await WorkerClient.connect("hl12", { claims: { exp: Math.floor(Date.now() / 1000) + 80_000 } });
  await until(
    async () => (await objectsOf(env).directory(userShard("hl12", 4)).unknown(["hl12"])).length === 0,
  );
  vi.spyOn(ChannelObject.prototype, "end").mockRejectedValue(new Error("down"));
  await plant(
    env.USER.getByName("hl12"),
    `INSERT INTO end_debt (session, channel, code, reason, tries, due_at)
     VALUES ('x', 'hl12', 4502, 'ended', 12, ${Date.now()})`,
  );
  let ageMs = 5000;
  for (let tries = 1; tries <= 12; tries++) ageMs += retryDelay(tries);
  atNextHour();
  await runDurableObjectAlarm(shardOf("hl12"));
  await until(async () => (await health()).checks.outbox.ageMs !== null);
  const { checks, status } = await health();
  expect([status, checks.outbox]).toMatchObject([503, { ok: false, ageMs }]);
  vi.useRealTimers();
  ann.socket.close(1000);
});

test("[HL13] a shard that lists somebody for hours and takes no sample is late", async () => {
  const stub = env.DIRECTORY.getByName("hl13");
  const shard = objectsOf(env).directory("hl13");
  const listedAt = Date.now();
  await shard.setUser({ ...online("hl13"), at: listedAt });
  for (const [hours, isLate] of [
    [2, false],
    [4, true],
  ] as const) {
    vi.useFakeTimers({ toFake: ["Date"], now: Math.floor(listedAt / HOUR_MS + hours) * HOUR_MS + 600_000 });
    await evictDurableObject(stub);
    expect(await shard.health()).toMatchObject({ listed: 1, isLate });
  }
});
