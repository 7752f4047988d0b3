import { expect, test } from "vitest";
import { type PlayedRelay, RelayedChannel } from "../fixtures/relayed-channel.ts";

/** These end at this relay, and after their grace they are gone. */
async function end(world: RelayedChannel, relay: PlayedRelay, users: string[]): Promise<void> {
  for (const user of users) relay.keep(user, { live: 0, endedAt: world.bench.now });
  await relay.say(relay.report({ users }));
  await world.pass(5100);
  for (const user of users) relay.members.delete(user);
}

const left = (relay: PlayedRelay) =>
  relay.pushes
    .flatMap(({ said }) => said.flatMap((one) => (one.is === "roster" ? [JSON.parse(one.text)] : [])))
    .flatMap((frame) => (frame.left as { user: string }[]).map(({ user }) => user));

test("[RY88] a leave that a crash cut off is told within five seconds of it, also when nothing else is said", async () => {
  const world = new RelayedChannel();
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  for (const user of ["ben", "dan"]) one.keep(user);
  two.keep("ann");
  await one.say(one.report({ isWhole: true }));
  await two.say(two.report({ isWhole: true }));
  await world.pass(120_000);
  await end(world, one, ["ben", "dan"]);
  world.bench.alarmAt = null;
  const report = { ...one.report({ users: ["ben", "dan"] }), gone: ["ben"] };
  const last = { ...one.report({ users: ["ben", "dan"] }), gone: ["dan"] };
  for (const each of [report, last]) {
    void world.channel.relayed({ relay: "c/1", report: each, entering: [], requests: [] });
  }
  expect(left(two)).toEqual(["ben"]); // the other one waits for the end of a tick
  await world.restart();
  await world.pass(5100);
  expect(left(two)).toContain("dan");
  await world.pass(15_000);
  expect(await world.count()).toBe(1);
  expect(world.rows("relay_member")).toMatchObject([{ user: "ann" }]);
});

test("[RY88] who is back before a row was deleted stays, and nothing is written twice for a leave with its grace", async () => {
  const world = new RelayedChannel();
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  one.keep("ben");
  two.keep("ann");
  await one.say(one.report({ isWhole: true }));
  await two.say(two.report({ isWhole: true }));
  await end(world, one, ["ben"]);
  const statements: string[] = [];
  const { storage } = world.bench;
  const run = storage.run.bind(storage);
  storage.run = (query, ...values) => {
    statements.push(query.trim().split(/\s+/).slice(0, 3).join(" "));
    run(query, ...values);
  };
  await one.say(one.report({ users: ["ben"] }));
  expect(await world.count()).toBe(1);
  await world.pass(2000);
  one.keep("ben");
  await one.say(one.report({ users: ["ben"] }));
  await world.pass(20_000);
  expect(world.rows("relay_member").map(({ user }) => user)).toEqual(["ben", "ann"]);
  expect(statements).toEqual(["INSERT OR REPLACE"]);
  await end(world, one, ["ben"]);
  statements.length = 0;
  await one.say(one.report({ users: ["ben"] }));
  await world.pass(20_000);
  expect(statements).toEqual(["DELETE FROM relay_member"]);
});

test("[RY88] a hidden member leaves unseen, also where a crash makes it leave once more", async () => {
  const world = new RelayedChannel();
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  one.keep("ben");
  two.keep("ann");
  await one.say(one.report({ isWhole: true }));
  await two.say(two.report({ isWhole: true }));
  await world.channel.setMember("ben", [], { version: 2, status: "online", isHidden: true });
  await world.pass(1000);
  expect(left(two)).toEqual(["ben"]);
  await end(world, one, ["ben"]);
  await one.say(one.report({ users: ["ben"] }));
  await world.restart();
  await world.pass(20_000);
  expect(left(two)).toEqual(["ben"]);
  expect(world.rows("member_state")).toEqual([]);
});

test("[RY89] that the last members have left through relays is told to the directory, through any crash", async () => {
  for (const isGraceful of [true, false]) {
    const world = new RelayedChannel();
    const relay = world.relay("c/1");
    relay.keep("ann");
    await relay.say(relay.report({ isWhole: true }));
    await world.pass(1000);
    expect(world.listed).toBe(1);
    world.isDirectoryAway = true;
    if (isGraceful) await end(world, relay, ["ann"]);
    else relay.members.clear();
    await relay.say(relay.report({ users: ["ann"] }));
    expect(await world.count()).toBe(0);
    await world.restart();
    world.isDirectoryAway = false;
    await world.pass(20_000);
    expect(world.listed).toBe(0);
    expect(world.rows("relay_member")).toEqual([]);
    await world.pass(120_000);
    expect(world.bench.alarmAt).toBeNull();
  }
});

test("[RY89] likewise that a channel was deleted whose members were all at relays", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ isWhole: true }));
  await world.pass(1000);
  world.isDirectoryAway = true;
  relay.isAway = true;
  await world.channel.forget();
  await world.restart();
  world.isDirectoryAway = false;
  await world.pass(20_000);
  expect(world.listed).toBe(0);
});

test("[RY95] who was sent away from a relay is no member for a channel that crashes and wakes, though the row stays", async () => {
  const world = new RelayedChannel();
  const [one, two] = [world.relay("c/1"), world.relay("c/2")];
  one.keep("ben");
  two.keep("ann");
  await one.say(one.report({ isWhole: true }));
  await two.say(two.report({ isWhole: true }));
  one.keep("ben", { live: 0, endedAt: world.bench.now });
  await one.say(one.report({ users: ["ben"] }));
  await world.pass(4000); // in its grace
  expect(await world.count()).toBe(2);
  one.members.delete("ben");
  await world.channel.removeMember("ben");
  await world.bench.quiet();
  expect(world.rows("relay_member").map(({ user }) => user)).toContain("ben");
  one.reporting = () => Promise.reject(new Error("the relay is away"));
  await world.restart();
  expect(await world.count()).toBe(1);
});
