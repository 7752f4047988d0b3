import fc from "fast-check";
import { expect, test } from "vitest";
import { atLeast, atMost } from "../load/bench/report.ts";
import { quantile } from "../load/bench/stats.ts";
import { FrameReader, type Heard, tally } from "../load/clients/frame-reader.ts";
import { MarkerCounter, OFFSET } from "../load/clients/marker-counter.ts";

/** A server's text frame: not masked. */
function frame(text: string): Buffer {
  const payload = Buffer.from(text);
  const head = payload.length < 126 ? [payload.length] : [126, payload.length >> 8, payload.length & 255];
  return Buffer.concat([Buffer.from([0x81, ...head]), payload]);
}

const message = (offset: number) =>
  JSON.stringify({ type: "message", id: `e-${offset}`, offset, data: '"off"' });

/** The same bytes in pieces, each in the one buffer that is used again: as the clients read them. */
function* pieces(bytes: Buffer, lengths: number[]): Generator<Buffer> {
  const shared = Buffer.alloc(bytes.length);
  for (let from = 0, i = 0; from < bytes.length; i++) {
    const length = Math.min(bytes.length - from, lengths[i % lengths.length] ?? 1);
    bytes.copy(shared, 0, from, from + length);
    yield shared.subarray(0, length);
    from += length;
  }
}

const lengths = fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 8 });

test("[BN1] each message is counted once, wherever the stream is cut", () => {
  fc.assert(
    fc.property(
      lengths,
      fc.integer({ min: 1, max: 30 }),
      fc.integer({ min: 0, max: 12_345 }),
      (cuts, count, first) => {
        const offsets = Array.from({ length: count }, (_, i) => first + i);
        const bytes = Buffer.concat(offsets.map((offset) => frame(message(offset))));
        const counter = new MarkerCounter(Buffer.from(OFFSET));
        const numbers: number[] = [];
        let found = 0;
        for (const piece of pieces(bytes, cuts))
          found += counter.feed(piece, (number) => numbers.push(number));
        expect(numbers).toEqual(offsets);
        expect({ found, count: counter.count, disorder: counter.disorder }).toEqual({
          found: count,
          count,
          disorder: 0,
        });
      },
    ),
  );
});

test.each([
  ["lost", [4, 5, 7, 8]],
  ["doubled", [4, 5, 5, 6]],
  ["out of order", [4, 6, 5, 6]],
])("[BN2] a number that is %s is seen", (_, offsets) => {
  const counter = new MarkerCounter(Buffer.from(OFFSET));
  counter.feed(frame(message(900)));
  counter.reset();
  for (const offset of offsets) counter.feed(frame(message(offset)));
  expect(counter.count).toBe(offsets.length);
  expect(counter.disorder).toBeGreaterThan(0);
  counter.reset();
  counter.feed(frame(message(1)));
  expect(counter).toMatchObject({ count: 1, disorder: 0 });
});

test("[BN3] frames are tallied by type, arrays too, wherever the stream is cut", () => {
  const members = {
    type: "members",
    count: 200,
    joined: Array.from({ length: 20 }, (_, i) => ({ user: `u${i}` })),
  };
  const texts = [
    JSON.stringify(members),
    "pong",
    JSON.stringify([members, { type: "probe", n: 1 }, members]),
  ];
  fc.assert(
    fc.property(lengths, (cuts) => {
      const reader = new FrameReader();
      const heard: Record<string, Heard> = {};
      for (const piece of pieces(Buffer.concat(texts.map(frame)), cuts)) tally(reader.feed(piece), heard);
      expect(heard).toMatchObject({ members: { frames: 3 }, probe: { frames: 1 } });
      const all = (heard.members?.bytes ?? 0) + (heard.probe?.bytes ?? 0);
      expect(all).toBeCloseTo(texts.join("").length - "pong".length);
    }),
  );
});

test("[BN4] a bar for which nothing was measured does not hold", () => {
  expect(quantile([], 0.5)).toBeNaN();
  expect(atMost("p99 under 100 ms", quantile([], 0.99), 100, "none").holds).toBe(false);
  expect(atLeast("three times ws", Number.NaN, 3, "none").holds).toBe(false);
  expect([atMost("", 100, 100, "").holds, atMost("", 101, 100, "").holds]).toEqual([true, false]);
  expect([atLeast("", 3, 3, "").holds, atLeast("", 2.9, 3, "").holds]).toEqual([true, false]);
});
