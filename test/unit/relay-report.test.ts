import { expect, test } from "vitest";
import { memberDigest } from "../../src/objects/member-digest.ts";
import type { RelayMember } from "../../src/objects/relaying.ts";
import { RelayBench } from "../fixtures/relay-bench.ts";

/** The members of a report, shortly. */
const shortly = (members: Iterable<RelayMember>) =>
  [...members].map(
    ({ user, live, types, endedAt }) => `${user} ${live} ${types.join("+")}${endedAt ? " ended" : ""}`,
  );

test("[RY11] one call is under way at a time, and all that comes meanwhile leaves with the next", async () => {
  const bench = new RelayBench();
  bench.channel.close();
  const all = Array.from({ length: 20 }, (_, i) => bench.connecting(`u${i}`).done);
  await new Promise(setImmediate);
  expect(bench.channel.calls).toHaveLength(1);
  bench.channel.open();
  await Promise.all(all);
  expect(bench.channel.calls.map(({ entering }) => entering.length)).toEqual([1, 19]);
  expect(bench.channel.calls[1]?.report?.set).toHaveLength(19);
  expect(bench.channel.members.size).toBe(20);
});

test("[RY14] a report sets what has changed of each member, with the digest and the sessions of all", async () => {
  const bench = new RelayBench();
  const first = await bench.connect("ann");
  await bench.connect("ben", { device: { type: "mobile" } });
  const second = await bench.connect("ann", { device: { type: "desktop" }, hint: "enam" });
  expect(shortly(bench.channel.members.values())).toEqual(["ann 2 desktop+web", "ben 1 mobile"]);
  expect(bench.channel.members.get("ann")?.regions).toEqual(["enam"]);
  await bench.leave(first);
  expect(shortly(bench.channel.reports.at(-1)?.set ?? [])).toEqual(["ann 1 desktop"]);
  await bench.pass(10);
  await bench.leave(second);
  expect(shortly(bench.channel.members.values())).toEqual(["ann 0 desktop ended", "ben 1 mobile"]);
  const members = [...bench.channel.members.values()];
  expect(bench.channel.reports.at(-1)).toMatchObject({
    sessions: 1,
    digest: members.reduce((digest, member) => digest ^ memberDigest(member), 0),
  });
  await bench.pass(5100, 100);
  expect(bench.channel.reports.at(-1)).toMatchObject({ set: [], gone: ["ann"], sessions: 1 });
  const numbers = bench.channel.reports.map(({ number }) => number);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
  expect(bench.channel.reports.filter(({ isWhole }) => isWhole)).toEqual([]);
});

test("[RY14] a return within the grace takes the old place: the member ends for nobody", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  const { joinedAt } = bench.channel.members.get("ann") ?? {};
  await bench.leave(ann);
  await bench.pass(2000, 100);
  await bench.connect("ann");
  await bench.pass(10_000, 500);
  expect(bench.channel.members.get("ann")).toMatchObject({ live: 1, joinedAt, endedAt: null });
  expect(bench.channel.reports.flatMap(({ gone }) => gone)).toEqual([]);
});

test("[RY14] a channel that knows other members is told everybody, and once is enough", async () => {
  const bench = new RelayBench();
  for (const user of ["ann", "ben", "cat"]) await bench.connect(user);
  bench.channel.members.clear(); // its storage is lost
  await bench.connect("dan");
  expect(bench.channel.reports.at(-1)).toMatchObject({ isWhole: true, sessions: 4 });
  expect([...bench.channel.members.keys()]).toEqual(["ann", "ben", "cat", "dan"]);
  const { length } = bench.channel.calls;
  await bench.connect("eve");
  expect(bench.channel.calls).toHaveLength(length + 1);
  expect(bench.channel.reports.at(-1)?.isWhole).toBe(false);
});

test("[RY14] a channel that is content with nothing is told at intervals, not without end", async () => {
  const bench = new RelayBench();
  const relayed = bench.channel.relayed.bind(bench.channel);
  bench.channel.relayed = async (call) => ({ ...(await relayed(call)), isWholeWanted: true });
  await bench.connect("ann");
  expect(bench.channel.reports.map(({ isWhole }) => isWhole)).toEqual([false, true]);
  for (let i = 0; i < 5; i++) await bench.connect(`u${i}`);
  await bench.pass(50_000, 500);
  expect(bench.channel.reports.filter(({ isWhole }) => isWhole)).toHaveLength(1);
  await bench.pass(15_000, 500);
  await bench.connect("later");
  expect(bench.channel.reports.filter(({ isWhole }) => isWhole)).toHaveLength(2);
});

