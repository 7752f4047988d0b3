import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { KEY, publish, read, request, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { ask, heardOf, subscribe } from "./subscribing.ts";

const sessionsOf = async (user: string) =>
  ((await read(`/v1/users/${user}/sessions`)).sessions as unknown[]).length;
const isOffline = async (user: string) => (await read(`/v1/users/${user}/presence`)).status === "offline";

const alarmOf = (stub: DurableObjectStub) => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());

/** The directory has heard that both are there, so that no row of a connect is counted as one of what follows. */
async function listed(user: string, channel: string): Promise<void> {
  await until(async () => {
    const { users } = (await read("/v1/presence?limit=1000")) as { users: { user: string }[] };
    const { channels } = (await read(`/v1/channels?prefix=${channel}`)) as { channels: object[] };
    return channels.length > 0 && users.some((online) => online.user === user);
  });
}

/** Likewise that a user has left, and where it was. */
async function unlisted(user: string, channel: string): Promise<void> {
  const rows = (stub: DurableObjectStub, query: string) =>
    runInDurableObject(stub, (_, { storage }) => storage.sql.exec(query).toArray().length);
  await until(() => isOffline(user));
  await until(async () => {
    const left = await rows(env.USER.getByName(user), "SELECT 1 FROM user WHERE owes_directory = 1");
    return left + (await rows(env.CHANNEL.getByName(channel), "SELECT 1 FROM session")) === 0;
  });
}

/** The objects of a name that was used before: their tables exist, and nothing is under way. */
async function warmed(user: string, channel?: string): Promise<void> {
  const client = await WorkerClient.connect(user, channel === undefined ? {} : { channel });
  client.socket.close(1000);
  await until(() => isOffline(user));
  if (channel !== undefined) {
    await until(async () => (await read(`/v1/channels/${channel}/members`)).count === 0);
  }
  const stubs = [
    env.USER.getByName(user),
    ...(channel === undefined ? [] : [env.CHANNEL.getByName(channel)]),
  ];
  // What each owed the directory was retried in vain after five seconds.
  for (const stub of stubs) await until(async () => (await alarmOf(stub)) === null, 15_000);
}

test("[CT1] a user connection and its clean end write at most 10 rows over all objects", async () => {
  await warmed("cost-user");
  const meter = await Meter.on(env.USER.getByName("cost-user"));
  const client = await WorkerClient.connect("cost-user");
  client.socket.close(1000);
  await until(() => isOffline("cost-user"));
  meter.off();
  expect(meter.schemaRows).toBe(0);
  expect(meter.billed, meter.statements.join("\n")).toBeLessThanOrEqual(10);
  expect(meter.rows).toBeGreaterThan(0);
});

test("[CT2] a channel connection and its clean end write at most 18 rows over all objects", async () => {
  await warmed("cost-member", "cost");
  const meter = await Meter.on(env.USER.getByName("cost-member"));
  const client = await WorkerClient.connect("cost-member", { channel: "cost" });
  client.socket.close(1000);
  await until(() => isOffline("cost-member"));
  await until(async () => (await read("/v1/channels/cost/members")).count === 0);
  meter.off();
  expect(meter.schemaRows).toBe(0);
  expect(meter.billed, meter.statements.join("\n")).toBeLessThanOrEqual(18);
  expect(meter.rows).toBeGreaterThan(0);
});

test("[CT3] heartbeats write no row, set no alarm and wake nobody", async () => {
  const own = await WorkerClient.connect("beat", { device: "desktop" });
  const there = await WorkerClient.connect("beat", { channel: "beat" });
  const stubs = [env.USER.getByName("beat"), env.CHANNEL.getByName("beat")];
  const meter = await Meter.on(env.USER.getByName("beat"));
  for (const stub of stubs) await evictDurableObject(stub, { webSockets: "hibernate" });
  for (let i = 0; i < 20; i++) {
    own.send("ping");
    there.send("ping");
  }
  await until(() => own.pongs === 20 && there.pongs === 20);
  // Evicting what sleeps is refused: nothing was woken.
  for (const stub of stubs) await expect(evictDurableObject(stub)).rejects.toThrow("not currently running");
  for (let i = 0; i < 20; i++) there.send({ type: "heartbeat", ref: i });
  await until(() => there.ofType("ok").length === 20);
  meter.off();
  expect([meter.rows, meter.alarmsSet]).toEqual([0, 0]);
});

