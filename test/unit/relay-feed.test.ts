import { expect, test } from "vitest";
import type { Claims } from "../../src/protocol/claims.ts";
import { RelayBench, type SocketEnd } from "../fixtures/relay-bench.ts";

const NO_ROSTER: Partial<Claims> = { channels: { c: ["subscribe"] } };
const asked = (bench: RelayBench) =>
  bench.channel.calls.flatMap(({ requests }) => requests.map(({ is }) => is));

test("[RY3] a push reaches every connection once and in order; who is left out is told that something was skipped", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  await bench.push(
    bench.channel.pushOf([
      bench.channel.store("one"),
      bench.channel.store("two", { exclude: { user: "ben" } }),
      bench.channel.store("three"),
    ]),
  );
  expect(ann.offsets).toEqual([1, 2, 3]);
  expect(ben.offsets).toEqual([1, -2, 3]);
});

test("[RY3] signals pass their sender by, and the roster whoever may not hear of it", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  const ben = await bench.connect("ben", { claims: { sub: "ben", exp: 1e9, ...NO_ROSTER } });
  const from = { user: "ann", session: ann.welcome.session };
  await bench.push(bench.channel.pushOf([{ is: "signal", text: '{"type":"signal","event":"e"}', from }]));
  await bench.push(bench.channel.changeRoster("r1"));
  expect(ann.said.map(({ type }) => type)).toEqual(["welcome", "members"]);
  expect(ben.said.map(({ type }) => type)).toEqual(["welcome", "signal"]);
});

test("[RY3] a socket that fails takes no other's message with it, nor loses its own", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  ann.isBroken = true;
  await bench.relay.push(bench.channel.say("one"));
  expect(ben.offsets).toEqual([1]);
  ann.isBroken = false;
  await bench.push(bench.channel.say("two"));
  await bench.pass(20, 1);
  expect(ann.offsets).toEqual([1, 2]);
  expect(ben.offsets).toEqual([1, 2]);
});

test("[RY4] a push that is late, or comes twice, says nothing", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  const [one, two] = [bench.channel.say("one"), bench.channel.changeRoster("r1")];
  const signal = bench.channel.pushOf([{ is: "signal", text: '{"type":"signal","event":"e"}' }]);
  for (const push of [one, one, two, signal, two, one, signal]) await bench.push(push);
  expect(ann.said.map(({ type }) => type)).toEqual(["welcome", "message", "members", "signal"]);
  expect(asked(bench)).toEqual([]);
});

test("[RY5] a lost push shows before the next one: the log is read once, for all, and told in order", async () => {
  const bench = new RelayBench();
  const all: SocketEnd[] = [];
  for (const user of ["ann", "ben", "cat"]) all.push(await bench.connect(user));
  await bench.push(bench.channel.say("one"));
  bench.channel.say("lost", { exclude: { user: "ben" } });
  for (let i = 0; i < 120; i++) bench.channel.say("lost too");
  await bench.push(bench.channel.say("after"));
  await bench.push(bench.channel.say("more"));
  await bench.pass(10);
  const offsets = Array.from({ length: 124 }, (_, i) => i + 1);
  expect(all[0]?.offsets).toEqual(offsets);
  expect(all[1]?.offsets).toEqual(offsets.map((offset) => (offset === 2 ? -2 : offset)));
  expect(all[2]?.offsets).toEqual(offsets);
  expect(asked(bench)).toEqual(["log", "log", "log"]);
});

test("[RY5] signals and the roster do not wait for what is missing", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  bench.channel.close();
  bench.channel.say("lost");
  const push = bench.channel.say("after");
  await bench.relay.push({ ...push, said: [...push.said, { is: "signal", text: '{"type":"signal"}' }] });
  expect(ann.said.map(({ type }) => type)).toEqual(["welcome", "signal"]);
  bench.channel.open();
  await bench.world.settled();
  expect(ann.offsets).toEqual([1, 2]);
});

test("[RY5] a gap that can't be read is tried again; of what the log no longer has everybody begins anew", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  await bench.push(bench.channel.say("one"));
  bench.channel.say("lost");
  bench.channel.isGone = true;
  await bench.push(bench.channel.say("after"));
  expect(ann.offsets).toEqual([1]);
  bench.channel.isGone = false;
  await bench.pass(1500);
  expect(ann.offsets).toEqual([1, 2, 3]);
  bench.channel.say("lost");
  bench.channel.forgotten = 4;
  await bench.push(bench.channel.say("after"));
  expect(ann.closedWith).toBe(4000);
  expect(bench.ended).toEqual([`${ann.welcome.session} lost`]);
});

