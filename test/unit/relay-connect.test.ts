import { expect, test } from "vitest";
import type { Claims } from "../../src/protocol/claims.ts";
import { refusal } from "../../src/protocol/codes.ts";
import { RelayBench } from "../fixtures/relay-bench.ts";

const NO_ROSTER: Partial<Claims> = { channels: { c: ["subscribe", "publish"] } };

test("[RY1] a connection at a relay is welcomed as at its channel: with the position, the roster, and what it wants", async () => {
  const bench = new RelayBench();
  for (let i = 0; i < 3; i++) bench.channel.say(`m${i}`);
  const ann = await bench.connect("ann", { rewind: 2 });
  expect(ann.welcome).toMatchObject({ channel: "c", epoch: "e1", offset: 3, recovered: false, count: 1 });
  expect(ann.offsets).toEqual([2, 3]);
  expect(ann.welcome.members).toMatchObject([{ user: "ann" }]);
  const ben = await bench.connect("ben", { claims: { sub: "ben", exp: 1e9, ...NO_ROSTER } });
  expect(ben.welcome).toMatchObject({ count: 2, recovered: false, messages: [] });
  expect(ben.welcome).not.toHaveProperty("members");
});

test("[RY1] the channel hears of a newcomer in the very call that asks for its place, and it is counted there", async () => {
  const bench = new RelayBench();
  await bench.connect("ann", { hint: "weur" });
  expect(bench.channel.calls).toHaveLength(1);
  const [call] = bench.channel.calls;
  expect(call?.entering).toMatchObject([{ user: "ann", issuedAt: 1 }]);
  expect(call?.entering[0]).not.toHaveProperty("wanted");
  expect(call?.report).toMatchObject({
    isWhole: false,
    gone: [],
    sessions: 1,
    set: [{ user: "ann", live: 1, types: ["web"], endedAt: null, regions: ["weur"] }],
  });
});

test("[RY2] whom the user's object refuses the channel never hears of, and nothing is left", async () => {
  const bench = new RelayBench();
  bench.refusing.add("ann");
  const { socket, done } = bench.connecting("ann");
  expect(await done).toMatchObject({ code: "token_revoked" });
  expect(bench.channel.calls).toEqual([]);
  expect(socket.said).toEqual([]);
  expect(bench.rows).toBe(0);
});

test("[RY2] whom the channel refuses is taken back: its user is told, and the channel that nobody is there", async () => {
  const bench = new RelayBench();
  bench.channel.removed.add("ann");
  const { socket, done } = bench.connecting("ann");
  expect(await done).toEqual(refusal("forbidden", "removed"));
  await bench.world.quiet();
  expect(socket.said).toEqual([]);
  expect(bench.ended).toEqual([`${bench.admitted[0]} refused`]);
  expect(bench.channel.reports).toHaveLength(2); // that it came, and that it never was
  expect(bench.channel.reports.at(-1)).toMatchObject({ gone: ["ann"], set: [], digest: 0, sessions: 0 });
  await bench.pass(10);
  expect(bench.rows).toBe(0);
});

test("[RY2] where the channel does not answer nobody is welcomed, and it hears later that nobody came", async () => {
  const bench = new RelayBench();
  bench.channel.isGone = true;
  const { done } = bench.connecting("ann");
  expect(await done).toMatchObject({ code: "unavailable" });
  await bench.world.quiet();
  bench.channel.isGone = false;
  expect(bench.rows).toBe(1);
  await bench.pass(6000);
  expect(bench.channel.reports.at(-1)).toMatchObject({ gone: ["ann"] });
  expect(bench.rows).toBe(0);
});

test("[RY2] who ends while the channel is asked is not welcomed, nor counted", async () => {
  const bench = new RelayBench();
  bench.channel.close();
  const { socket, done } = bench.connecting("ann");
  await new Promise(setImmediate);
  await bench.relay.end(bench.admitted[0] ?? "", 4502, "ended");
  bench.channel.open();
  expect(await done).toMatchObject({ code: "session_gone" });
  await bench.world.quiet();
  expect(socket.said).toEqual([]);
  expect([...bench.channel.members]).toEqual([]);
});

