import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { Audit } from "../../src/directory/audit.ts";
import { type Audited, nothingRemoved } from "../../src/objects/auditing.ts";
import type { DirectoryPort, DirectoryUser } from "../../src/objects/directory-port.ts";
import { userShard } from "../../src/objects/shards.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { Meter } from "./meter.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const FIVE_MINUTES_MS = 300_000;

/** Of an object that is where it is listed. */
const AGREED: Audited = {
  ...{ isHere: true, removed: nothingRemoved(), unanswered: 0, owedSince: null },
  differences: { sessions: 0, watches: 0, subscriptions: 0 },
};

const stubOf = (shard: string) => env.DIRECTORY.getByName(shard);
const portOf = (shard: string) => stubOf(shard) as unknown as DirectoryPort;
const listed = async (shard: string) =>
  (await portOf(shard).users({ limit: 1000 })).map(({ user, sessions }) => `${user} ${sessions}`);

function online(user: string, version: number, at: number, sessions = 1): DirectoryUser {
  const presence = { user, status: "online", lastActiveAt: at, devices: ["web"], version } as const;
  return { presence: { ...presence, devices: ["web"] }, sessions, version, at };
}

function offline(user: string, version: number, at: number): DirectoryUser {
  const presence = { user, status: "offline", lastActiveAt: at, devices: [], version } as const;
  return { presence: { ...presence, devices: [] }, sessions: 0, version, at };
}

const channel = (name: string, members: number, at: number) => ({ channel: name, members, version: 0, at });

const HOUR_MS = 3_600_000;

/** Far from a full hour, at which a shard asks after whom it lists: an alarm of that would be the earlier one. */
function atTenPast(): void {
  const now = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS + 600_000;
  vi.useFakeTimers({ toFake: ["Date"], now });
}

test("[DI4] a shard lists by name who is online and which channels have members, and counts them", async () => {
  const shard = portOf("di4");
  for (const user of ["cleo", "ann", "ben"]) await shard.setUser(online(user, 1, 10, 2));
  await shard.setUser(offline("cleo", 2, 20));
  await shard.setChannel(channel("lobby", 3, 10));
  await shard.setChannel(channel("left", 1, 10));
  await shard.setChannel(channel("left", 0, 11));
  expect(await shard.users({ limit: 10 })).toEqual([
    { user: "ann", status: "online", devices: ["web"], version: 1, sessions: 2 },
    { user: "ben", status: "online", devices: ["web"], version: 1, sessions: 2 },
  ]);
  expect(await shard.channels({ limit: 10 })).toEqual([{ channel: "lobby", members: 3 }]);
  expect(await shard.counts()).toEqual({ usersOnline: 2, sessions: 4, channels: 1 });
  await shard.setUser(online("ann", 1, 30, 3)); // counts are kept up, not counted anew
  await shard.setUser(offline("ben", 2, 30));
  expect(await shard.counts()).toEqual({ usersOnline: 1, sessions: 3, channels: 1 });
  expect(await shard.unknown(["ann", "ben", "cleo", "dora"])).toEqual(["ben", "cleo", "dora"]);
});

test("[DI22] who is gone twice, and was never seen in between, is not listed by what it said then and comes late", async () => {
  const shard = portOf("di22");
  await shard.setChannel(channel("lobby", 1, 10));
  await shard.setChannel(channel("lobby", 0, 20));
  // Occupied at 30 and vacated at 40: the first word is still on its way.
  expect(await shard.setChannel(channel("lobby", 0, 40))).toBeNull();
  expect(await shard.setChannel(channel("lobby", 1, 30))).toEqual({ version: 0, at: 40 });
  expect(await shard.channels({ limit: 10 })).toEqual([]);
});

test("[DI5] pages of a shard go by name, by prefix too, and neither repeat nor skip", async () => {
  const shard = portOf("di5");
  const names = ["a", "a+", "a:b", "a:b:c", "a:c", "a~", "b", "b:a"];
  for (const name of names) await shard.setChannel(channel(name, 1, 10));
  for (const prefix of ["", "a", "a:b", "a:", "b", "c"]) {
    const seen: string[] = [];
    for (let pages = 0; pages < 10; pages++) {
      const after = seen.at(-1);
      const page = await shard.channels({ prefix, limit: 2, ...(after && { after }) });
      if (page.length === 0) break;
      seen.push(...page.map(({ channel: name }) => name));
    }
    expect(seen).toEqual(names.filter((name) => name.startsWith(prefix)));
  }
});

