import { expect, test } from "vitest";
import { type Listener, SenderBench } from "../fixtures/sender-bench.ts";

const MIB = 1_048_576;
const KB10 = JSON.stringify("x".repeat(10_238));

/** Says 10 KB to all until `bytes` are said; whoever is among `readers` answers each probe. */
async function say(bench: SenderBench, bytes: number, readers: Listener[] = []): Promise<void> {
  const answered = new Map(readers.map((reader) => [reader, reader.probes.length]));
  for (let said = 0; said < bytes; said += 10_240) {
    bench.sender.tellAll(KB10);
    await bench.timers.pass(1);
    for (const reader of readers) {
      const { probes } = reader;
      for (const n of probes.slice(answered.get(reader))) bench.sender.answered(reader.connection, n);
      answered.set(reader, probes.length);
    }
  }
}

test("[SN9] who was sent 1 MiB and is not known to have read it is asked, once", async () => {
  const bench = new SenderBench(2);
  await say(bench, MIB - 300_000);
  for (const listener of bench.listeners) expect(listener.probes).toEqual([]);
  await say(bench, 600_000);
  for (const listener of bench.listeners) expect(listener.probes).toHaveLength(1);
  await say(bench, MIB);
  for (const listener of bench.listeners) {
    expect(listener.probes).toHaveLength(1);
    expect(listener.connection.state.probedAt).toBe(listener.probes[0]);
  }
});

test("[SN9] an answer counts for what was sent before the question, by number or by ping", async () => {
  const bench = new SenderBench(2);
  const [byNumber, byPing] = bench.listeners as [Listener, Listener];
  await say(bench, 1.3 * MIB);
  bench.sender.answered(byNumber.connection, (byNumber.probes[0] ?? 0) - 1); // of an older one
  byPing.pingedAt = (byPing.probes[0] ?? 0) - 1;
  await say(bench, MIB);
  expect(byNumber.probes).toHaveLength(1);
  expect(byPing.probes).toHaveLength(1);
  bench.sender.answered(byNumber.connection, byNumber.probes[0] ?? 0);
  byPing.pingedAt = bench.timers.now();
  await say(bench, 300_000); // what was sent since the question is more than 1 MiB by now
  expect(byNumber.probes).toHaveLength(2);
  expect(byPing.probes).toHaveLength(2);
  expect(bench.slow).toEqual([]);
});

test("[SN9] a ping of who has answered by number is a heartbeat, and no answer", async () => {
  const bench = new SenderBench(1);
  const [listener] = bench.listeners as [Listener];
  await say(bench, 1.3 * MIB);
  bench.sender.answered(listener.connection, listener.probes[0] ?? 0);
  await say(bench, 1.3 * MIB);
  listener.pingedAt = bench.timers.now();
  await say(bench, 3.5 * MIB);
  expect(listener.probes).toHaveLength(2);
  expect(bench.slow).toContain(listener.connection);
});

test("[SN10] who was sent 4 MiB without an answer is cut off, and nobody else", async () => {
  const bench = new SenderBench(3);
  const [one, slow, other] = bench.listeners as [Listener, Listener, Listener];
  await say(bench, 4 * MIB - 20_000, [one, other]);
  expect(bench.slow).toEqual([]);
  await say(bench, 400_000, [one, other]);
  expect(new Set(bench.slow)).toEqual(new Set([slow.connection]));
  await say(bench, 20 * MIB, [one, other]);
  expect(new Set(bench.slow)).toEqual(new Set([slow.connection]));
});

test("[SN10] what one alone was sent counts for it alone, and what it was not sent does not", async () => {
  const bench = new SenderBench(3);
  const [out, alone, both] = bench.listeners as [Listener, Listener, Listener];
  for (let said = 0; said < 2.5 * MIB; said += 10_240) {
    bench.sender.tellAll(KB10, { but: new Set([out.connection, alone.connection]) });
    alone.connection.tell(KB10);
    both.connection.tell(KB10);
    if (said % 102_400 === 0) await bench.timers.pass(1);
  }
  await bench.timers.pass(50);
  expect(out.probes).toEqual([]);
  expect(alone.probes).toHaveLength(1);
  expect(new Set(bench.slow)).toEqual(new Set([both.connection]));
  for (let said = 0; said < 1.5 * MIB; said += 102_400) {
    const text = JSON.stringify("x".repeat(102_398));
    bench.sender.tellAll(text, { but: new Set([out.connection]) }); // at once, and not to all
    await bench.timers.pass(50);
  }
  expect(out.probes).toEqual([]);
  const late = bench.open(); // what was said before it came was not sent to it
  await say(bench, 0.8 * MIB);
  expect(late.probes).toEqual([]);
});

test("[SN11] what goes to all is counted once, however many they are", async () => {
  const bench = new SenderBench(0);
  let looks = 0;
  for (let i = 0; i < 500; i++) {
    const { connection } = bench.open();
    let bytes = 0;
    Object.defineProperty(connection, "unreadBytes", {
      get: () => {
        looks++;
        return bytes;
      },
      set: (value: number) => {
        bytes = value;
      },
    });
  }
  for (let i = 0; i < 1000; i++) {
    bench.sender.tellAll('"130 bytes are a usual message"');
    await bench.timers.pass(1);
  }
  expect(looks).toBeLessThanOrEqual(500); // of half a million
});