test("[RY16] a relay serves RELAY_CAPACITY connections and no more, those on their way counted", async () => {
  const bench = new RelayBench({ RELAY_CAPACITY: "3" });
  bench.channel.close();
  const all = ["a", "b", "c", "d"].map((user) => bench.connecting(user).done);
  await new Promise(setImmediate);
  bench.channel.open();
  expect(await Promise.all(all)).toEqual([undefined, undefined, undefined, { relays: [] }]);
  await bench.world.quiet();
  expect(bench.admitted).toHaveLength(3);
  const first = bench.world.sockets[0];
  if (first !== undefined) await bench.leave(first as never);
  expect(await bench.connecting("d").done).toBeUndefined();
});

test("[RY6] who returns to where the relay knows what it missed costs the channel no reading", async () => {
  const bench = new RelayBench();
  await bench.connect("ann");
  for (let i = 0; i < 150; i++) await bench.push(bench.channel.say(`m${i}`));
  bench.channel.calls.length = 0;
  const ben = await bench.connect("ben", { recover: { epoch: "e1", offset: 20 } });
  expect(ben.welcome).toMatchObject({ recovered: true, offset: 150 });
  await bench.pass(10);
  expect(ben.offsets).toEqual(Array.from({ length: 130 }, (_, i) => i + 21));
  expect(ben.welcome.messages).toHaveLength(100);
  expect(bench.channel.calls.flatMap(({ requests }) => requests)).toEqual([]);
  expect(bench.channel.calls[0]?.entering[0]).not.toHaveProperty("wanted");
  await bench.push(bench.channel.say("new"));
  expect(ben.offsets.at(-1)).toBe(151);
});

test("[RY6] what the relay does not know any more comes from the channel, page by page, then what is new", async () => {
  const bench = new RelayBench();
  for (let i = 0; i < 400; i++) bench.channel.say(`m${i}`);
  const ann = await bench.connect("ann", { recover: { epoch: "e1", offset: 10 } });
  expect(ann.welcome).toMatchObject({ recovered: true, offset: 400 });
  const push = bench.channel.say("new");
  await bench.push(push);
  await bench.pass(100, 1);
  expect(ann.offsets).toEqual(Array.from({ length: 391 }, (_, i) => i + 11));
  expect(bench.channel.calls.flatMap(({ requests }) => requests).every(({ is }) => is === "read")).toBe(true);
});

test("[RY6] without the grant to history the cache reaches back 120 seconds, as the log does", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  await bench.push(bench.channel.say("old"));
  ann.ping = bench.world.now + 121_000;
  await bench.pass(121_000, 10_000);
  await bench.push(bench.channel.say("new"));
  const claims = { sub: "ben", exp: 1e9, ...NO_ROSTER };
  bench.channel.calls.length = 0;
  await bench.connect("ben", { recover: { epoch: "e1", offset: 1 }, claims });
  expect(bench.channel.calls[0]?.entering[0]).not.toHaveProperty("wanted");
  await bench.connect("cat", { recover: { epoch: "e1", offset: 0 }, claims: { ...claims, sub: "cat" } });
  expect(bench.channel.calls.at(-1)?.entering[0]).toMatchObject({
    wanted: { recover: { epoch: "e1", offset: 0 }, mayHistory: false },
  });
});

test("[RY6] a message that is over, or not for who returns, is skipped from the cache too", async () => {
  const bench = new RelayBench();
  await bench.connect("ann");
  await bench.push(bench.channel.say("short", { expiresAt: bench.world.now + 1000 }));
  await bench.push(bench.channel.say("not for ben", { exclude: { user: "ben" } }));
  await bench.push(bench.channel.say("for all"));
  await bench.pass(1500);
  const ben = await bench.connect("ben", { recover: { epoch: "e1", offset: 0 } });
  expect(ben.offsets).toEqual([-2, 3]);
});

