import { expect, test } from "vitest";
import type { Connection } from "../../src/connections/connection.ts";
import { Reading } from "../../src/user/subscriptions/unread.ts";

const MIB = 1_048_576;

/** One connection that reads many logs without end: the client answers, and channels do, when the test says so. */
function bench(readers: number, pageBytes = Number.POSITIVE_INFINITY) {
  const state = { now: 1000, isLive: true, isWanted: true, bytes: 0, probes: [] as number[] };
  const looks: (() => void)[] = [];
  const reading = new Reading({
    clock: { now: () => state.now },
    timers: { after: (_, work) => void looks.push(work) },
  });
  const connection = {
    ask: (n: number) => void state.probes.push(n),
    socket: { pingedAt: () => null },
  } as unknown as Connection;
  const isLive = () => state.isLive;
  const isWanted = () => state.isWanted && state.isLive;
  const read = async () => {
    for (;;) {
      const page = await reading.page(connection, { isLive, isWanted }, async (maxBytes) => {
        await Promise.resolve();
        return { bytes: Math.min(maxBytes, pageBytes) };
      });
      if (page === undefined) return;
      state.bytes += page.bytes;
    }
  };
  const ends = Promise.all(Array.from({ length: readers }, read));
  const quiet = async () => {
    for (const look of looks.splice(0)) look();
    await new Promise((resolve) => setTimeout(resolve, 5));
  };
  return { state, reading, connection, ends, quiet };
}

test("[SU25] all readers of a connection together send 1 MiB, ask once, and go on after the answer", async () => {
  for (const pageBytes of [Number.POSITIVE_INFINITY, 5_000]) {
    const { state, reading, connection, quiet } = bench(200, pageBytes);
    await quiet();
    for (let i = 1; i < 4; i++) {
      // With small pages it is asked from the half on, while others are being read.
      expect(state.bytes).toBeGreaterThan(0.4 * i * MIB);
      expect(state.bytes).toBeLessThanOrEqual(i * MIB);
      expect(state.probes).toHaveLength(i);
      await quiet(); // nothing answered, nothing sent
      expect(state.bytes).toBeLessThanOrEqual(i * MIB);
      state.now += 1000;
      reading.answered(connection, state.probes.at(-1) ?? 0);
      await quiet();
    }
  }
});

test("[SU25] what a client was sent before it was asked is all that its answer counts for", async () => {
  const { state, reading, connection, quiet } = bench(1);
  await quiet();
  reading.sent(connection, MIB); // first pages of other channels, since
  state.now += 1000;
  reading.answered(connection, state.probes[0] ?? 0);
  const before = state.bytes;
  await quiet();
  expect([state.bytes, state.probes]).toEqual([before, [1000, 2000]]);
});

test("[SU25] who is gone, or wants nothing more, waits no longer", async () => {
  const { state, ends, quiet } = bench(20);
  await quiet();
  state.isLive = false;
  await quiet();
  expect(await ends).toHaveLength(20);
});