test("[DI10] a late 'online' brings nobody back, for five minutes at least", async () => {
  atTenPast();
  const shard = portOf("di10");
  const stub = stubOf("di10");
  await shard.setUser(online("ann", 5, 100));
  await shard.setUser(offline("ann", 6, 200));
  expect(await shard.setUser(online("ann", 5, 150))).toEqual({ version: 6, at: 200 });
  await shard.setUser(offline("ben", 6, 200)); // its "online" has not come yet
  expect(await shard.setUser(online("ben", 5, 100))).toEqual({ version: 6, at: 200 });
  expect(await listed("di10")).toEqual([]);
  const alarmAt = await runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  expect(alarmAt).toBeGreaterThan(Date.now() + FIVE_MINUTES_MS - 5000);
  const now = Date.now();
  vi.setSystemTime(now + FIVE_MINUTES_MS - 1000);
  await shard.setUser(offline("cleo", 1, 300)); // gone a moment before the others are forgotten
  vi.setSystemTime(now + FIVE_MINUTES_MS + 5000);
  await runDurableObjectAlarm(stub);
  expect(await remembered(stub)).toEqual(["cleo"]);
  vi.setSystemTime(now + 2 * FIVE_MINUTES_MS + 10_000);
  await runDurableObjectAlarm(stub);
  expect(await remembered(stub)).toEqual([]);
  vi.setSystemTime(now + 3_700_000); // nobody is listed any more, so nobody is asked
  await runDurableObjectAlarm(stub);
  expect(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())).toBeNull();
});

const remembered = (stub: DurableObjectStub) =>
  runInDurableObject(stub, (_, { storage }) =>
    storage.sql
      .exec("SELECT name FROM entry")
      .toArray()
      .map(({ name }) => name),
  );

test("[DI11] what is told twice or late changes nothing, and what is known already writes nothing", async () => {
  const shard = portOf("di11");
  await shard.setUser(online("ann", 5, 100, 2));
  await shard.setChannel(channel("lobby", 2, 100));
  await shard.setUser(offline("ben", 2, 100));
  const meter = await Meter.on(stubOf("di11"));
  expect(await shard.setUser(online("ann", 5, 100, 2))).toBeNull();
  expect(await shard.setUser(online("ann", 5, 900, 2))).toBeNull();
  expect(await shard.setUser(offline("ben", 2, 100))).toBeNull();
  expect(await shard.setUser(online("ann", 4, 500, 1))).toEqual({ version: 5, at: 100 });
  expect(await shard.setUser(online("ann", 5, 99, 1))).toEqual({ version: 5, at: 100 });
  expect(await shard.setChannel(channel("lobby", 2, 200))).toBeNull();
  expect(await shard.setChannel(channel("lobby", 9, 99))).toEqual({ version: 0, at: 100 });
  meter.off();
  expect([meter.rows, meter.alarmsSet]).toEqual([0, 0]);
  expect(await listed("di11")).toEqual(["ann 2"]);
  expect(await shard.setUser(online("ann", 5, 1000, 1))).toBeNull();
  expect(await listed("di11")).toEqual(["ann 1"]);
});

test("[DI11] who confirms what is listed under a later version writes nothing, and is no difference; who shows anything else does", async () => {
  const shard = portOf("di11-confirmed");
  await shard.setUser(online("ann", 5, 100, 2));
  const meter = await Meter.on(stubOf("di11-confirmed"));
  const differed = vi.spyOn(Audit.prototype, "differed");
  expect(await shard.setUser({ ...online("ann", 7, 200, 2), confirms: true })).toBeNull();
  expect(meter.off().rows).toBe(0);
  expect(differed).not.toHaveBeenCalled();
  expect(await shard.setUser(online("ann", 6, 150, 2))).toBeNull(); // told anew: what came in between may be late
  expect(await shard.setUser({ ...online("ann", 7, 300, 1), confirms: true })).toBeNull();
  expect(differed).toHaveBeenCalledTimes(1);
  expect(await shard.users({ limit: 10 })).toEqual([
    { user: "ann", status: "online", devices: ["web"], version: 7, sessions: 1 },
  ]);
});