test("[CT4] a flap inside the grace writes session rows only", async () => {
  const first = await WorkerClient.connect("flap", { channel: "flap" });
  const meter = await Meter.on(env.USER.getByName("flap"));
  first.socket.close(1000);
  await until(async () => (await sessionsOf("flap")) === 0);
  const second = await WorkerClient.connect("flap", { channel: "flap" });
  await new Promise((resolve) => setTimeout(resolve, 800)); // longer than the grace of these tests
  meter.off();
  expect(meter.statements.filter((statement) => !/\bsession\b/.test(statement))).toEqual([]);
  expect(second.ofType("members")).toEqual([]);
  second.socket.close(1000);
  await unlisted("flap", "flap");
});

test("[CT5] a plain publish writes one row", async () => {
  const client = await WorkerClient.connect("writer", { channel: "writing" });
  await listed("writer", "writing");
  const meter = await Meter.on(env.CHANNEL.getByName("writing"));
  for (let i = 0; i < 10; i++) client.send({ type: "publish", data: i });
  await until(() => client.ofType("message").length === 10);
  meter.off();
  expect([meter.rows, meter.alarmsSet]).toEqual([10, 0]);
});

test("[F17] a message to a channel that sleeps writes its row, sets no alarm and tells nobody anything else", async () => {
  const client = await WorkerClient.connect("asleep", { channel: "asleep" });
  await listed("asleep", "asleep");
  const stub = env.CHANNEL.getByName("asleep");
  const meter = await Meter.on(stub);
  await evictDurableObject(stub, { webSockets: "hibernate" });
  await publish("asleep", { data: "good morning" });
  await until(() => client.ofType("message").length === 1);
  await new Promise((resolve) => setTimeout(resolve, 500));
  meter.off();
  expect([meter.rows, meter.alarmsSet], meter.statements.join("\n")).toEqual([1, 0]);
  const others = client.frames.filter(({ type }) => !["welcome", "message", "members"].includes(type));
  expect([client.ofType("message").length, others]).toEqual([1, []]);
  client.socket.close(1000);
  await unlisted("asleep", "asleep");
});

test("[CT6] reading what nobody ever used writes nothing", async () => {
  const meter = await Meter.on(env.USER.getByName("warm-up"));
  for (const path of [
    "/v1/users/ghost/presence",
    "/v1/users/ghost/sessions",
    "/v1/channels/ghost",
    "/v1/channels/ghost/members",
    "/v1/channels/ghost/messages",
  ]) {
    expect((await read(path)).code).toBeUndefined();
  }
  meter.off();
  expect([meter.rows, meter.schemaRows, meter.alarmsSet]).toEqual([0, 0, 0]);
});

test("[CT20] to end, erase or give up what never was writes nothing", async () => {
  const meter = await Meter.on(env.USER.getByName("warm-up"));
  for (const path of ["", "/sessions", "/watching/nobody"]) {
    const answer = await request(`/v1/users/never-was${path}`, { method: "DELETE", headers: KEY });
    expect(answer.status).toBe(204);
  }
  meter.off();
  expect([meter.rows, meter.schemaRows, meter.alarmsSet], meter.statements.join("\n")).toEqual([0, 0, 0]);
});

test("[CT7] an object without sessions has no alarm", async () => {
  await warmed("quiet", "quiet");
  for (const stub of [env.USER.getByName("quiet"), env.CHANNEL.getByName("quiet")]) {
    expect(await alarmOf(stub)).toBeNull();
  }
});

test("[CT9] the sweep of a sleeping object sets one alarm", async () => {
  const there = await WorkerClient.connect("sweep", { channel: "sweep" });
  const own = await WorkerClient.connect("sweep");
  for (const stub of [env.USER.getByName("sweep"), env.CHANNEL.getByName("sweep")]) {
    const meter = await Meter.on(stub);
    await runInDurableObject(stub, (_, { storage }) => storage.setAlarm(Date.now() + 200));
    await evictDurableObject(stub, { webSockets: "hibernate" });
    // The alarm wakes it by itself; anything else that asked would wake it first.
    await new Promise((resolve) => setTimeout(resolve, 600));
    meter.off();
    expect([meter.alarmsSet, meter.rows]).toEqual([2, 0]); // the one above, and the next
  }
  there.socket.close(1000);
  own.socket.close(1000);
  await unlisted("sweep", "sweep");
});

