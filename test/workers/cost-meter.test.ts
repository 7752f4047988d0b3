import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { shardNames } from "../../src/objects/shards.ts";
import type { Costs } from "../../src/protocol/costs.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { publish, read, until, WorkerClient } from "./client.ts";
import { eventsOf } from "./events.ts";
import { Meter } from "./meter.ts";
import { say } from "./watch.ts";

/** This file runs with `COST_SAMPLE=1` (vitest.config.ts): every window is told. */

/** Longer than a window, and than a shard gathers what it is told. */
const atRest = () => new Promise((resolve) => setTimeout(resolve, 2500));

const costs = async () => (await read("/v1/stats")).costs as Costs;
const totalOf = (all: Costs, field: "rowsWritten" | "alarms") =>
  (["user", "channel", "directory", "meter"] as const).reduce(
    (sum, kind) => sum + (all[kind]?.[field] ?? 0),
    0,
  );

test("[CM5] counting comes to rest: nothing that it does is news for it", async () => {
  await costs();
  await atRest();
  const meter = await Meter.on(env.USER.getByName("cm-quiet"));
  await atRest();
  meter.off();
  expect(meter.statements).toEqual([]);
  expect((await costs()).meter?.rowsWritten).toBeGreaterThan(0);
});

test("[CM1] at rest the figures are what came, and what the platform would bill", async () => {
  const userEvents = eventsOf(UserObject);
  const channelEvents = eventsOf(ChannelObject);
  const own = await WorkerClient.connect("cm-own");
  await atRest();
  const meter = await Meter.on(env.USER.getByName("cm-own"));
  const before = await costs();
  const members = await Promise.all(
    Array.from({ length: 5 }, (_, i) => WorkerClient.connect(`cm-${i}`, { channel: "cm" })),
  );
  const [first] = members;
  for (let i = 0; i < 30; i++) first?.send({ type: "publish", data: i });
  for (let i = 0; i < 3; i++) await publish("cm", { data: i, key: "the same" });
  own.send({ type: "subscribe", channel: "cm", ref: 1 });
  await say("cm-1", { status: "busy" });
  await until(() => first?.ofType("message").length === 31);
  for (const { socket } of [...members, own]) socket.close(1000);
  await until(async () => (await read("/v1/channels/cm")).members === 0);
  // Debts of five seconds are paid, and what looked after what was said has rung.
  await new Promise((resolve) => setTimeout(resolve, 6000));
  await atRest();
  meter.off();
  const after = await costs();
  expect(after.user?.events).toEqual(userEvents);
  expect(after.channel?.events).toEqual(channelEvents);
  expect(channelEvents).toMatchObject({ connect: 5, frame: 30, close: 5 });
  expect(after.channel?.requests).toBe(channelEvents.call + 5 + channelEvents.alarm + 30 / 20);
  expect(totalOf(after, "rowsWritten") - totalOf(before, "rowsWritten")).toBe(meter.rows + meter.schemaRows);
  expect(totalOf(after, "alarms") - totalOf(before, "alarms")).toBe(meter.alarmsSet);
  expect(meter.rows).toBeGreaterThan(50);
  expect(after.since).toBeLessThan(Date.now());
});

test("[CM8] a kind of object is known by its binding, and each counts for itself", async () => {
  const before = await costs();
  await read("/v1/users/cm-nobody/presence");
  await atRest();
  const after = await costs();
  expect((after.user?.events.call ?? 0) - (before.user?.events.call ?? 0)).toBe(1);
  expect(after.channel?.events).toEqual(before.channel?.events);
});

test("[CM1] of a waking only what came first is the cause", async () => {
  const { socket } = await WorkerClient.connect("cm-woken", { channel: "cm-woken" });
  const channel = env.CHANNEL.getByName("cm-woken");
  await atRest();
  const before = await costs();
  await evictDurableObject(channel, { webSockets: "hibernate" });
  for (let i = 0; i < 3; i++) socket.send(JSON.stringify({ type: "heartbeat" }));
  await atRest();
  const after = await costs();
  expect((after.channel?.wakes.frame ?? 0) - (before.channel?.wakes.frame ?? 0)).toBe(1);
  expect((after.channel?.events.frame ?? 0) - (before.channel?.events.frame ?? 0)).toBe(3);
  expect(after.channel?.wakes.call).toBe(before.channel?.wakes.call);
  socket.close(1000);
});

test("[CM4] shards that sleep have forgotten nothing", async () => {
  await atRest();
  const before = await costs();
  await atRest(); // what that reading has cost is told
  for (const shard of shardNames(4)) await evictDurableObject(env.DIRECTORY.getByName(shard));
  const after = await costs();
  expect([after.user, after.channel, after.since]).toEqual([before.user, before.channel, before.since]);
  expect(after.directory?.events.call).toBe((before.directory?.events.call ?? 0) + 8);
});