test("[F42] a push that is lost last of all shows in the next answer of the channel, and at each sweep there is one", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  bench.channel.say("lost");
  bench.channel.calls.length = 0;
  ann.ping = bench.world.now + 59_000;
  await bench.pass(62_000, 500);
  expect(bench.channel.calls[0]).toMatchObject({
    report: { isWhole: false, set: [], gone: [], sessions: 1 },
  });
  expect(ann.offsets).toEqual([1]);
  bench.channel.roster = "r9";
  ann.ping = bench.world.now + 60_000;
  await bench.pass(62_000, 500);
  expect(ann.said.at(-1)).toMatchObject({ type: "subscribed", recovered: true, offset: 1, messages: [] });
});

test("[RY8] another log is shown to everybody, also to who was still reading", async () => {
  const bench = new RelayBench();
  for (let i = 0; i < 300; i++) bench.channel.say("old");
  const ann = await bench.connect("ann");
  const ben = await bench.connect("ben", { recover: { epoch: "e1", offset: 0 } });
  bench.channel.beginAnew("e2");
  const lost = bench.channel.say("first");
  await bench.push(bench.channel.say("second"));
  expect(lost.epoch).toBe("e2");
  for (const socket of [ann, ben]) {
    expect(socket.said.at(-1)).toMatchObject({
      type: "subscribed",
      epoch: "e2",
      offset: 2,
      recovered: false,
    });
  }
  await bench.push(bench.channel.say("third"));
  expect(ann.offsets.at(-1)).toBe(3);
  expect(ben.offsets.at(-1)).toBe(3);
});

test("[RY9] a change of the roster that was lost is made good by a fresh roster, for whoever may see it", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  const ben = await bench.connect("ben", { claims: { sub: "ben", exp: 1e9, ...NO_ROSTER } });
  await bench.push(bench.channel.changeRoster("r1"));
  bench.channel.changeRoster("r2");
  await bench.push(bench.channel.changeRoster("r3"));
  expect(ann.said.at(-1)).toMatchObject({ type: "subscribed", recovered: true, count: 2, messages: [] });
  expect(ann.said.at(-1)?.members).toHaveLength(2);
  expect(ben.of("subscribed")).toEqual([]);
  await bench.push(bench.channel.changeRoster("r4"));
  expect(ann.said.at(-1)).toMatchObject({ type: "members", to: "r4" });
  expect(ann.of("subscribed")).toHaveLength(1);
});

test("[RY9] changes of the roster told while it was asked for are told again after the answer", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  bench.channel.changeRoster("r1");
  bench.channel.close();
  await bench.relay.push(bench.channel.changeRoster("r2"));
  await bench.relay.push(bench.channel.changeRoster("r3"));
  bench.channel.open();
  await bench.world.settled();
  const [, ...told] = ann.said;
  expect(told.map(({ type, to }) => [type, to])).toEqual([
    ["members", "r2"],
    ["members", "r3"],
    ["subscribed", undefined],
    ["members", "r3"],
  ]);
});

test("[RY9] above MEMBERS_DETAIL_MAX the count is enough", async () => {
  const bench = new RelayBench({ MEMBERS_DETAIL_MAX: "5" });
  const ann = await bench.connect("ann");
  bench.channel.count = 6;
  bench.channel.changeRoster("r1");
  await bench.push(bench.channel.changeRoster("r2"));
  expect(ann.said.at(-1)).toEqual({ type: "members", channel: "c", count: 6 });
  expect(ann.of("subscribed")).toEqual([]);
});

test("[RY10] a relay that wakes goes on where it stood: the position sleeps in a few of its sockets", async () => {
  const bench = new RelayBench();
  const all: SocketEnd[] = [];
  for (let i = 0; i < 12; i++) all.push(await bench.connect(`u${i}`));
  const ofConnect = bench.channel.calls.length;
  const one = bench.channel.say("one");
  await bench.push(one);
  await bench.push(bench.channel.changeRoster("r1"));
  await bench.pass(5000, 500);
  await bench.sleep();
  await bench.push(one);
  await bench.push(bench.channel.say("two"));
  await bench.push(bench.channel.changeRoster("r2"));
  for (const socket of all) expect(socket.offsets).toEqual([1, 2]);
  for (const socket of all) expect(socket.of("members")).toHaveLength(2);
  expect(bench.channel.calls).toHaveLength(ofConnect);
  const holders = all.filter(({ attachment }) => "relayed" in JSON.parse(attachment));
  expect(holders).toHaveLength(8);
});

