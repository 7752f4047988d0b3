import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import { requestsOf } from "../../src/objects/costs.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { until, WorkerClient } from "../workers/client.ts";
import { type Events, eventsOf } from "../workers/events.ts";
import { Meter } from "../workers/meter.ts";
import { ask, heardOf, subscribe } from "../workers/subscribing.ts";
import { rows, seen, watch } from "../workers/watch.ts";

/*
 * What each thing that a user can do costs, over all objects: rows and alarms as the platform counts them, requests
 * as it bills them. Counts, so the machine does not matter; how long objects run is not in them. Where calls wait
 * for one another, which they do on the platform, more of them leave as one than here.
 */
const PER_MILLION = { request: 0.15, rowWritten: 1 };
const TIMES = 10;
/** What is owed after five seconds is paid, and what is told in a moment is told. */
const REST_MS = 7000;

const events: Events[] = [UserObject, ChannelObject, DirectoryObject].map(eventsOf);
const requests = () => events.reduce((sum, of) => sum + requestsOf(of), 0);

async function measured(what: string, act: (time: number) => Promise<unknown>): Promise<void> {
  const meter = await Meter.on(env.USER.getByName("meter"));
  const before = requests();
  for (let time = 0; time < TIMES; time++) await act(time);
  await rest();
  meter.off();
  const [written, asked] = [meter.billed / TIMES, (requests() - before) / TIMES];
  const dollars = written * PER_MILLION.rowWritten + asked * PER_MILLION.request;
  console.log(`| ${what} | ${written} | ${asked.toFixed(2)} | ${dollars.toFixed(2)} |`);
}

const rest = () => new Promise((resolve) => setTimeout(resolve, REST_MS));
/** What their end costs is not counted as one of what follows. */
const close = async (clients: WorkerClient[]) => {
  for (const { socket } of clients) socket.close(1000);
  await rest();
  await rest();
};
const crowd = (name: string, size: number) =>
  Promise.all(Array.from({ length: size }, (_, i) => WorkerClient.connect(`${name}-${i}`)));

test("coming and going", async () => {
  await measured("a user connection, and its end within the grace of the next", async () => {
    (await WorkerClient.connect("cb-own")).socket.close(1000);
  });
  await measured("a channel connection, likewise", async () => {
    (await WorkerClient.connect("cb-there", { channel: "cb-there" })).socket.close(1000);
  });
  await measured("a user connection of somebody new, and its end", async (time) => {
    (await WorkerClient.connect(`cb-new-${time}`)).socket.close(1000);
  });
});

test("subscribing", async () => {
  const channels = Array.from({ length: 10 }, (_, i) => `cb-in-${i}`);
  const there = await WorkerClient.connect("cb-in");
  for (const channel of channels) await subscribe(there, channel);
  const visit = async (user: string) => {
    const client = await WorkerClient.connect(user);
    await Promise.all(channels.map((channel) => subscribe(client, channel)));
    client.socket.close(1000);
  };
  await measured("a user connection of somebody new, subscribed to 10 channels, and its end", (time) =>
    visit(`cb-in-new-${time}`),
  );
  await measured("the same within the grace of the last one", () => visit("cb-in-again"));
  await close([there]);
});

test("publishing", async () => {
  const there = await WorkerClient.connect("cb-writer", { channel: "cb-plain" });
  await measured("a message to sockets of its channel", (time) =>
    ask(there, { type: "publish", data: time }),
  );
  await measured("the same with a key", (time) => ask(there, { type: "publish", data: 1, key: `k${time}` }));
  for (const size of [10, 20]) {
    const channel = `cb-sub-${size}`;
    const readers = await crowd(`cb-reader-${size}`, size);
    for (const reader of readers) await subscribe(reader, channel);
    const writer = await WorkerClient.connect("cb-writer");
    const hasAll = (n: number) => () => readers.every((reader) => heardOf(reader, channel).length >= n);
    await measured(`a message heard by ${size} subscribed users`, async (time) => {
      await ask(writer, { type: "publish", channel, data: time });
      await until(hasAll(time + 1));
    });
    await close([...readers, writer]);
  }
  await close([there]);
});

test("status", async () => {
  for (const [channels, members] of [
    [0, 0],
    [1, 0],
    [10, 0],
    [10, 10],
  ] as const) {
    const name = `cb-status-${channels}-${members}`;
    const me = await WorkerClient.connect(name);
    const others = await crowd(`${name}-m`, members);
    for (let i = 0; i < channels; i++) {
      await subscribe(me, `${name}-${i}`);
      for (const other of others) await subscribe(other, `${name}-${i}`);
    }
    await measured(
      `a status told in ${channels} channels with ${members} other subscribed users each`,
      async (time) => {
        await ask(me, { type: "presence", status: time % 2 === 0 ? "busy" : "online" });
        await until(async () => (await rows(name, "SELECT * FROM roster_debt")).length === 0);
        await new Promise((resolve) => setTimeout(resolve, 300)); // a change of its own for those who hear of it
      },
    );
    await close([me, ...others]);
  }
  for (const size of [10, 20]) {
    const watchers = await crowd(`cb-watcher-${size}`, size);
    const star = `cb-star-${size}`;
    const me = await WorkerClient.connect(star);
    for (const watcher of watchers) await watch(watcher, [star]);
    await measured(`a status seen by ${size} watchers`, async (time) => {
      await ask(me, { type: "presence", status: time % 2 === 0 ? "busy" : "online" });
      await until(() => watchers.every((watcher) => seen(watcher, star).length > time));
    });
    await close([me, ...watchers]);
  }
});

test("watching", async () => {
  const me = await WorkerClient.connect("cb-flap");
  const users = Array.from({ length: 20 }, (_, i) => `cb-watched-${i}`);
  await measured("20 users watched and unwatched", async () => {
    await watch(me, users);
    await ask(me, { type: "unwatch", users });
  });
  await close([me]);
});

test("direct messages", async () => {
  const me = await WorkerClient.connect("cb-sender");
  for (const size of [1, 20]) {
    const name = `cb-inbox-${size}`;
    const devices = await Promise.all(
      Array.from({ length: size }, (_, i) => WorkerClient.connect(name, { query: { device_id: `d${i}` } })),
    );
    await measured(`a direct message with a key, acknowledged by ${size} devices`, async (time) => {
      await ask(me, { type: "send", user: name, data: time, key: `k${time}` });
      await until(() => devices.every((device) => device.ofType("direct").length > time));
      for (const device of devices) device.send({ type: "ack", seq: device.ofType("direct").at(-1)?.seq });
    });
    expect(devices.every((device) => device.ofType("error").length === 0)).toBe(true);
    await close(devices);
  }
  await close([me]);
});
