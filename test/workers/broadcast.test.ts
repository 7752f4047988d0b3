import {
  evictDurableObject,
  listDurableObjectIds,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import type { Broadcast, BroadcastRequest } from "../../src/objects/broadcast.ts";
import type { DirectoryPort, DirectoryUser } from "../../src/objects/directory-port.ts";
import { shardNames, userShard } from "../../src/objects/shards.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { KEY, request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const DAY_MS = 24 * 3_600_000;
const TEN_MINUTES_MS = 600_000;

async function broadcast(body: object, headers: Record<string, string> = KEY) {
  const response = await request("/v1/broadcast", { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const heard = (client: WorkerClient, event: string) =>
  client.ofType("broadcast").filter((one) => one.event === event);

/** Listed as online, so that a broadcast knows of them. */
async function listed(...users: string[]): Promise<void> {
  const isListed = async (user: string) => {
    const shard = env.DIRECTORY.getByName(userShard(user, 4)) as unknown as DirectoryPort;
    return (await shard.unknown([user])).length === 0;
  };
  for (const user of users) await until(() => isListed(user));
}

const stubOf = (shard: string) => env.DIRECTORY.getByName(shard);
const portOf = (shard: string) => stubOf(shard) as unknown as DirectoryPort;

function online(user: string): DirectoryUser {
  const presence = {
    user,
    status: "online" as const,
    lastActiveAt: 1,
    devices: ["web" as const],
    version: 1,
  };
  return { presence, sessions: 1, version: 1, at: 1 };
}

/** A shard of its own with users who are listed and have no session. */
async function shardWith(name: string, users: number): Promise<DirectoryPort> {
  const shard = portOf(name);
  for (let i = 0; i < users; i++) await shard.setUser(online(nameOf(name, i)));
  return shard;
}

const nameOf = (shard: string, i: number) => `${shard}-${String(i).padStart(5, "0")}`;

function job(id: string, more: Partial<BroadcastRequest> = {}): BroadcastRequest {
  return { id, frame: `{"type":"broadcast","id":"${id}"}`, expiresAt: Date.now() + TEN_MINUTES_MS, ...more };
}

/** None where no broadcast ever came. */
const rowsOf = (stub: DurableObjectStub, table: string) =>
  runInDurableObject(stub, (_, { storage: { sql } }) => {
    const isThere = sql.exec("SELECT 1 FROM sqlite_master WHERE name = ?", table).toArray().length > 0;
    return isThere ? sql.exec(`SELECT * FROM ${table}`).toArray() : [];
  });
const isDone = async (shard: string) => (await rowsOf(stubOf(shard), "broadcast")).length === 0;

/** The name of the object whose method was called. */
const nameIn = (object: object) => (object as unknown as { ctx: DurableObjectState }).ctx.id.name ?? "";

test("[BC1] every live session of every user hears it once, whatever object keeps it", async () => {
  const clients = await Promise.all([
    WorkerClient.connect("bc1-ann"),
    WorkerClient.connect("bc1-ann", { device: "mobile" }),
    WorkerClient.connect("bc1-ann", { channel: "bc1-hall" }),
    WorkerClient.connect("bc1-ben", { channel: "bc1-hall" }),
    WorkerClient.connect("bc1-ben", { channel: "bc1-lab" }),
    WorkerClient.connect("bc1-cho"),
  ]);
  const gone = await WorkerClient.connect("bc1-gone");
  gone.socket.close(1000);
  await listed("bc1-ann", "bc1-ben", "bc1-cho");
  const { status, body } = await broadcast({ data: { text: "maintenance", n: [1] }, event: "bc1" });
  expect(status).toBe(202);
  expect(body.users).toBeGreaterThanOrEqual(3);
  await until(() => clients.every((client) => heard(client, "bc1").length === 1));
  const frame = { type: "broadcast", id: body.id, event: "bc1", data: { text: "maintenance", n: [1] } };
  for (const client of clients) {
    expect(heard(client, "bc1")).toEqual([{ ...frame, at: expect.any(Number) }]);
  }
  expect(heard(gone, "bc1")).toEqual([]);
  for (const client of clients) client.socket.close(1000);
});

test("[BC1] who is invisible hears it too, and a plain one has the event `message`", async () => {
  const ann = await WorkerClient.connect("bc1-hidden");
  ann.send({ type: "presence", status: "invisible", ref: 1 });
  await until(() => ann.ofType("ok").length === 1);
  await listed("bc1-hidden");
  const { body } = await broadcast({ data: null });
  await until(() => ann.ofType("broadcast").some(({ id }) => id === body.id));
  const frame = ann.ofType("broadcast").find(({ id }) => id === body.id);
  expect(frame).toMatchObject({ event: "message", data: null });
  ann.socket.close(1000);
});

test("[BC2] nothing of it is stored, and who comes later does not hear it", async () => {
  const before = await WorkerClient.connect("bc2-ann", { channel: "bc2" });
  await listed("bc2-ann");
  await broadcast({ data: 1, event: "bc2" });
  await until(() => heard(before, "bc2").length === 1);
  const after = await WorkerClient.connect("bc2-ben", { channel: "bc2", query: { rewind: "10" } });
  expect(after.frames[0]).toMatchObject({ offset: 0, messages: [] });
  for (const shard of shardNames(4)) await until(() => isDone(shard));
  expect(heard(after, "bc2")).toEqual([]);
  before.socket.close(1000);
  after.socket.close(1000);
});

test("[BC3] the same key is the same broadcast for a day: the same answer, and nobody hears it twice", async () => {
  const ann = await WorkerClient.connect("bc3-ann");
  await listed("bc3-ann");
  const first = await broadcast({ data: 1, event: "bc3", key: "bc3" });
  await until(() => heard(ann, "bc3").length === 1);
  for (const shard of shardNames(4)) await until(() => isDone(shard));
  const later = await WorkerClient.connect("bc3-later");
  await listed("bc3-later");
  const inHeader = { ...KEY, "Idempotency-Key": "bc3" };
  expect(await broadcast({ data: 1, event: "bc3", key: "bc3" })).toEqual(first);
  expect(await broadcast({ data: 1, event: "bc3" }, inHeader)).toEqual(first);
  const other = await broadcast({ data: 2, event: "bc3", key: "bc3" });
  expect(other).toMatchObject({ status: 422, body: { code: "idempotency_mismatch" } });
  expect((await broadcast({ data: 1, event: "bc3", key: "bc3-other" })).body.id).not.toBe(first.body.id);
  await until(() => heard(ann, "bc3").length === 2);
  expect(heard(later, "bc3")).toHaveLength(1); // the one under the other key
  ann.socket.close(1000);
  later.socket.close(1000);
});

test("[BC3] a key is forgotten after a day, at most an hour late, and then it is new", async () => {
  const shard = await shardWith("bc3-shard", 1);
  const stub = stubOf("bc3-shard");
  await shard.broadcast(job("bc3-key", { print: "a" }));
  await until(() => isDone("bc3-shard"));
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + DAY_MS - 1000 });
  expect(await shard.broadcast(job("bc3-key", { print: "a" }))).toEqual({ users: 1, duplicate: true });
  expect(await shard.broadcast(job("bc3-key", { print: "b" }))).toMatchObject({
    code: "idempotency_mismatch",
  });
  vi.setSystemTime(now + DAY_MS + 1000);
  expect(await shard.broadcast(job("bc3-key", { print: "b" }))).toEqual({ users: 1 });
  vi.setSystemTime(now + 2 * DAY_MS + 3_700_000);
  await runDurableObjectAlarm(stub);
  expect(await rowsOf(stub, "broadcast_key")).toEqual([]);
});

test("[BC4] who did not answer is told again, and the others not twice", async () => {
  const ann = await WorkerClient.connect("bc4-ann");
  const there = await WorkerClient.connect("bc4-ann", { channel: "bc4" });
  await listed("bc4-ann");
  const works = ChannelObject.prototype.broadcast;
  let calls = 0;
  vi.spyOn(ChannelObject.prototype, "broadcast").mockImplementation(function (this: ChannelObject, ...args) {
    if (nameIn(this) === "bc4" && ++calls === 1) throw new Error("as the test asked");
    return works.apply(this, args);
  });
  await broadcast({ data: 1, event: "bc4" });
  const stub = stubOf(userShard("bc4-ann", 4));
  await until(async () => (await rowsOf(stub, "broadcast_debt")).length === 1);
  expect([heard(ann, "bc4").length, heard(there, "bc4").length]).toEqual([1, 0]);
  await until(() => heard(there, "bc4").length === 1, 8000);
  await until(() => isDone(userShard("bc4-ann", 4)));
  expect(heard(ann, "bc4")).toHaveLength(1);
  ann.socket.close(1000);
  there.socket.close(1000);
}, 20_000);

test("[BC4] who does not answer within ten minutes is given up, and nothing of it stays", async () => {
  const shard = await shardWith("bc4-shard", 3);
  const stub = stubOf("bc4-shard");
  const told: string[] = [];
  vi.spyOn(UserObject.prototype, "broadcast").mockImplementation(async function (this: UserObject) {
    if (nameIn(this).startsWith("bc4-shard")) told.push(nameIn(this));
    throw new Error("as the test asked");
  });
  await shard.broadcast(job("bc4"));
  await until(async () => (await rowsOf(stub, "broadcast_debt")).length === 3);
  expect(await rowsOf(stub, "broadcast")).toMatchObject([{ id: "bc4", cursor: null }]);
  vi.useFakeTimers({ toFake: ["Date"] });
  for (let round = 0; round < 12; round++) {
    const debts = await rowsOf(stub, "broadcast_debt");
    if (debts.length === 0) break;
    vi.setSystemTime(Math.max(...debts.map(({ due_at }) => Number(due_at))) + 1);
    const before = told.length;
    await runDurableObjectAlarm(stub);
    const isOver = async () => (await rowsOf(stub, "broadcast_debt")).length === 0;
    await vi.waitUntil(async () => told.length === before + 3 || (await isOver()), { timeout: 5000 });
  }
  expect(told.length / 3).toBe(6);
  expect(await rowsOf(stub, "broadcast")).toEqual([]);
});

test("[BC4] who keeps silent for half a minute is told later, and the walk goes on", async () => {
  const shard = await shardWith("bc4-silent", 60);
  const stub = stubOf("bc4-silent");
  let told = 0;
  let silent = 0;
  vi.spyOn(UserObject.prototype, "broadcast").mockImplementation(async function (this: UserObject) {
    if (nameIn(this).endsWith("-00007") && ++silent === 1)
      await new Promise((resolve) => setTimeout(resolve, 20_000));
    told++;
  });
  await shard.broadcast(job("bc4-silent"));
  await until(() => told === 59);
  expect(await rowsOf(stub, "broadcast")).toMatchObject([{ cursor: "" }]);
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: now + 30_001 });
  await runDurableObjectAlarm(stub);
  await vi.waitUntil(async () => (await rowsOf(stub, "broadcast_debt")).length === 1, { timeout: 5000 });
  expect(await rowsOf(stub, "broadcast")).toMatchObject([{ cursor: null }]);
  vi.setSystemTime(now + 40_000);
  await runDurableObjectAlarm(stub);
  await vi.waitUntil(() => isDone("bc4-silent"), { timeout: 5000 });
  expect([told, silent]).toEqual([60, 2]);
});

