import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import type { ChannelPort } from "../../src/objects/ports.ts";
import type { Delivery } from "../../src/objects/subscribing.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { type HeardFrame, KEY, publish, read, request, tokenFor, until, WorkerClient } from "./client.ts";
import { alarmOf, fill, recovering, run, told } from "./log-reading.ts";
import { ask, heardOf, subscribe } from "./subscribing.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const LOOK_AFTER_MS = 5000;

const owed = (channel: string) =>
  runInDurableObject(env.CHANNEL.getByName(channel), (_, { storage }) =>
    storage.sql.exec<{ user: string }>("SELECT user FROM push_debt").toArray(),
  );

/** What is sent to this user's object from now on: `fails` says of which deliveries nothing arrives. */
function deliveriesTo(
  user: string,
  fails: (delivery: Delivery, n: number) => "error" | "silence" | undefined,
) {
  const { deliver } = UserObject.prototype;
  const sent: Delivery[] = [];
  vi.spyOn(UserObject.prototype, "deliver").mockImplementation(async function (this: UserObject, delivery) {
    const name = (this as unknown as { ctx: DurableObjectState }).ctx.id.name;
    if (name !== user) return deliver.call(this, delivery);
    sent.push(delivery);
    const how = fails(delivery, sent.length);
    if (how === "error") throw new Error("unreachable");
    return how === "silence" ? new Promise<never>(() => undefined) : deliver.call(this, delivery);
  });
  return sent;
}

/** Time stands, so much later. */
function pass(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}

const settled = (channel: string) => until(async () => (await owed(channel)).length === 0, 15_000);

test("[SU12] a user whose object fails holds up nobody, costs one row, and is told what it missed", async () => {
  const ann = await WorkerClient.connect("su12-ann");
  const ben = await WorkerClient.connect("su12-ben");
  for (const client of [ann, ben]) await subscribe(client, "su12");
  await until(() => ann.ofType("members").length > 0);
  const sent = deliveriesTo("su12-ann", (_, n) => (n === 1 ? "error" : undefined));
  await publish("su12", { data: 1 });
  await until(async () => (await owed("su12")).length === 1);
  await fill("su12", 2, 5);
  await until(() => heardOf(ben, "su12").length === 5);
  expect(sent).toHaveLength(1); // while it is owed nothing else is sent there
  expect(heardOf(ann, "su12")).toEqual([]);
  await settled("su12");
  await until(() => heardOf(ann, "su12").length === 5);
  expect(heardOf(ann, "su12")).toEqual(run(1, 5));
  expect(ann.ofType("subscribed").at(-1)).toMatchObject({ recovered: true, channel: "su12" });
  expect(ann.ofType("subscribed").at(-1)?.ref).toBeUndefined();
  await publish("su12", { data: 6 });
  await until(() => heardOf(ann, "su12").length === 6);
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[SU12] a call that hangs is given up after ten seconds, and becomes a debt", async () => {
  const ann = await WorkerClient.connect("su12-hangs");
  await subscribe(ann, "su12-hangs");
  await publish("su12-hangs", { data: 1 });
  await until(() => heardOf(ann, "su12-hangs").length === 1);
  const sent = deliveriesTo("su12-hangs", (_, n) => (n === 1 ? "silence" : undefined));
  await publish("su12-hangs", { data: 2 });
  await until(() => sent.length === 1);
  const stub = env.CHANNEL.getByName("su12-hangs");
  for (const [passed, debts] of [
    [6_000, 0],
    [6_000, 1],
  ] as const) {
    pass(passed);
    await runDurableObjectAlarm(stub);
    expect(await owed("su12-hangs")).toHaveLength(debts);
  }
  pass(6_000);
  await runDurableObjectAlarm(stub);
  await until(() => heardOf(ann, "su12-hangs").length === 2);
  await settled("su12-hangs");
  ann.socket.close(1000);
});

test("[SU23] who is erased leaves every channel at once, and who is ended after the grace", async () => {
  const clients = await Promise.all(["su23-erased", "su23-ended"].map((user) => WorkerClient.connect(user)));
  for (const client of clients) await subscribe(client, "su23");
  const members = async () =>
    ((await read("/v1/channels/su23/members")).members as { user: string }[]).map(({ user }) => user);
  expect(await members()).toEqual(["su23-ended", "su23-erased"]);
  pass(0); // no grace passes
  await request("/v1/users/su23-erased", { method: "DELETE", headers: KEY });
  await request("/v1/users/su23-ended/sessions", { method: "DELETE", headers: KEY });
  await until(async () => (await read("/v1/channels/su23")).subscribers === 0);
  expect(await members()).toEqual(["su23-ended"]);
  pass(1000);
  await until(async () => (await members()).length === 0);
  await until(() => clients.every(({ closeCode }) => closeCode === 4502));
});

