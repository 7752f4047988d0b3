import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { objectsOf } from "../../src/objects/stubs.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const port = (user: string) => objectsOf(env).user(user);
const KEYS = { kind: "back end" } as const;
const STRANGER = { kind: "user", user: "stranger" } as const;

function pass(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}

test("[PR10] turning away is one row and one version, and activity writes nothing", async () => {
  const client = await WorkerClient.connect("away");
  const stub = env.USER.getByName("away");
  const { version = 0 } = await port("away").presence(KEYS);
  const idle = await Meter.on(stub);
  for (let i = 0; i < 5; i++) client.send({ type: "presence", ref: i }); // says nothing, and is activity
  await until(() => client.ofType("ok").length === 5);
  idle.off();
  expect([idle.rows, idle.alarmsSet]).toEqual([0, 0]);
  pass(301_000);
  client.send({ type: "heartbeat", ref: "still here" });
  await until(() => client.ofType("ok").length === 6);
  const meter = await Meter.on(stub);
  await runDurableObjectAlarm(stub);
  meter.off();
  expect(await port("away").presence(KEYS)).toMatchObject({ status: "away", version: version + 1 });
  expect(meter.rows, meter.statements.join("\n")).toBe(1);
  client.socket.close(1000);
});

test("[PR8] sleep changes nothing of what was said, nor of being away", async () => {
  const client = await WorkerClient.connect("sleeps");
  client.send({ type: "presence", status: "busy", text: "deep work", expiresInSeconds: 3600, ref: 1 });
  await until(() => client.ofType("ok").length === 1);
  const { lastActiveAt: _, ...before } = await port("sleeps").presence(KEYS);
  await evictDurableObject(env.USER.getByName("sleeps"), { webSockets: "hibernate" });
  expect(await port("sleeps").presence(KEYS)).toMatchObject(before);
  client.send({ type: "presence", status: null, text: null, ref: 2 });
  await until(() => client.ofType("ok").length === 2);
  pass(301_000);
  client.send({ type: "heartbeat", ref: 3 });
  await until(() => client.ofType("ok").length === 3);
  await runDurableObjectAlarm(env.USER.getByName("sleeps"));
  await evictDurableObject(env.USER.getByName("sleeps"), { webSockets: "hibernate" });
  expect((await port("sleeps").presence(KEYS)).status).toBe("away");
  client.socket.close(1000);
});

test("[PR12] a hidden and an absent user are read with one call, and equally many rows", async () => {
  const client = await WorkerClient.connect("hides");
  await port("hides").setPresence({ visibility: "nobody" });
  const read = vi.spyOn(UserObject.prototype, "presence");
  const costs = [];
  for (const user of ["hides", "absent"]) {
    await port(user).presence(STRANGER);
    read.mockClear();
    const meter = await Meter.on(env.USER.getByName(user));
    const { user: _, ...seen } = await port(user).presence(STRANGER);
    meter.off();
    costs.push([seen, read.mock.calls.length, meter.rowsRead, meter.rows, meter.alarmsSet]);
  }
  expect(costs[0]).toEqual(costs[1]);
  expect(costs[0]?.slice(1)).toEqual([1, 0, 0, 0]);
  client.socket.close(1000);
});

test("[PR7] a setting that ends while the object sleeps has ended when it is read", async () => {
  await port("expires").setPresence({ text: "soon over", expiresInSeconds: 60 });
  const stub = env.USER.getByName("expires");
  expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).not.toBeNull();
  await evictDurableObject(stub);
  pass(61_000);
  const { text, version } = await port("expires").presence(STRANGER);
  expect([text, version]).toEqual([undefined, 2]);
});