test("[BC4] where a thousand did not answer the walk waits, so that rows stay bounded", async () => {
  const shard = await shardWith("bc4-many", 2);
  const stub = stubOf("bc4-many");
  let told = 0;
  vi.spyOn(UserObject.prototype, "broadcast").mockImplementation(async () => void told++);
  await shard.broadcast(job("bc4-first"));
  await until(() => isDone("bc4-many"));
  const owe = "INSERT INTO broadcast_debt (broadcast, user, tries, due_at) VALUES ('another', ?, 1, ?)";
  await runInDurableObject(stub, (_, { storage }) => {
    for (let i = 0; i < 1000; i++) storage.sql.exec(owe, `user-${i}`, Date.now() + 3_600_000).toArray();
  });
  await evictDurableObject(stub);
  await shard.broadcast(job("bc4-second"));
  expect(await rowsOf(stub, "broadcast")).toMatchObject([{ id: "bc4-second", cursor: "" }]);
  expect(told).toBe(2);
  await runInDurableObject(stub, (_, { storage }) =>
    storage.sql.exec("DELETE FROM broadcast_debt").toArray(),
  );
  await evictDurableObject(stub); // whoever wakes it finds the way free
  await until(() => isDone("bc4-many"), 15_000);
  expect(told).toBe(4);
}, 30_000);