test("[SU13] what a crash cut off after it was stored is heard within 5 s, also when nothing else is said", async () => {
  const ann = await WorkerClient.connect("su13-ann");
  const first = await WorkerClient.connect("su13-ben", { channel: "su13" });
  const { epoch } = await subscribe(ann, "su13");
  await publish("su13", { data: 1 });
  await until(() => heardOf(ann, "su13").length === 1 && told(first).length === 1);
  deliveriesTo("su13-ann", (_, n) => (n === 1 ? "silence" : undefined));
  const stub = env.CHANNEL.getByName("su13");
  await publish("su13", { data: 2 }); // stored, and its delivery never arrives
  const at = Date.now();
  await runInDurableObject(stub, (_, state) => state.abort()).catch(() => undefined);
  await until(() => first.closeCode !== undefined); // the sockets went with it, and come back by themselves
  const second = await recovering("su13-ben", "su13", { epoch: String(epoch), offset: 1 });
  await until(() => heardOf(ann, "su13").length === 2, 2 * LOOK_AFTER_MS);
  expect(Date.now() - at).toBeLessThan(LOOK_AFTER_MS + 1000);
  expect(heardOf(ann, "su13")).toEqual([1, 2]);
  expect(told(second)).toEqual([2]);
  for (const { socket } of [ann, second]) socket.close(1000);
});

test("[SU13] [SU14] the same where nobody touches the channel again: its alarm does, one for all that is said in 5 s", async () => {
  const ann = await WorkerClient.connect("su13-silent");
  await subscribe(ann, "su13-silent");
  await until(async () => (await alarmOf("su13-silent")) !== null);
  const set = await alarmOf("su13-silent");
  await fill("su13-silent", 1, 20);
  await until(() => heardOf(ann, "su13-silent").length === 20);
  expect(await alarmOf("su13-silent")).toBe(set); // one alarm looks after all of it
  deliveriesTo("su13-silent", (_, n) => (n === 1 ? "silence" : undefined));
  await publish("su13-silent", { data: 21 });
  await runInDurableObject(env.CHANNEL.getByName("su13-silent"), (_, state) => state.abort()).catch(
    () => undefined,
  );
  await until(() => heardOf(ann, "su13-silent").length === 21, 2 * LOOK_AFTER_MS);
  expect(heardOf(ann, "su13-silent")).toEqual(run(1, 21));
  ann.socket.close(1000);
});

