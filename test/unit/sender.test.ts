import fc from "fast-check";
import { expect, test } from "vitest";
import { type Encoded, textFrames } from "../../src/connections/text-frames.ts";
import { messagesIn, SenderBench } from "../fixtures/sender-bench.ts";

const KIB = 1024;
/** JSON text of a message of so many bytes. */
const sized = (bytes: number, letter = "x") => JSON.stringify(letter.repeat(bytes - 2));
const encoded = (text: string): Encoded => ({ text, bytes: Buffer.byteLength(text) });

test("[SN1] a message after a quiet moment leaves in its own turn, as it is", async () => {
  const bench = new SenderBench(3);
  for (let i = 1; i <= 3; i++) {
    bench.sender.tellAll(`${i}`);
    for (const { texts } of bench.listeners) expect(texts.at(-1)).toBe(`${i}`);
    await bench.timers.pass(5);
  }
  for (const { texts } of bench.listeners) expect(texts).toEqual(["1", "2", "3"]);
});

test("[SN2] what is said until the next turn leaves as one array, of which all get the same text", async () => {
  const bench = new SenderBench(3);
  for (let i = 1; i <= 5; i++) bench.sender.tellAll(`${i}`);
  for (const { texts } of bench.listeners) expect(texts).toEqual(["1"]);
  await bench.timers.pass(0);
  for (const { texts } of bench.listeners) expect(texts).toEqual(["1", "[2,3,4,5]"]);
});

test("[SN2] what one connection alone is told in one moment is an array from the fifth on", async () => {
  const bench = new SenderBench(2);
  const [one, other] = bench.listeners;
  for (let i = 1; i <= 9; i++) one?.connection.tell(`${i}`);
  await bench.timers.pass(0);
  expect(one?.texts).toEqual(["1", "2", "3", "4", "[5,6,7,8,9]"]);
  expect(other?.texts).toEqual([]);
});

test("[SN3] under load messages wait longer, at most 20 ms, and no longer once it is quiet", async () => {
  const bench = new SenderBench(1);
  const told = new Map<string, number>();
  const waits: number[] = [];
  let heard = 0;
  const look = () => {
    for (const n of messagesIn(bench.listeners[0]?.texts ?? []).slice(heard)) {
      waits.push(bench.timers.now() - (told.get(String(n)) ?? 0));
      heard++;
    }
  };
  for (let n = 0; n < 400; n++) {
    told.set(String(n), bench.timers.now());
    bench.sender.tellAll(String(n));
    look();
    if (n % 2 === 1) await bench.timers.pass(1);
    look();
  }
  const frames = bench.listeners[0]?.texts.length ?? 0;
  expect(frames).toBeLessThan(400 / 20); // 200 ms, and windows of 20 most of the time
  expect(Math.max(...waits)).toBeLessThanOrEqual(20);
  expect(Math.max(...waits)).toBeGreaterThan(10);
  await bench.timers.pass(100);
  bench.sender.tellAll('"quiet"');
  expect(bench.listeners[0]?.texts.at(-1)).toBe('"quiet"');
});

test("[SN3] under load the wait begins when all is written, however long that takes", async () => {
  const bench = new SenderBench(1);
  const writes: { at: number; until: number }[] = [];
  bench.onSent = () => {
    const at = bench.timers.now();
    writes.push({ at, until: at + 15 });
    bench.timers.takes(15);
  };
  while (writes.length < 12) {
    bench.sender.tellAll("1");
    bench.sender.tellAll("2");
    await bench.timers.pass(1);
  }
  const waits = writes.slice(1).map(({ at }, i) => at - (writes[i]?.until ?? 0));
  expect(waits.slice(6).every((wait) => wait === 20)).toBe(true); // by then the window has grown
});

test("[SN3] messages that come one by one, however regularly, wait for nothing", async () => {
  const bench = new SenderBench(1);
  for (let n = 1; n <= 50; n++) {
    bench.sender.tellAll(String(n));
    expect(bench.listeners[0]?.texts).toHaveLength(n);
    await bench.timers.pass(1);
  }
});