test("[BC5] a walk goes over thousands by legs, and a crash in the middle repeats one leg and skips nobody", async () => {
  const users = 1400;
  const shard = await shardWith("bc5", users);
  const stub = stubOf("bc5");
  const told: string[] = [];
  let mostUnderWay = 0;
  let underWay = 0;
  vi.spyOn(UserObject.prototype, "broadcast").mockImplementation(async function (this: UserObject) {
    if (!nameIn(this).startsWith("bc5-")) return;
    told.push(nameIn(this));
    mostUnderWay = Math.max(mostUnderWay, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 1));
    underWay -= 1;
  });
  await shard.broadcast(job("bc5"));
  await until(() => told.length > 1150, 60_000);
  await runInDurableObject(stub, (_, state) => state.abort("as the test asked")).catch(() => undefined);
  const most = mostUnderWay; // what an aborted object called goes on, beside what its successor calls
  await until(() => isDone("bc5"), 60_000); // to ask wakes it, and it goes on from its cursor
  expect(new Set(told).size).toBe(users);
  expect(told.length).toBeGreaterThan(users);
  expect(told.length).toBeLessThanOrEqual(users + 1000);
  expect(most).toBe(50);
}, 150_000);

test("[BC6] with another thirty under way one more is asked to wait, and an empty shard keeps nothing", async () => {
  const shard = await shardWith("bc6", 1);
  let release: () => void = () => {};
  const held = new Promise<void>((resolve) => (release = resolve));
  vi.spyOn(UserObject.prototype, "broadcast").mockImplementation(() => held);
  for (let i = 0; i < 30; i++) expect(await shard.broadcast(job(`bc6-${i}`))).toEqual({ users: 1 });
  expect(await shard.broadcast(job("bc6-30"))).toMatchObject({ code: "rate_limited", retryAfterMs: 5000 });
  expect(await shard.broadcast(job("bc6-3"))).toEqual({ users: 1, duplicate: true });
  release();
  await until(() => isDone("bc6"));
  const nobody = portOf("bc6-empty");
  expect(await nobody.broadcast(job("bc6"))).toEqual({ users: 0 });
  const tables = await runInDurableObject(stubOf("bc6-empty"), (_, { storage }) =>
    storage.sql.exec("SELECT name FROM sqlite_master").toArray(),
  );
  expect(tables).toEqual([]);
});