test("[CT10] a status that one channel shows writes at most 6 rows over all objects, a text that no roster shows two", async () => {
  const there = await WorkerClient.connect("says", { channel: "says" });
  await listed("says", "says");
  const stub = env.USER.getByName("says");
  const say = async (change: object) => {
    const answers = there.ofType("ok").length;
    there.send({ type: "presence", ...change, ref: 1 });
    await until(() => there.ofType("ok").length > answers);
  };
  const isShown = async () => {
    const { members } = await read("/v1/channels/says/members");
    return (members as { status: string }[])[0]?.status === "busy";
  };
  const hasPaid = () =>
    runInDurableObject(
      stub,
      (_, { storage }) => storage.sql.exec("SELECT 1 FROM roster_debt").toArray().length === 0,
    );
  const shown = await Meter.on(stub);
  await say({ status: "busy" });
  await until(isShown);
  await until(hasPaid);
  shown.off();
  expect(shown.billed, shown.statements.join("\n")).toBeLessThanOrEqual(6);
  const unseen = await Meter.on(stub);
  await say({ text: "no roster shows this" });
  unseen.off();
  expect([unseen.rows, unseen.alarmsSet]).toEqual([2, 0]);
  there.socket.close(1000);
  await unlisted("says", "says"); // the meter counts all objects
});

test("[CT14] a subscription writes at most 3 rows over all objects, its end by a frame 3 and two alarms, and what is told to subscribers none", async () => {
  const there = await WorkerClient.connect("sub-there", { channel: "sub-cost" });
  const own = await WorkerClient.connect("sub-cost");
  const stub = env.CHANNEL.getByName("sub-cost");
  const rows = () =>
    runInDurableObject(stub, (_, { storage }) => storage.sql.exec("SELECT 1 FROM session").toArray());
  const turn = async () => {
    await subscribe(own, "sub-cost");
    await ask(own, { type: "unsubscribe", channel: "sub-cost" });
    await until(async () => (await rows()).length === 1, 15_000);
  };
  await turn(); // the directory has heard of it, and the tables are there
  await until(async () => (await alarmOf(stub)) !== null);
  const before = there.ofType("members").length;
  const begins = await Meter.on(stub);
  await subscribe(own, "sub-cost");
  await until(() => there.ofType("members").length > before);
  begins.off();
  expect(begins.billed, begins.statements.join("\n")).toBeLessThanOrEqual(3);
  const says = await Meter.on(stub);
  for (let i = 0; i < 10; i++) await publish("sub-cost", { data: i });
  await until(() => heardOf(own, "sub-cost").length === 10);
  says.off();
  expect([says.rows, says.alarmsSet]).toEqual([10, expect.any(Number)]);
  expect(says.alarmsSet).toBeLessThanOrEqual(2); // what looks after it in 5 s, and retention
  const ends = await Meter.on(stub);
  await ask(own, { type: "unsubscribe", channel: "sub-cost" });
  await until(async () => (await rows()).length === 1, 15_000);
  ends.off();
  expect(ends.rows, ends.statements.join("\n")).toBeLessThanOrEqual(3);
  expect(ends.alarmsSet).toBeLessThanOrEqual(2);
  for (const { socket } of [there, own]) socket.close(1000);
});

test("[CT15] the end of a session writes nothing about its subscriptions here: the row is the debt, and goes", async () => {
  const there = await WorkerClient.connect("sub-end-there", { channel: "sub-end" });
  const stub = env.CHANNEL.getByName("sub-end");
  const rows = () =>
    runInDurableObject(stub, (_, { storage }) => storage.sql.exec("SELECT 1 FROM session").toArray());
  const own = await WorkerClient.connect("sub-end");
  const staying = await WorkerClient.connect("sub-end");
  await subscribe(own, "sub-end");
  const meter = await Meter.on(stub);
  own.socket.close(1000);
  await until(async () => (await rows()).length === 1, 15_000);
  meter.off();
  expect(meter.statements.filter((statement) => /subscription/.test(statement))).toEqual([
    "DELETE FROM subscription WHERE session = ? AND channel = ?",
  ]);
  for (const { socket } of [there, staying]) socket.close(1000);
});