test.each([
  ["hiding", { type: "presence", status: "invisible" }, "[null,null]"],
  ["status", { type: "presence", status: "busy" }, '["busy",["web"]]'],
  ["device", { type: "heartbeat", device: { type: "tv" } }, '["online",["tv"]]'],
])("[SU13] so is a change of %s in a channel where nothing was said for long", async (what, frame, look) => {
  const channel = `su13-quiet-${what}`;
  const ann = await WorkerClient.connect(`su13-${what}`, { query: { device_type: "web" } });
  const ben = await WorkerClient.connect(`su13-${what}-ben`);
  await subscribe(ann, channel);
  await subscribe(ben, channel);
  const stub = env.CHANNEL.getByName(channel);
  const isStored = () =>
    runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec("UPDATE session SET connected_at = connected_at - 600000");
      const found = (query: string) => storage.sql.exec(query).toArray().length === 1;
      return (
        found("SELECT 1 FROM member_state WHERE version > 0") ||
        found("SELECT 1 FROM session WHERE device LIKE '%tv%'")
      );
    });
  await until(async () => (await alarmOf(channel)) !== null);
  const sent = deliveriesTo(`su13-${what}-ben`, ({ said }) => (said.length > 0 ? "silence" : undefined));
  expect(await isStored()).toBe(false);
  await ask(ann, frame);
  await until(isStored);
  await until(() => sent.length > 0);
  const heard = ben.frames.length;
  const at = Date.now();
  await runInDurableObject(stub, (_, state) => state.abort()).catch(() => undefined);
  const shown = () => {
    const told = ben.frames.slice(heard).findLast(({ type }) => type === "subscribed");
    const members = told?.members as { user: string; status?: string; devices?: string[] }[] | undefined;
    const member = members?.find(({ user }) => user === `su13-${what}`);
    return members && JSON.stringify([member?.status, member?.devices]);
  };
  await until(() => shown() === look, 2 * LOOK_AFTER_MS);
  expect(Date.now() - at).toBeLessThan(LOOK_AFTER_MS + 1000);
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[SU13] an alarm looks after what waits for the end of a tick", async () => {
  const ann = await WorkerClient.connect("su13-tick");
  await subscribe(ann, "su13-tick");
  const stub = env.CHANNEL.getByName("su13-tick");
  /** The alarm right after this was said, before the tick can end. */
  const say = (version: number, status: "busy" | "away" | "online") =>
    runInDurableObject(stub, async (instance, { storage }) => {
      const object = instance as unknown as ChannelPort;
      await object.setMember("su13-tick", [String(ann.session)], { version, status, isHidden: false });
      return (await storage.getAlarm()) ?? Number.POSITIVE_INFINITY;
    });
  pass(2 * LOOK_AFTER_MS);
  await runDurableObjectAlarm(stub); // nothing is left to look after
  await say(1000, "busy");
  pass(LOOK_AFTER_MS - 20);
  const heard = ann.ofType("members").length;
  await say(1001, "away"); // told at once
  await until(() => ann.ofType("members").length > heard);
  await scheduler.wait(100); // no call is under way; the clock stands meanwhile
  pass(20);
  await runDurableObjectAlarm(stub);
  expect((await alarmOf("su13-tick")) ?? Number.POSITIVE_INFINITY).toBeGreaterThan(
    Date.now() + LOOK_AFTER_MS,
  );
  expect(await say(1002, "online")).toBe(Date.now() + LOOK_AFTER_MS); // it waits
  ann.socket.close(1000);
});

test("[F29] a delivery that gets lost is noticed with the next, or by a check, and made good in order", async () => {
  const ann = await WorkerClient.connect("f29");
  const { epoch } = await subscribe(ann, "f29");
  await publish("f29", { data: 1 });
  await until(() => heardOf(ann, "f29").length === 1);
  vi.spyOn(UserObject.prototype, "deliver").mockResolvedValueOnce({ gone: [] }); // taken, and told to nobody
  await publish("f29", { data: 2 });
  await publish("f29", { data: 3 });
  await until(() => heardOf(ann, "f29").length === 3);
  expect(heardOf(ann, "f29")).toEqual(run(1, 3));
  vi.spyOn(UserObject.prototype, "deliver").mockResolvedValueOnce({ gone: [] });
  await publish("f29", { data: 4 });
  expect(await subscribe(ann, "f29", { epoch, offset: 3 })).toMatchObject({ messages: [{ offset: 4 }] });
  ann.socket.close(1000);
});

test("[SU15] a long recovery comes page by page, at most 500 rows in a turn, and nothing new before its end", async () => {
  const channel = "su15";
  const first = await WorkerClient.connect(channel);
  const { epoch } = await subscribe(first, channel);
  first.socket.close(1000);
  await fill(channel, 1, 900); // retention keeps a thousand
  const turns: number[] = [0];
  await runInDurableObject(env.CHANNEL.getByName(channel), (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const { exec } = prototype;
    vi.spyOn(prototype, "exec").mockImplementation(function (this: SqlStorage, ...args: unknown[]) {
      const cursor = (exec as (...all: unknown[]) => SqlStorageCursor<never>).apply(this, args);
      if (!/^SELECT offset, at, event/.test(String(args[0]))) return cursor;
      const found = cursor.toArray();
      turns[turns.length - 1] = (turns.at(-1) ?? 0) + found.length;
      queueMicrotask(() => turns.at(-1) !== 0 && turns.push(0));
      return { toArray: () => found } as never;
    });
  });
  const second = await WorkerClient.connect(channel);
  const answer = subscribe(second, channel, { epoch, offset: 0 });
  let said = 900;
  const heard = () => heardOf(second, channel).at(-1) ?? 0;
  while (heard() < 900) said = Number((await publish(channel, { data: "meanwhile" })).body.offset);
  expect(await answer).toMatchObject({ recovered: true });
  expect((await answer).messages).toHaveLength(100);
  await until(() => heard() === said);
  expect(heardOf(second, channel)).toEqual(run(1, said));
  expect(Math.max(...turns)).toBeLessThanOrEqual(500);
  expect(second.ofType("subscribed")).toHaveLength(1);
  second.socket.close(1000);
});