test("[BC7] a session remembers what it heard through hibernation, and hears what it did not", async () => {
  const ann = await WorkerClient.connect("bc7-ann");
  const there = await WorkerClient.connect("bc7-ann", { channel: "bc7" });
  const user = env.USER.getByName("bc7-ann") as unknown as UserObject;
  const tell = (id: string, more: Partial<Broadcast> = {}) => user.broadcast(job(id, more));
  for (let i = 0; i < 32; i++) await tell(`bc7-${i}`);
  await evictDurableObject(env.USER.getByName("bc7-ann"), { webSockets: "hibernate" });
  await evictDurableObject(env.CHANNEL.getByName("bc7"), { webSockets: "hibernate" });
  for (let i = 0; i < 32; i++) await tell(`bc7-${i}`);
  await tell("bc7-late", { expiresAt: Date.now() - 1 });
  await tell("bc7-last");
  const ids = (client: WorkerClient) => client.ofType("broadcast").map(({ id }) => id);
  await until(() => ids(ann).includes("bc7-last") && ids(there).includes("bc7-last"));
  const expected = [...Array.from({ length: 32 }, (_, i) => `bc7-${i}`), "bc7-last"];
  expect(ids(ann)).toEqual(expected);
  expect(ids(there)).toEqual(expected);
  ann.socket.close(1000);
  there.socket.close(1000);
});

test("[BC8] where a shard does not answer it is refused for all; after a shard has failed, its key completes it", async () => {
  const names = ["bc8-ann", "bc8-ben", "bc8-cho", "bc8-dev", "bc8-eve", "bc8-fay"];
  const clients = await Promise.all(names.map((name) => WorkerClient.connect(name)));
  await listed(...names);
  const away = vi
    .spyOn(DirectoryObject.prototype, "counts")
    .mockRejectedValueOnce(new Error("as the test asked"));
  const refused = await broadcast({ data: 1, event: "bc8" });
  expect(refused).toMatchObject({ status: 503, body: { code: "unavailable" } });
  away.mockRestore();
  vi.spyOn(DirectoryObject.prototype, "broadcast").mockRejectedValueOnce(new Error("as the test asked"));
  const half = await broadcast({ data: 1, event: "bc8-half", key: "bc8" });
  expect(half).toMatchObject({ status: 503, body: { detail: expect.stringContaining("same key") } });
  const whole = await broadcast({ data: 1, event: "bc8-half", key: "bc8" });
  expect(whole.status).toBe(202);
  await until(() => clients.every((client) => heard(client, "bc8-half").length === 1));
  for (const shard of shardNames(4)) await until(() => isDone(shard));
  for (const client of clients) {
    expect([heard(client, "bc8").length, heard(client, "bc8-half").length]).toEqual([0, 1]);
    client.socket.close(1000);
  }
});