test("[RY14] the channel may ask who is here, and hears everybody", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann", { claims: { sub: "ann", exp: 1e9, info: { name: "Ann" } } });
  await bench.connect("ben");
  await bench.leave(ann);
  const report = await bench.relay.report();
  expect(report).toMatchObject({ isWhole: true, sessions: 1, gone: [] });
  expect(shortly(report.set)).toEqual(["ann 0 web ended", "ben 1 web"]);
  expect(report.set[0]).toMatchObject({ info: { name: "Ann" }, state: { status: "online" } });
  expect(report.set.reduce((digest, member) => digest ^ memberDigest(member), 0)).toBe(report.digest);
});

test("[RY14] a report says the same after sleep as before", async () => {
  const bench = new RelayBench();
  const info = { name: "Ann", 2: "b", 1: "a" };
  await bench.connect("ann", { hint: "weur", claims: { sub: "ann", exp: 1e9, info } });
  const ben = await bench.connect("ben", { hint: "enam" });
  await bench.pass(3000, 500);
  await bench.leave(ben);
  const before = await bench.relay.report();
  await bench.sleep();
  const after = await bench.relay.report();
  expect(after).toMatchObject({ sessions: before.sessions, digest: before.digest });
  const look = ({ state: _, ...member }: RelayMember) => member;
  expect(after.set.map(look)).toEqual(before.set.map(look));
});

test("[RY12] a call that fails is told to who waits, and what the channel has to know is told again", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  bench.channel.isGone = true;
  await bench.leave(ben);
  await bench.say(ann, { type: "publish", data: 1, ref: 1 });
  expect(ann.of("error")).toMatchObject([{ ref: 1, code: "unavailable" }]);
  await bench.pass(10_000, 500);
  bench.channel.isGone = false;
  expect(bench.channel.members.get("ben")).toMatchObject({ live: 1 });
  expect(bench.rows).toBe(2);
  ann.ping = bench.world.now + 60_000;
  await bench.pass(30_000, 500);
  expect([...bench.channel.members.keys()]).toEqual(["ann"]);
  expect(bench.rows).toBe(1);
  expect(bench.channel.published).toEqual([]);
});

test("[RY12] a call that is never answered holds up others for ten seconds", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  bench.channel.close();
  void bench.relay.received(ann, JSON.stringify({ type: "publish", data: 1, ref: 1 }));
  await new Promise(setImmediate);
  const never = bench.channel.open.bind(bench.channel);
  bench.world.now += 11_000;
  void bench.relay.received(ann, JSON.stringify({ type: "publish", data: 2, ref: 2 }));
  await new Promise(setImmediate);
  expect(ann.of("error")).toMatchObject([{ ref: 1, code: "unavailable" }]);
  never();
  await new Promise(setImmediate);
  expect(ann.of("ok")).toMatchObject([{ ref: 2 }]);
});

test("[RY13] a crash ends every session: users and channel are told, and rows stay until both have confirmed", async () => {
  const bench = new RelayBench();
  const sessions = [];
  for (const user of ["ann", "ben"]) sessions.push((await bench.connect(user)).welcome.session);
  bench.channel.isGone = true;
  await bench.crash();
  expect(bench.ended.sort()).toEqual(sessions.map((session) => `${session} lost`).sort());
  await bench.pass(6000, 500);
  expect(bench.rows).toBe(2);
  bench.isUserGone = true;
  bench.channel.isGone = false;
  await bench.crash(); // that the users have confirmed was in memory only
  await bench.pass(6000, 500);
  expect([...bench.channel.members]).toEqual([]);
  expect(bench.rows).toBe(2);
  bench.isUserGone = false;
  await bench.pass(60_000, 500);
  expect(bench.rows).toBe(0);
});

test("[RY13] whom the channel counts though its answer was lost is taken back after a crash too", async () => {
  const bench = new RelayBench();
  const relayed = bench.channel.relayed.bind(bench.channel);
  bench.channel.relayed = async (call) => {
    await relayed(call);
    throw new Error("the answer is lost");
  };
  expect(await bench.connecting("ann").done).toMatchObject({ code: "unavailable" });
  expect(bench.channel.members.size).toBe(1);
  bench.channel.relayed = relayed;
  await bench.crash();
  expect(bench.channel.members.size).toBe(0);
  await bench.pass(10);
  expect(bench.rows).toBe(0);
});