test("[SN4] a frame is at most 64 KiB, but always one message", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.integer({ min: 3, max: 200 }), fc.constantFrom("x", "é", "😀")), {
        maxLength: 60,
      }),
      fc.integer({ min: 50, max: 500 }),
      (sizes, most) => {
        const messages = sizes.map(([size, letter]) => encoded(sized(size, letter)));
        const frames = textFrames(messages, most);
        expect(messagesIn(frames.map(({ text }) => text))).toEqual(
          messages.map(({ text }) => JSON.parse(text)),
        );
        expect(frames.reduce((sum, frame) => sum + frame.messages, 0)).toBe(messages.length);
        for (const { text, bytes, messages: count } of frames) {
          expect(bytes).toBe(Buffer.byteLength(text));
          if (count > 1) expect(bytes).toBeLessThanOrEqual(most);
          expect(Array.isArray(JSON.parse(text))).toBe(count > 1);
        }
      },
    ),
  );
  const texts = [sized(30 * KIB), sized(30 * KIB), sized(5 * KIB), sized(100 * KIB), sized(3)];
  expect(textFrames(texts.map(encoded)).map(({ messages }) => messages)).toEqual([2, 1, 1, 1]);
});

test("[SN4] messages fill a frame to the last byte", () => {
  const fits = textFrames([encoded(sized(32 * KIB)), encoded(sized(32 * KIB - 3))]);
  expect(fits.map(({ bytes }) => bytes)).toEqual([64 * KIB]);
  expect(textFrames([encoded(sized(32 * KIB)), encoded(sized(32 * KIB - 2))])).toHaveLength(2);
});

const Step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ is: fc.constant("all" as const), but: fc.array(fc.nat(5), { maxLength: 2 }) }),
  },
  { weight: 4, arbitrary: fc.record({ is: fc.constant("one" as const), to: fc.nat(5) }) },
  {
    weight: 2,
    arbitrary: fc.record({ is: fc.constant("wait" as const), ms: fc.integer({ min: 0, max: 30 }) }),
  },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("open" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("close" as const), who: fc.nat(5) }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("long" as const) }) },
);

test("[SN5] [SN6] [SN7] each connection hears all that it was told, once and in the order in which it was told", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(Step, { maxLength: 60 }), async (steps) => {
      const bench = new SenderBench(3);
      const expected = new Map(bench.listeners.map((listener) => [listener, [] as unknown[]]));
      const open = new Set(bench.listeners);
      let n = 0;
      const tellAll = (text: string, but: number[]) => {
        const out = but.flatMap((i) => bench.listeners[i] ?? []);
        bench.sender.tellAll(text, { but: new Set(out.map(({ connection }) => connection)) });
        for (const listener of open)
          if (!out.includes(listener)) expected.get(listener)?.push(JSON.parse(text));
      };
      for (const step of steps) {
        n++;
        if (step.is === "all") tellAll(String(n), step.but);
        else if (step.is === "long" && n % 3 === 0) {
          const [first] = open;
          first?.connection.tell(sized(150_000));
          if (first !== undefined) expected.get(first)?.push("x".repeat(149_998));
        } else if (step.is === "long") tellAll(sized(70_000, String(n % 10)), []);
        else if (step.is === "wait") await bench.timers.pass(step.ms);
        else if (step.is === "open") {
          const listener = bench.open();
          open.add(listener);
          expected.set(listener, []);
        } else if (step.is === "close") {
          const listener = bench.listeners[step.who];
          if (listener === undefined || !open.delete(listener)) continue;
          bench.close(listener);
          expect(messagesIn(listener.texts)).toEqual(expected.get(listener)); // also what waited
        } else {
          const listener = bench.listeners[step.to];
          if (listener === undefined || !open.has(listener)) continue;
          listener.connection.tell(String(n));
          expected.get(listener)?.push(n);
        }
      }
      await bench.timers.pass(100);
      for (const listener of open) expect(messagesIn(listener.texts)).toEqual(expected.get(listener));
    }),
    { numRuns: 300 },
  );
});