test("[BC9] what is wrong in a broadcast is refused before any object is touched", async () => {
  const touched = async () =>
    (
      await Promise.all([env.USER, env.CHANNEL, env.DIRECTORY].map((kind) => listDurableObjectIds(kind)))
    ).flat();
  const shards = vi.spyOn(DirectoryObject.prototype, "counts");
  const before = await touched();
  const user = { Authorization: `Bearer ${await tokenFor("ann")}` };
  const wrong: [body: object, status: number, code: string, headers?: Record<string, string>][] = [
    [{ data: 1 }, 401, "unauthenticated", {}],
    [{ data: 1 }, 403, "forbidden", user],
    [{}, 400, "bad_request"],
    [{ data: 1, event: "" }, 400, "bad_request"],
    [{ data: 1, exclude: { user: "ann" } }, 400, "bad_request"],
    [{ data: 1, ttlSeconds: 0 }, 400, "bad_request"],
    [{ data: 1, key: "a" }, 400, "bad_request", { ...KEY, "Idempotency-Key": "b" }],
    [{ data: "x".repeat(33_000) }, 413, "too_large"],
  ];
  for (const [body, status, code, headers = KEY] of wrong) {
    expect(await broadcast(body, headers), JSON.stringify(body).slice(0, 80)).toMatchObject({
      status,
      body: { code },
    });
  }
  expect(await touched()).toEqual(before);
  expect(shards).not.toHaveBeenCalled();
});

test("[BC10] a broadcast writes four rows in a shard, one more with a key, three for each further thousand users", async () => {
  const small = await shardWith("bc10-small", 10);
  const large = await shardWith("bc10", 1200);
  vi.spyOn(UserObject.prototype, "broadcast").mockResolvedValue(undefined);
  await small.broadcast(job("warm"));
  await large.broadcast(job("warm"));
  for (const shard of ["bc10-small", "bc10"]) {
    await until(() => isDone(shard), 60_000);
    await runInDurableObject(stubOf(shard), (_, { storage }) => storage.setAlarm(Date.now() + 3_600_000));
    await evictDurableObject(stubOf(shard)); // asleep, with the alarm of its audit
  }
  const meter = await Meter.on(stubOf("bc10-small"));
  await small.broadcast(job("one"));
  await until(() => isDone("bc10-small"));
  const keyed = job("two", { print: "p" });
  expect([meter.off().rows, meter.alarmsSet], meter.statements.join("\n")).toEqual([2, 1]);
  const again = await Meter.on(stubOf("bc10-small"));
  await small.broadcast(keyed);
  await small.broadcast(keyed);
  await until(() => isDone("bc10-small"));
  expect([again.off().rows, again.alarmsSet], again.statements.join("\n")).toEqual([3, 0]); // the alarm is still set
  const back = await Meter.on(stubOf("bc10-small"));
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 31_000 });
  await runDurableObjectAlarm(stubOf("bc10-small"));
  vi.useRealTimers();
  expect([back.off().rows, back.alarmsSet]).toEqual([0, 1]);
  const many = await Meter.on(stubOf("bc10"));
  await large.broadcast(job("three"));
  await until(() => isDone("bc10"), 60_000);
  many.off();
  // The job, its cursor, its end; an alarm, the one for the second leg, and that leg's own.
  expect(many.rows, many.statements.join("\n")).toBe(3);
  expect(many.alarmsSet).toBeLessThanOrEqual(4); // one more where the machine is slow
}, 120_000);

test("[BC10] in users' objects and channels a broadcast writes no row and sets no alarm", async () => {
  const ann = await WorkerClient.connect("bc10-ann");
  const there = await WorkerClient.connect("bc10-ann", { channel: "bc10" });
  await listed("bc10-ann");
  const user = env.USER.getByName("bc10-ann") as unknown as UserObject;
  await user.broadcast(job("bc10-first"));
  const meter = await Meter.on(env.USER.getByName("bc10-ann"));
  await user.broadcast(job("bc10-second"));
  await until(() => [ann, there].every((client) => client.ofType("broadcast").length === 2));
  meter.off();
  expect([meter.rows, meter.schemaRows, meter.alarmsSet]).toEqual([0, 0, 0]);
  ann.socket.close(1000);
  there.socket.close(1000);
});
