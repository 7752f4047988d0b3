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