test("[DI16] a thousand who leave at once set one alarm in their shard, and are forgotten by one statement", async () => {
  atTenPast();
  const shard = portOf("di16");
  await shard.setUser(online("user-0", 1, 10));
  const meter = await Meter.on(stubOf("di16"));
  for (let i = 0; i < 1000; i++) await shard.setUser(offline(`user-${i}`, 2, 20));
  expect(meter.alarmsSet).toBe(1);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + FIVE_MINUTES_MS + 5000 });
  await runDurableObjectAlarm(stubOf("di16"));
  meter.off();
  expect(meter.statements.filter((statement) => statement.startsWith("DELETE"))).toHaveLength(1);
  expect(await remembered(stubOf("di16"))).toEqual([]);
});

test("[DI19] who is listed and is not there is found by asking, a hundred in the hour", async () => {
  const shard = portOf("di19");
  for (let i = 0; i < 150; i++) await shard.setUser(online(`di19-${1000 + i}`, 9, 10));
  await shard.setChannel(channel("di19-room", 3, 10));
  vi.useFakeTimers({ toFake: ["Date"] });
  // Which hundred it is follows from the clock: there are two of them, so this is an even hour.
  const first = Math.ceil(Date.now() / HOUR_MS / 2) * 2;
  for (const [hour, expected] of [
    [first, 99], // and the room
    [first + 1, 51],
  ] as const) {
    vi.setSystemTime(hour * HOUR_MS);
    const asked = vi.spyOn(UserObject.prototype, "audit");
    await runDurableObjectAlarm(stubOf("di19"));
    await vi.waitUntil(() => asked.mock.calls.length >= expected, { timeout: 5000 });
    expect(asked.mock.calls.length).toBe(expected);
    asked.mockRestore();
  }
});

test("[DI19] however often a shard sleeps and wakes for something else, it asks once in the hour", async () => {
  const shard = portOf("di19-sleep");
  const asked = vi.spyOn(UserObject.prototype, "audit").mockResolvedValue(AGREED);
  const wakesAt = async (ms: number) => {
    await evictDurableObject(stubOf("di19-sleep"));
    vi.setSystemTime(hour + ms);
  };
  const hour = Math.ceil(Date.now() / HOUR_MS) * HOUR_MS;
  vi.useFakeTimers({ toFake: ["Date"], now: hour + 600_000 });
  for (const name of ["ann", "ben", "cleo"]) await shard.setUser(online(`di19-sleep-${name}`, 1, 10));
  await shard.setUser(offline("di19-sleep-cleo", 2, 20));
  await wakesAt(600_000 + FIVE_MINUTES_MS + 1000);
  await runDurableObjectAlarm(stubOf("di19-sleep")); // for who is gone
  expect(await remembered(stubOf("di19-sleep"))).toEqual(["di19-sleep-ann", "di19-sleep-ben"]);
  await wakesAt(2_000_000);
  await shard.counts();
  expect(asked).not.toHaveBeenCalled();
  await wakesAt(HOUR_MS + 1000);
  await runDurableObjectAlarm(stubOf("di19-sleep"));
  await vi.waitUntil(() => asked.mock.calls.length === 2, { timeout: 5000 });
  await wakesAt(HOUR_MS + 30_000);
  await shard.counts();
  await wakesAt(HOUR_MS + 600_000);
  await shard.counts();
  expect(asked).toHaveBeenCalledTimes(2);
});

test("[DI19] an object that was never used, or lost all it had, takes itself out when it is asked", async () => {
  const shard = portOf(userShard("di19-ghost", 4));
  await shard.setUser(online("di19-ghost", 9, 10));
  expect(await shard.unknown(["di19-ghost"])).toEqual([]);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 3_601_000 });
  await runDurableObjectAlarm(stubOf(userShard("di19-ghost", 4)));
  await vi.waitUntil(async () => (await shard.unknown(["di19-ghost"])).length === 1, { timeout: 5000 });
});

test("[DI20] a shard of another number of shards forgets all when it wakes, so that it never lists ghosts", async () => {
  const shard = portOf("0-of-9");
  await shard.setUser(online("di20", 1, 10));
  expect(await listed("0-of-9")).toEqual(["di20 1"]);
  await evictDurableObject(stubOf("0-of-9"));
  expect(await listed("0-of-9")).toEqual([]);
});
