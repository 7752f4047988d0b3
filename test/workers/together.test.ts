import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { KEY, read, request, until, WorkerClient } from "./client.ts";
import { subscribe } from "./subscribing.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const sessionsOf = async (user: string) =>
  ((await read(`/v1/users/${user}/sessions`)).sessions as unknown[]).length;

/** How often each of these methods is called, from now on. */
function callsOf(of: object, ...methods: string[]) {
  const spies = methods.map((method) => vi.spyOn(of as Record<string, () => unknown>, method));
  return () => spies.map(({ mock }) => mock.calls.length);
}

test("[LN5] twenty sessions of a user that a channel loses at once are one call to the user's object", async () => {
  const tabs = Array.from({ length: 20 }, () => WorkerClient.connect("ln5", { channel: "ln5" }));
  await Promise.all(tabs);
  const calls = callsOf(UserObject.prototype, "ended", "endedTogether");
  await evictDurableObject(env.CHANNEL.getByName("ln5"), { webSockets: "close" });
  await read("/v1/channels/ln5/members"); // wakes it: it finds out
  await until(async () => (await sessionsOf("ln5")) === 0);
  expect(calls()).toEqual([0, 1]);
  await until(async () => (await read("/v1/channels/ln5/members")).count === 0);
});

test("[LN5] twenty sessions that an order ends in one channel are told back in few calls", async () => {
  await Promise.all(
    Array.from({ length: 20 }, () => WorkerClient.connect("ln5-all", { channel: "ln5-all" })),
  );
  const calls = callsOf(UserObject.prototype, "ended", "endedTogether");
  await request("/v1/users/ln5-all/sessions", { method: "DELETE", headers: KEY });
  await until(async () => (await read("/v1/channels/ln5-all")).sessions === 0);
  const [ended = 0, together = 0] = calls();
  expect(ended + together).toBeLessThan(20);
});

test("[LN5] what lost sessions were subscribed to is one call to each channel", async () => {
  const channels = Array.from({ length: 10 }, (_, i) => `ln5-sub-${i}`);
  const devices = await Promise.all(Array.from({ length: 5 }, () => WorkerClient.connect("ln5-sub")));
  for (const channel of channels) await Promise.all(devices.map((device) => subscribe(device, channel)));
  const calls = callsOf(ChannelObject.prototype, "unsubscribe", "unsubscribeTogether");
  await evictDurableObject(env.USER.getByName("ln5-sub"), { webSockets: "close" });
  expect(await sessionsOf("ln5-sub")).toBe(0); // it is awake, and has found out
  const left = async (channel: string) => (await read(`/v1/channels/${channel}/members`)).count === 0;
  for (const channel of channels) await until(() => left(channel));
  expect(calls()).toEqual([0, 10]);
});