test("[SU16] a subscription of which the user's object knows nothing ends, and its member leaves", async () => {
  const ann = await WorkerClient.connect("su16");
  await subscribe(ann, "su16");
  const stub = env.USER.getByName("su16");
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
  await evictDurableObject(stub, { webSockets: "close" });
  expect((await read("/v1/channels/su16")).subscribers).toBe(1);
  await publish("su16", { data: 1 });
  await until(async () => (await read("/v1/channels/su16")).subscribers === 0);
  await until(async () => (await read("/v1/channels/su16")).members === 0);
});

test("[SU17] a channel that does not answer is `unavailable`, and nothing of it is left there", async () => {
  const { ChannelObject } = await import("../../src/channel/channel-object.ts");
  const ann = await WorkerClient.connect("su17");
  const { subscribe: original } = ChannelObject.prototype;
  vi.spyOn(ChannelObject.prototype, "subscribe").mockImplementationOnce(async function (
    this: InstanceType<typeof ChannelObject>,
    request,
  ) {
    await original.call(this, request);
    throw new Error("the answer is lost");
  });
  vi.spyOn(UserObject.prototype, "deliver").mockRejectedValue(new Error("unreachable")); // nor does this end it
  expect(await subscribe(ann, "su17")).toMatchObject({
    type: "error",
    code: "unavailable",
    retryAfterMs: 1000,
  });
  await until(async () => (await read("/v1/channels/su17")).members === 0);
  vi.restoreAllMocks();
  expect(await subscribe(ann, "su17")).toMatchObject({ type: "subscribed", count: 1 });
  ann.socket.close(1000);
});

test("[A14] a new token without the right ends the subscription, and keeps the others", async () => {
  const ann = await WorkerClient.connect("a14-sub");
  for (const channel of ["a14-kept", "a14-lost"]) await subscribe(ann, channel);
  const token = await tokenFor("a14-sub", { channels: { "a14-kept": ["subscribe"] } });
  expect(await ask(ann, { type: "auth", token })).toMatchObject({ type: "ok" });
  await until(() => ann.ofType("error").length === 1);
  expect(ann.ofType("error")[0]).toMatchObject({ code: "forbidden", channel: "a14-lost" });
  for (const channel of ["a14-lost", "a14-kept"]) await publish(channel, { data: 1 });
  await until(() => heardOf(ann, "a14-kept").length === 1);
  expect(heardOf(ann, "a14-lost")).toEqual([]);
  await until(async () => (await read("/v1/channels/a14-lost")).members === 0);
  expect(await subscribe(ann, "a14-lost")).toMatchObject({ code: "forbidden" });
  ann.socket.close(1000);
});

test("[SU18] rosters show status and device of who is subscribed, as they change", async () => {
  const ann = await WorkerClient.connect("su18");
  const ben = await WorkerClient.connect("su18-ben", { channel: "su18" });
  await subscribe(ann, "su18");
  const shown = async () => (await read("/v1/channels/su18/members")).members as Record<string, unknown>[];
  await ask(ann, { type: "presence", status: "busy" });
  await until(async () => (await shown())[0]?.status === "busy");
  await ask(ann, { type: "heartbeat", device: { type: "tv" } });
  await until(async () => JSON.stringify((await shown())[0]?.devices) === '["tv"]');
  const isTold = ({ joined, changed }: HeardFrame) =>
    JSON.stringify([joined, changed]).includes('"devices":["tv"]');
  await until(() => ben.ofType("members").some(isTold));
  await ask(ann, { type: "presence", status: "invisible" });
  await until(async () => (await shown())[0]?.hidden === true);
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[SU19] while a user is subscribed its silent connections end within twice the TTL", async () => {
  const ann = await WorkerClient.connect("su19");
  const stub = env.USER.getByName("su19");
  const next = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  const unseen = (await next()) ?? 0;
  expect(unseen - Date.now()).toBeGreaterThan(200_000);
  await subscribe(ann, "su19");
  await until(async () => ((await next()) ?? unseen) - Date.now() <= 60_000);
  ann.socket.close(1000);
});