test("[SN6] what waits is bounded: more than 256 KiB leaves at once", () => {
  const bench = new SenderBench(2);
  const [one, other] = bench.listeners;
  for (let i = 0; i < 10; i++) bench.sender.tellAll(sized(50 * KIB));
  expect(messagesIn(one?.texts ?? [])).toHaveLength(7); // the first, and six that were more than that
  for (let i = 0; i < 14; i++) other?.connection.tell(sized(50 * KIB));
  expect(messagesIn(other?.texts ?? []).length).toBeGreaterThanOrEqual(19);
});

test("[SN8] a socket that fails takes no other's message with it", async () => {
  const bench = new SenderBench(3);
  const [, broken] = bench.listeners;
  const failed: unknown[] = [];
  const tell = (n: number) =>
    bench.sender.tellAll(String(n), { failed: (connection) => failed.push([n, connection]) });
  tell(1);
  tell(2);
  tell(3);
  if (broken !== undefined) broken.isBroken = true;
  await bench.timers.pass(50);
  tell(4);
  for (const listener of bench.listeners) {
    if (listener !== broken) expect(messagesIn(listener.texts)).toEqual([1, 2, 3, 4]);
  }
  // It reads the log from the first that it did not get, then again.
  expect(failed).toEqual([
    [2, broken?.connection],
    [4, broken?.connection],
  ]);
  expect(bench.lost).toEqual([]);
});

test("[SN8] what left before a socket failed is not told again", async () => {
  const bench = new SenderBench(1);
  const failed: string[] = [];
  for (const letter of ["a", "b", "c", "d"]) {
    bench.sender.tellAll(sized(40 * KIB, letter), { failed: () => failed.push(letter) });
  }
  Object.assign(bench.listeners[0] ?? {}, { failsWith: "c" });
  await bench.timers.pass(50);
  expect(failed).toEqual(["c"]);
});

test("[SN8] what can't be read again has to be told anew: the connection must come back", async () => {
  const bench = new SenderBench(2);
  const [broken] = bench.listeners;
  bench.sender.tellAll("1");
  bench.sender.tellAll("2", { failed: () => undefined });
  bench.sender.tellAll("3");
  if (broken !== undefined) broken.isBroken = true;
  await bench.timers.pass(50);
  expect(bench.lost).toEqual([broken?.connection]);
  expect(() => broken?.connection.tell("4")).toThrow("as the test asked");
});

test("[MT14] what is told to all is counted at once, however many they are", async () => {
  const message = (n: number) => `{"type":"message","id":"x-${n}","channel":"c","offset":${n},"data":${n}}`;
  const skipped = (n: number) => JSON.stringify({ type: "message", channel: "c", offset: n, skipped: true });
  const run = async (listeners: number) => {
    const bench = new SenderBench(listeners);
    const [out] = bench.listeners;
    bench.sender.tellAll(message(1));
    for (let n = 2; n <= 20; n++)
      bench.sender.tellAll(message(n), { but: new Set(out ? [out.connection] : []) });
    for (let n = 2; n <= 20; n++) out?.connection.tell(skipped(n));
    await bench.timers.pass(50);
    const frames = bench.listeners.reduce((sum, { texts }) => sum + texts.length, 0);
    return { bench, frames };
  };
  const few = await run(10);
  const many = await run(1000);
  expect(few.bench.counted.get("delivered message")).toBe(10 + 19 * 9);
  expect(many.bench.counted.get("delivered message")).toBe(1000 + 19 * 999);
  expect(few.bench.counted.get("frames out")).toBe(few.frames);
  expect(many.bench.counted.get("frames out")).toBe(many.frames);
  expect(many.bench.counts).toBe(few.bench.counts);
});

test("[MT14] what a socket failed with is not counted as told", async () => {
  const bench = new SenderBench(3);
  if (bench.listeners[0] !== undefined) bench.listeners[0].isBroken = true;
  bench.sender.tellAll('{"type":"message","id":"x"}', { failed: () => undefined });
  await bench.timers.pass(50);
  expect(Object.fromEntries(bench.counted)).toEqual({ "delivered message": 2, "frames out": 2 });
});