test("[RY10] sockets that held the position and close are followed by others; asleep a lost push still shows", async () => {
  const bench = new RelayBench();
  const all: SocketEnd[] = [];
  for (let i = 0; i < 20; i++) all.push(await bench.connect(`u${i}`));
  await bench.push(bench.channel.say("one"));
  await bench.pass(5000, 500);
  for (const socket of all.splice(0, 8)) await bench.leave(socket);
  await bench.pass(5000, 500);
  await bench.sleep();
  bench.channel.say("lost");
  await bench.push(bench.channel.say("three"));
  for (const socket of all) expect(socket.offsets).toEqual([1, 2, 3]);
});

test("[RY10] a relay that wakes with sockets of which none knows the position asks them to come back", async () => {
  const bench = new RelayBench();
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  await bench.push(bench.channel.say("one"));
  await bench.sleep();
  expect([ann.closedWith, ben.closedWith]).toEqual([4000, 4000]);
  expect(bench.ended.sort()).toEqual([ann, ben].map(({ welcome }) => `${welcome.session} lost`).sort());
});

test("[RY63] who was welcomed after the position was to be remembered remembers it too, and stays after sleep", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  await bench.pass(3000);
  bench.channel.close();
  const { socket: ben, done } = bench.connecting("ben");
  bench.drop(ann);
  bench.world.advance(3000);
  bench.channel.open();
  expect(await done).toBeUndefined();
  await bench.pass(3000);
  await bench.sleep();
  expect(ben.closedWith).toBeUndefined();
});

test("[RY10] who still reads goes on after sleep", async () => {
  const bench = new RelayBench();
  const text = "x".repeat(20_000);
  for (let i = 0; i < 70; i++) bench.channel.say(text);
  const ann = await bench.connect("ann", { recover: { epoch: "e1", offset: 0 } });
  await bench.pass(5000, 50);
  const sent = ann.offsets.length;
  expect(sent).toBeLessThan(70);
  await bench.sleep();
  await bench.say(ann, { type: "heartbeat", n: ann.of("probe").at(-1)?.n });
  await bench.pass(100, 1);
  expect(ann.offsets).toEqual(Array.from({ length: 70 }, (_, i) => i + 1));
});

test("[RY17] a push is carried on to the rest of its branch, and who was not told is named", async () => {
  const bench = new RelayBench();
  await bench.connect("ann");
  const names = Array.from({ length: 70 }, (_, i) => `c/${i + 2}`);
  const told: string[] = [];
  for (const name of names.filter((one) => one !== "c/4" && one !== "c/5")) {
    bench.relays.set(name, async ({ rest }) => {
      told.push(name, ...rest);
      return { failed: name === "c/8" ? rest : [], isEmpty: false };
    });
  }
  const push = { ...bench.channel.say("one"), rest: names };
  const { failed, isEmpty } = await bench.push(push);
  expect(isEmpty).toBe(false);
  // 70 among 32: branches of two and three; c/4 is the head of a branch, c/5 was to be told by it or another.
  expect(failed.length).toBeGreaterThan(1);
  expect(failed).toContain("c/4");
  expect(new Set([...told, ...failed])).toEqual(new Set(names));
});

test("[RY23] a relay that keeps nobody says so, and has no rows and nothing to wake for", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  expect((await bench.push(bench.channel.say("one"))).isEmpty).toBe(false);
  await bench.leave(ann);
  expect((await bench.push(bench.channel.say("two"))).isEmpty).toBe(false);
  await bench.pass(120_000, 1000);
  expect((await bench.push(bench.channel.say("three"))).isEmpty).toBe(true);
  expect(bench.rows).toBe(0);
  expect(bench.world.alarmAt).toBeNull();
  await bench.sleep();
  expect(bench.world.alarmAt).toBeNull();
  const ben = await bench.connect("ben");
  expect(ben.welcome.offset).toBe(3);
  await bench.push(bench.channel.say("four"));
  expect(ben.offsets).toEqual([4]);
});