test("[RY7] whoever is welcomed while a push is on its way hears each message once, whichever comes first", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  // The answer was given before the message was said, the push comes before the answer.
  bench.channel.close();
  const early = bench.connecting("ben", { recover: { epoch: "e1", offset: 0 } });
  await new Promise(setImmediate);
  const push = bench.channel.say("one");
  await bench.relay.push(push);
  bench.channel.open();
  expect(await early.done).toBeUndefined();
  await bench.pass(5, 1);
  expect(early.socket.offsets).toEqual([1]);
  // The answer speaks of a message whose push comes later.
  const late = bench.channel.say("two");
  const cat = await bench.connect("cat", { recover: { epoch: "e1", offset: 0 } });
  expect(cat.welcome.offset).toBe(1); // as far as the relay knows
  const dan = await bench.connect("dan");
  expect(dan.welcome.offset).toBe(2);
  await bench.push(late);
  await bench.push(bench.channel.say("three"));
  await bench.pass(5, 1);
  expect(cat.offsets).toEqual([1, 2, 3]);
  expect(dan.offsets).toEqual([3]);
  expect(ann.offsets).toEqual([1, 2, 3]);
  expect(early.socket.offsets).toEqual([1, 2, 3]);
});

test("[RY7] a change of the roster that overtakes a welcome is told after it", async () => {
  const bench = new RelayBench();
  await bench.connect("ann");
  bench.channel.close();
  const { socket, done } = bench.connecting("ben");
  await new Promise(setImmediate);
  await bench.relay.push(bench.channel.changeRoster("r1"));
  bench.channel.open();
  await done;
  expect(socket.said.map(({ type }) => type)).toEqual(["welcome", "members"]);
});

test("[RY18] who reads what it missed is sent 1 MiB, and more once it says that it has read that", async () => {
  const bench = new RelayBench();
  const text = "x".repeat(20_000);
  for (let i = 0; i < 120; i++) bench.channel.say(text);
  const ann = await bench.connect("ann", { recover: { epoch: "e1", offset: 0 } });
  await bench.pass(300, 1);
  const sent = ann.offsets.length;
  expect(sent).toBeGreaterThan(40);
  expect(sent).toBeLessThan(60);
  const [probe] = ann.of("probe");
  expect(probe).toBeDefined();
  await bench.push(bench.channel.say("new"));
  expect(ann.offsets).toHaveLength(sent);
  for (let i = 0; i < 3; i++) {
    await bench.say(ann, { type: "heartbeat", n: ann.of("probe").at(-1)?.n });
    await bench.pass(300, 1);
  }
  expect(ann.offsets).toEqual(Array.from({ length: 121 }, (_, i) => i + 1));
});

test("[RY18] who reads from where the channel's log begins no more is asked to come back", async () => {
  const bench = new RelayBench();
  for (let i = 0; i < 400; i++) bench.channel.say(`m${i}`);
  const { socket: ann, done } = bench.connecting("ann", { recover: { epoch: "e1", offset: 0 } });
  await done;
  bench.channel.forgotten = 350;
  await bench.pass(20, 1);
  expect(ann.closedWith).toBe(4000);
});

test("[RY6] a relay recovers no further back than the log that it stands for", async () => {
  const bench = new RelayBench({ HISTORY_SIZE: "5" });
  await bench.connect("ann");
  for (let i = 0; i < 20; i++) await bench.push(bench.channel.say(`m${i}`));
  const wanted = () => bench.channel.calls.at(-1)?.entering[0]?.wanted;
  expect((await bench.connect("ben", { recover: { epoch: "e1", offset: 15 } })).offsets).toEqual([
    16, 17, 18, 19, 20,
  ]);
  expect(wanted()).toBeUndefined();
  await bench.connect("cat", { recover: { epoch: "e1", offset: 14 } });
  expect(wanted()).toMatchObject({ recover: { epoch: "e1", offset: 14 } });
});