test("[RY13] who was welcomed and is lost in a crash has the usual grace", async () => {
  const bench = new RelayBench();
  await bench.connect("ann");
  await bench.crash();
  expect(bench.channel.members.get("ann")).toMatchObject({ live: 0 });
  await bench.pass(3000, 100);
  await bench.connect("ann");
  await bench.pass(10_000, 500);
  expect(bench.channel.reports.flatMap(({ gone }) => gone)).toEqual([]);
});

test("[RY13] who waited for its welcome in a crash never was: the user is told, the channel that nobody came", async () => {
  const bench = new RelayBench();
  bench.channel.close();
  void bench.connecting("ann").done;
  await new Promise(setImmediate);
  expect(bench.channel.members.size).toBe(1);
  bench.channel.open();
  await bench.crash();
  expect(bench.ended).toEqual([`${bench.admitted[0]} lost`]);
  await bench.pass(6000, 500);
  expect(bench.channel.members.size).toBe(0);
  expect(bench.rows).toBe(0);
});

test("[RY15] who is sent away leaves at once, with all sessions; others stay", async () => {
  const bench = new RelayBench();
  const anns = [await bench.connect("ann"), await bench.connect("ann")];
  const ben = await bench.connect("ben");
  await bench.relay.remove("ann", 1);
  await bench.relay.remove("ann", 1);
  await bench.world.quiet();
  expect(anns.map(({ closedWith }) => closedWith)).toEqual([4502, 4502]);
  expect(ben.closedWith).toBeUndefined();
  expect(bench.channel.reports.at(-1)).toMatchObject({ gone: ["ann"], sessions: 1 });
  await bench.pass(10);
  expect(bench.rows).toBe(1);
});

const claimsOf = (iat: number) => ({ sub: "ann", exp: 10_000_000_000, iat });

test("[RY60] who is back with a later token stays when the word that the user was sent away comes late", async () => {
  const bench = new RelayBench();
  const before = await bench.connect("ann", { claims: claimsOf(7) });
  const back = await bench.connect("ann", { claims: claimsOf(8) });
  await bench.relay.remove("ann", 7);
  await bench.world.quiet();
  expect([before.closedWith, back.closedWith]).toEqual([4502, undefined]);
  expect(bench.channel.members.get("ann")).toMatchObject({ live: 1, endedAt: null });
});

test("[RY15] when its channel is deleted everybody leaves, and comes back to a new log", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  await bench.push(bench.channel.say("one"));
  await bench.relay.dissolve(4000);
  bench.channel.beginAnew("e2");
  await bench.world.quiet();
  expect([ann.closedWith, ben.closedWith]).toEqual([4000, 4000]);
  expect([...bench.channel.members]).toEqual([]);
  const again = await bench.connect("ann", { recover: { epoch: "e1", offset: 1 } });
  expect(again.welcome).toMatchObject({ epoch: "e2", offset: 0, recovered: false });
  await bench.push(bench.channel.say("first"));
  expect(again.offsets).toEqual([1]);
});

test("[RY22] the user's object ends sessions here, and asks when they were heard; broadcasts are told once", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  const at = bench.world.now;
  const ids = [ann, ben].map(({ welcome }) => welcome.session);
  await bench.pass(2000);
  await bench.say(ann, { type: "history" });
  expect(await bench.relay.lastSeen([...ids, "other"])).toEqual({
    [String(ids[0])]: at + 2000,
    [String(ids[1])]: at,
  });
  expect(await bench.relay.lastActive([...ids, "other"])).toEqual({
    [String(ids[0])]: at + 2000,
    [String(ids[1])]: at,
  });
  const broadcast = { id: "b1", frame: '{"type":"broadcast"}', expiresAt: at + 100_000 };
  await bench.relay.broadcast(broadcast, [String(ids[0]), "other"]);
  await bench.relay.broadcast(broadcast, ids.map(String));
  expect([ann, ben].map((socket) => socket.of("broadcast").length)).toEqual([1, 1]);
  await bench.relay.end(String(ids[0]), 4501, "revoked");
  await bench.world.quiet();
  expect(ann.closedWith).toBe(4501);
  expect(bench.ended).toEqual([`${ids[0]} revoked`]);
});

test("[RY22] a connection that falls silent is found and ended as at a channel", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  for (let i = 0; i < 11; i++) {
    ben.ping = bench.world.now + 10_000;
    await bench.pass(10_000, 500);
  }
  expect(ann.closedWith).toBe(4002);
  expect(ben.closedWith).toBeUndefined();
  expect([...bench.channel.members.keys()]).toEqual(["ben"]);
});
