import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { KEY, publish, read, request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

const DAY_MS = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const log = async (channel: string) =>
  (await read(`/v1/channels/${channel}/messages?limit=1000`)).messages as { offset: number; data: unknown }[];

test("[CT13] a publish with a key writes two rows, and its repeat none", async () => {
  const client = await WorkerClient.connect("ann", { channel: "ct10" });
  const meter = await Meter.on(env.CHANNEL.getByName("ct10"));
  await publish("ct10", { data: 0, key: "first" }); // sets the alarm for the end of keys
  meter.off();
  const keyed = await Meter.on(env.CHANNEL.getByName("ct10"));
  for (let i = 1; i <= 10; i++) await publish("ct10", { data: i, key: `k${i}` });
  keyed.off();
  expect([keyed.rows, keyed.alarmsSet], keyed.statements.join("\n")).toEqual([20, 0]);
  const repeated = await Meter.on(env.CHANNEL.getByName("ct10"));
  for (let i = 1; i <= 10; i++) await publish("ct10", { data: i, key: `k${i}` });
  repeated.off();
  expect([repeated.rows, repeated.alarmsSet]).toEqual([0, 0]);
  expect(client.ofType("message")).toHaveLength(11);
  client.socket.close(1000);
});

test("[F7] the same key and body twice is one message, one offset, and the first result again", async () => {
  const client = await WorkerClient.connect("ann", { channel: "f7" });
  const body = { data: { x: 1 }, key: "k" };
  const [first, second] = [await publish("f7", body), await publish("f7", body)];
  expect([first.status, second.status]).toEqual([201, 200]);
  expect(second.body).toEqual({ ...first.body, duplicate: true });
  expect((await publish("f7", { data: "next" })).body.offset).toBe(2);
  await until(() => client.ofType("message").length === 2);
  client.socket.close(1000);
});

test.each([
  ["data", { data: 2 }],
  ["event", { data: 1, event: "other" }],
  ["exclude", { data: 1, exclude: { user: "ann" } }],
  ["ttlSeconds", { data: 1, ttlSeconds: 60 }],
])("[F9] the same key with another %s is refused, and the original stays", async (what, body) => {
  const channel = `f9-${what}`;
  await publish(channel, { data: 1, key: "k" });
  expect(await publish(channel, { ...body, key: "k" })).toMatchObject({
    status: 422,
    body: { code: "idempotency_mismatch" },
  });
  expect(await publish(channel, { data: 1, key: "k" })).toMatchObject({ status: 200, body: { offset: 1 } });
  expect(await log(channel)).toMatchObject([{ offset: 1, data: 1 }]);
});

test("[F10] one key of other channels and other principals is another key", async () => {
  const asUser = async (user: string) => ({ Authorization: `Bearer ${await tokenFor(user)}` });
  const body = { data: 1, key: "k" };
  expect((await publish("f10-a", body)).body).toMatchObject({ offset: 1 });
  expect((await publish("f10-b", body)).body).toMatchObject({ offset: 1 });
  expect((await publish("f10-a", body, await asUser("dev"))).body).toMatchObject({ offset: 2 }); // named as the key is
  expect((await publish("f10-a", body, await asUser("ann"))).body).toMatchObject({ offset: 3 });
  expect(await publish("f10-a", body, await asUser("ann"))).toMatchObject({
    status: 200,
    body: { offset: 3, duplicate: true },
  });
});

test("[F11] after a day a key is new, and its row goes", async () => {
  const stub = env.CHANNEL.getByName("f11");
  const keys = () =>
    runInDurableObject(stub, (_, { storage }) => storage.sql.exec("SELECT key FROM publish_key").toArray());
  const start = Date.now();
  await publish("f11", { data: 1, key: "k" });
  vi.useFakeTimers({ toFake: ["Date"], now: start + DAY_MS - 1000 });
  expect((await publish("f11", { data: 1, key: "k" })).status).toBe(200);
  vi.setSystemTime(start + DAY_MS + 1000);
  expect(await publish("f11", { data: 1, key: "k" })).toMatchObject({ status: 201, body: { offset: 2 } });
  expect(await keys()).toHaveLength(2);
  vi.setSystemTime(start + 1.25 * DAY_MS + 1000); // a quarter of a day is what a sweep may be late
  await runInDurableObject(stub, (instance) => (instance as unknown as { alarm(): void }).alarm());
  expect(await keys()).toHaveLength(1);
});

test("[IK3] a key outlives its message, and is remembered through eviction and abort", async () => {
  const start = Date.now();
  const first = await publish("ik3", { data: 1, key: "k" });
  await publish("ik3", { data: 2 });
  const stub = env.CHANNEL.getByName("ik3");
  await runInDurableObject(stub, (_, { storage }) => {
    storage.sql.exec("DELETE FROM message WHERE offset = 1");
  });
  vi.useFakeTimers({ toFake: ["Date"], now: start + DAY_MS / 2 });
  await evictDurableObject(stub);
  expect((await publish("ik3", { data: 1, key: "k" })).body).toEqual({ ...first.body, duplicate: true });
  await abortAllDurableObjects();
  expect((await publish("ik3", { data: 1, key: "k" })).body).toEqual({ ...first.body, duplicate: true });
  expect((await log("ik3")).map(({ offset }) => offset)).toEqual([2]);
});

test("[F12] a key retried across eviction, deploy and abort publishes once", async () => {
  const stub = env.CHANNEL.getByName("f12");
  const body = { data: "once", key: "k" };
  const lives = [
    () => evictDurableObject(stub),
    () => evictDurableObject(stub, { webSockets: "close" }),
    () => abortAllDurableObjects(),
  ];
  const first = await publish("f12", body);
  for (const end of lives) {
    await end();
    expect((await publish("f12", body)).body).toEqual({ ...first.body, duplicate: true });
  }
  expect(await log("f12")).toHaveLength(1);
});

/** Where a publish can be cut off: an abort inside a write would lock the storage of this pool for good. */
const POINTS = [
  "before its first statement",
  "before the first socket",
  "between two sockets",
  "after all sockets",
];

/** Aborts the channel at that point of the next publish. */
async function abortAt(channel: string, point: string): Promise<void> {
  await runInDurableObject(env.CHANNEL.getByName(channel), (_, state) => {
    const abort = () => {
      vi.restoreAllMocks();
      state.abort("as the test asked");
    };
    const prototype = Object.getPrototypeOf(state.storage.sql) as SqlStorage;
    if (point === POINTS[0]) vi.spyOn(prototype, "exec").mockImplementation(() => abort() as never);
    const { send } = WebSocket.prototype;
    let sent = 0;
    vi.spyOn(WebSocket.prototype, "send").mockImplementation(function (this: WebSocket, text) {
      if (!String(text).includes('"type":"message"')) return send.call(this, text);
      if (point === POINTS[1]) return abort();
      if (point === POINTS[2] && sent === 1) return abort();
      send.call(this, text);
      if (++sent === 2 && point === POINTS[3]) abort();
    });
  });
}

test.each(POINTS)(
  "[F6] a keyed publish that is aborted %s is stored and told once after its retry",
  async (point) => {
    const channel = `f6-${POINTS.indexOf(point)}`;
    const users = ["ann", "ben"];
    const clients = await Promise.all(users.map((user) => WorkerClient.connect(user, { channel })));
    await publish(channel, { data: "before" });
    await until(() => clients.every((client) => client.ofType("message").length === 1));
    await new Promise((resolve) => setTimeout(resolve, 200)); // quiet: what is said next is sent in its own turn
    await abortAt(channel, point);
    const body = { data: "cut off", key: "k" };
    const answer = await publish(channel, body); // with a key, so the Worker says it again
    vi.restoreAllMocks();
    const heardThen = clients.map((client) => client.ofType("message").length);
    expect(answer).toMatchObject({ status: 201, body: { offset: 2 } }); // what was cut off was not stored
    expect(await publish(channel, body)).toMatchObject({ status: 200, body: { offset: 2, duplicate: true } });
    expect(heardThen).toEqual([1, 1]); // and told to nobody
    expect(await log(channel)).toHaveLength(2);
    await until(() => clients.every(({ closeCode }) => closeCode === 1006));
    for (const [i, user] of users.entries()) {
      const query = { epoch: String(clients[i]?.frames[0]?.epoch), offset: "1" };
      const back = await WorkerClient.connect(user, { channel, query });
      expect(back.frames[0]).toMatchObject({ recovered: true, messages: [{ data: "cut off", offset: 2 }] });
      back.socket.close(1000);
    }
  },
);

test("[F5] a publish that fails in its transaction leaves no row, no offset, no key, and nobody hears of it", async () => {
  const client = await WorkerClient.connect("ann", { channel: "f5" });
  await publish("f5", { data: 1 });
  await failAt("f5", /INSERT INTO publish_key/);
  expect((await publish("f5", { data: 2, key: "k" })).status).toBeGreaterThanOrEqual(500);
  vi.restoreAllMocks();
  expect(await publish("f5", { data: 2, key: "k" })).toMatchObject({ status: 201, body: { offset: 2 } });
  await until(() => client.ofType("message").length === 2);
  expect(client.ofType("message").map(({ offset }) => offset)).toEqual([1, 2]);
  client.socket.close(1000);
});

test("[F4] a socket that fails while a message is told to all loses none, and holds up no other", async () => {
  const clients = [
    await WorkerClient.connect("ann", { channel: "f4" }),
    await WorkerClient.connect("ben", { channel: "f4" }),
  ];
  await until(() => clients[0]?.ofType("members").length === 1);
  let failures = 1;
  const { send } = WebSocket.prototype;
  vi.spyOn(WebSocket.prototype, "send").mockImplementation(function (this: WebSocket, text) {
    if (String(text).includes('"event":"fragile"') && failures-- > 0) throw new Error("as the test asked");
    send.call(this, text);
  });
  const body = { data: 1, event: "fragile", key: "k" };
  expect((await publish("f4", body)).status).toBe(201);
  expect((await publish("f4", { data: 2, event: "fragile" })).status).toBe(201);
  expect(await publish("f4", body)).toMatchObject({ status: 200, body: { offset: 1, duplicate: true } });
  for (const client of clients) {
    await until(() => client.ofType("message").length === 2);
    expect(client.ofType("message").map(({ offset }) => offset)).toEqual([1, 2]);
    client.socket.close(1000);
  }
});

/** Lets statements that match fail, as a full storage does. */
async function failAt(channel: string, statement: RegExp): Promise<void> {
  await runInDurableObject(env.CHANNEL.getByName(channel), (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const { exec } = prototype;
    vi.spyOn(prototype, "exec").mockImplementation(function (this: SqlStorage, ...args: unknown[]) {
      if (statement.test(String(args[0]))) throw new Error("database or disk is full: SQLITE_FULL");
      return (exec as (...all: unknown[]) => unknown).apply(this, args) as never;
    });
  });
}

test("[F43] a row that storage refuses leaves nothing behind, and the channel goes on", async () => {
  await publish("f43", { data: 1 });
  await failAt("f43", /INSERT INTO message/);
  expect((await publish("f43", { data: 2, key: "k" })).status).toBeGreaterThanOrEqual(500);
  vi.restoreAllMocks();
  expect(await publish("f43", { data: 3, key: "k" })).toMatchObject({ status: 201, body: { offset: 2 } });
  expect((await publish("f43", { data: "x".repeat(40_000) })).status).toBe(413);
});

test("[A33] a captured publish that is sent again is a duplicate, also from many places at once", async () => {
  const init = {
    method: "POST",
    headers: { ...KEY, "Idempotency-Key": "captured" },
    body: '{"data":{"pay":1}}',
  };
  const send = () => request("/v1/channels/a33/messages", init);
  expect((await send()).status).toBe(201);
  const replays = await Promise.all(Array.from({ length: 10 }, send));
  expect(replays.map(({ status }) => status)).toEqual(Array(10).fill(200));
  expect(await log("a33")).toHaveLength(1);
});

test("[IK2] the key stands in the body, in the header, or in both if they agree", async () => {
  const header = (key: string) => ({ "Idempotency-Key": key });
  expect((await publish("ik2", { data: 1, key: "k" })).status).toBe(201);
  expect((await publish("ik2", { data: 1 }, header("k"))).status).toBe(200);
  expect((await publish("ik2", { data: 1, key: "k" }, header("k"))).status).toBe(200);
  expect(await publish("ik2", { data: 1, key: "k" }, header("other"))).toMatchObject({
    status: 400,
    body: { code: "bad_request", errors: [{ path: "Idempotency-Key" }] },
  });
  expect((await publish("ik2", { data: 1 }, header("x".repeat(65)))).status).toBe(400);
  expect((await publish("ik2", { data: 1, key: "" })).body).toMatchObject({ errors: [{ path: "key" }] });
});
