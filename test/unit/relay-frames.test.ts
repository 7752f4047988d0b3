import { expect, test } from "vitest";
import type { Claims } from "../../src/protocol/claims.ts";
import { RelayBench } from "../fixtures/relay-bench.ts";

const HEARS: Partial<Claims> = { channels: { c: ["subscribe"] } };

test("[RY11] what one connection publishes arrives in the order in which it was said, under load too", async () => {
  const bench = new RelayBench({ RATE_BURST: "1000" });
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  bench.channel.close();
  for (let i = 0; i < 30; i++) {
    for (const socket of [ann, ben]) {
      const data = `${socket.welcome.user} ${i}`;
      void bench.relay.received(socket, JSON.stringify({ type: "publish", data, ref: i }));
    }
    if (i === 10) await new Promise(setImmediate);
  }
  bench.channel.open();
  await bench.world.quiet();
  await new Promise(setImmediate);
  await bench.world.settled();
  for (const socket of [ann, ben]) {
    const { user } = socket.welcome;
    const said = bench.channel.published
      .map((json) => JSON.parse(json))
      .filter((data) => data.startsWith(user));
    expect(said).toEqual(Array.from({ length: 30 }, (_, i) => `${user} ${i}`));
    expect(socket.of("ok").map(({ ref }) => ref)).toEqual(Array.from({ length: 30 }, (_, i) => i));
  }
});

test("[RY11] a call carries 8 MiB at most: what is more leaves with the next", async () => {
  const bench = new RelayBench({ RATE_BURST: "1000" });
  const ann = await bench.connect("ann");
  bench.channel.close();
  void bench.relay.received(ann, JSON.stringify({ type: "publish", data: 0 }));
  await new Promise(setImmediate);
  bench.channel.calls.length = 0;
  for (let i = 0; i < 20; i++) void bench.relay.received(ann, JSON.stringify({ type: "history", ref: i }));
  bench.channel.open();
  for (let i = 0; i < 10; i++) await new Promise(setImmediate);
  expect(bench.channel.calls.map(({ requests }) => requests.length)).toEqual([8, 8, 4]);
  await bench.world.settled();
  expect(ann.of("ok").filter(({ ref }) => ref !== undefined)).toHaveLength(20);
});

test("[RY20] frames are answered as at the channel, by its object", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann", { device: { type: "web", id: "d1" } });
  await bench.say(
    ann,
    { type: "publish", data: "hello", ref: 1 },
    { type: "signal", event: "typing", ref: 2 },
    { type: "history", ref: 3 },
    { type: "members", ref: 4 },
    { type: "heartbeat", ref: 5 },
    { type: "presence", status: "busy", ref: 6 },
    { type: "send", user: "ben", data: 1, ref: 7 },
  );
  const answer = (ref: number) => ann.said.find((frame) => frame.ref === ref);
  expect(answer(1)).toMatchObject({ type: "ok", id: "m1", epoch: "e1", offset: 1 });
  expect(answer(2)).toEqual({ type: "ok", ref: 2 });
  expect(answer(3)).toMatchObject({ type: "ok", epoch: "e1", messages: [{ data: "hello" }] });
  expect(answer(4)).toMatchObject({ type: "ok", count: 1, members: [{ user: "ann" }] });
  expect(answer(5)).toMatchObject({ type: "ok" });
  expect(answer(6)).toMatchObject({ type: "ok", status: "busy" });
  expect(answer(7)).toMatchObject({ type: "error", code: "bad_request" });
  expect(bench.channel.signals).toEqual(["typing"]);
  const asked = bench.channel.calls.flatMap(({ requests }) => requests);
  const { session } = ann.welcome;
  expect(asked[0]).toMatchObject({
    caller: { user: "ann", session, device: "d1", issuedAt: 1 },
    request: { from: { user: "ann", session, device: "d1" } },
  });
});

test("[RY20] what a connection has no grant to never leaves the relay", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann", { claims: { sub: "ann", exp: 1e9, ...HEARS } });
  bench.channel.calls.length = 0;
  const frames = ["publish", "history", "members"].map((type, ref) => ({ type, data: 1, ref }));
  await bench.say(ann, ...frames, { type: "signal", event: "e", ref: 3 });
  await bench.say(ann, { type: "subscribe", rewind: 5, ref: 4 }, { type: "subscribe", channel: "d", ref: 5 });
  expect(ann.of("error").map(({ ref, code }) => [ref, code])).toEqual([
    ...[0, 1, 2, 3, 4].map((ref) => [ref, "forbidden"]),
    [5, "bad_request"],
  ]);
  expect(bench.channel.calls).toEqual([]);
});

test("[RY20] who asks whether it has missed anything is told again from there, then what is new", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  for (let i = 0; i < 3; i++) await bench.push(bench.channel.say(`m${i}`));
  await bench.say(ann, { type: "subscribe", epoch: "e1", offset: 1, ref: "check" });
  expect(ann.of("subscribed")).toMatchObject([{ ref: "check", recovered: true, offset: 3, count: 1 }]);
  expect(ann.offsets).toEqual([1, 2, 3, 2, 3]);
  await bench.say(ann, { type: "subscribe", epoch: "other", offset: 1, rewind: 1 });
  expect(ann.of("subscribed").at(-1)).toMatchObject({ recovered: false, epoch: "e1", offset: 3 });
  await bench.push(bench.channel.say("new"));
  expect(ann.offsets).toEqual([1, 2, 3, 2, 3, 3, 4]);
});

test("[RY20] a new token is refused to who was sent away, and prolongs the session of who was not", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  const later = { sub: "ann", exp: 1e7, iat: 5 };
  bench.verified = later;
  await bench.say(ann, { type: "auth", token: "new", ref: 1 });
  expect(ann.of("ok")).toMatchObject([{ ref: 1, expiresAt: 1e10 }]);
  bench.channel.removed.add("ann");
  await bench.say(ann, { type: "auth", token: "newer", ref: 2 });
  expect(ann.of("error")).toMatchObject([{ ref: 2, code: "forbidden" }]);
  bench.channel.removed.clear();
  bench.verified = { ...later, channels: {} };
  await bench.say(ann, { type: "auth", token: "without a grant", ref: 3 });
  expect(ann.closedWith).toBe(4502);
});

test("[RY20] a device that changes is reported", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  await bench.say(ann, { type: "heartbeat", device: { type: "tv" }, ref: 1 });
  expect(ann.of("ok")).toHaveLength(1);
  expect(bench.channel.members.get("ann")?.types).toEqual(["tv"]);
});
