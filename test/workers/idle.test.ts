import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { read, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

/** This file runs with a TTL of two seconds (vitest.config.ts), so that many of them pass in real time. */
const TTL_SECONDS = 2;
const TTLS = 21;

test("[CT8] in twenty TTLs a channel of fifty wakes once per TTL and a user connection twice", async () => {
  const clients: WorkerClient[] = [];
  // From the first connection on: on a busy machine the last one may come later than a TTL.
  const pinging = setInterval(() => {
    for (const client of clients) client.send("ping");
  }, 300);
  for (let i = 0; i < 50; i++) clients.push(await WorkerClient.connect(`idle-${i}`, { channel: "idle" }));
  clients.push(await WorkerClient.connect("idle-own"));
  // The last change of the count is told within ten seconds; from then on nothing changes.
  await until(async () => JSON.stringify(await read("/v1/channels")).includes('"members":50'), 15_000);
  const channelAlarms = vi.spyOn(ChannelObject.prototype, "alarm");
  const userAlarms = vi.spyOn(UserObject.prototype, "alarm");
  const meter = await Meter.on(env.USER.getByName("idle-own"));
  const since = Date.now();
  await new Promise((resolve) => setTimeout(resolve, TTLS * TTL_SECONDS * 1000));
  meter.off();
  clearInterval(pinging);
  const passed = (Date.now() - since) / 1000 / TTL_SECONDS;
  expect(channelAlarms.mock.calls.length).toBeLessThanOrEqual(passed + 1); // the first may come at once
  expect(channelAlarms.mock.calls.length).toBeGreaterThan(TTLS / 2);
  // Fifty users are kept by the channel: their own objects sleep. Only the one with a connection of its own wakes.
  expect(userAlarms.mock.calls.length).toBeLessThanOrEqual(passed / 10 + 1);
  expect(userAlarms.mock.calls.length).toBeGreaterThan(0);
  expect(meter.rows).toBe(0);
  expect(await read("/v1/channels/idle/members?limit=1")).toMatchObject({ count: 50, sessions: 50 });
  expect(await read("/v1/users/idle-own/presence")).toMatchObject({ status: "online" });
}, 120_000);
