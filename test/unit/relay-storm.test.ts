import { expect, test } from "vitest";
import { RelayBench } from "../fixtures/relay-bench.ts";

const recover = { epoch: "e1", offset: 0 };

test("[RY84] newcomers who recover all wait for their turn, however many come at once", async () => {
  const bench = new RelayBench();
  for (let i = 0; i < 3; i++) bench.channel.say("x");
  const all = Array.from({ length: 600 }, (_, i) => bench.connecting(`u${i}`, { recover }));
  expect((await Promise.all(all.map(({ done }) => done))).filter((refused) => refused)).toEqual([]);
  for (const { socket } of all) expect(socket.offsets).toEqual([1, 2, 3]);
});

test("[RY84] so many read on from the log at once that nobody else has to wait for long, and none is forgotten", async () => {
  const bench = new RelayBench();
  const text = "x".repeat(1000);
  for (let i = 0; i < 150; i++) bench.channel.say(text);
  const all = Array.from({ length: 120 }, (_, i) => bench.connecting(`u${i}`, { recover }));
  await Promise.all(all.map(({ done }) => done));
  const before = bench.channel.calls.length;
  let mostReads = 0;
  for (let i = 0; i < 400; i++) await bench.pass(2, 1);
  for (const { requests } of bench.channel.calls.slice(before)) {
    mostReads = Math.max(mostReads, requests.filter(({ is }) => is === "read").length);
  }
  expect(mostReads).toBeLessThanOrEqual(8);
  for (const { socket } of all) expect(socket.offsets).toHaveLength(150);
  expect(bench.world.warned).toEqual([]);
});

test("[RY84] pages that clients ask for are bounded, and who asks for many refuses nobody else a word", async () => {
  const bench = new RelayBench({ RATE_BURST: "1000" });
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  bench.channel.close();
  const all = Array.from({ length: 200 }, (_, ref) =>
    bench.relay.received(ann, JSON.stringify({ type: "history", ref })),
  );
  all.push(bench.relay.received(ben, JSON.stringify({ type: "publish", data: 1, ref: "p" })));
  await new Promise(setImmediate);
  expect(bench.channel.waiting).toBe(1);
  bench.channel.open();
  await Promise.all(all);
  await bench.world.settled();
  expect(ben.of("ok")).toMatchObject([{ ref: "p" }]);
  expect(ann.of("error").length).toBeGreaterThan(150);
  expect(ann.of("ok").length + ann.of("error").length).toBe(200);
  expect(bench.channel.calls.length).toBeLessThan(12);
});
