import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageLog } from "../../src/channel/log/message-log.ts";
import { MIGRATIONS } from "../../src/channel/schema.ts";
import { settingsOf } from "../../src/config.ts";
import { fingerprint } from "../../src/objects/fingerprint.ts";
import { isLeftOut } from "../../src/objects/left-out.ts";
import { Database } from "../../src/objects/migrations.ts";
import { PublishKeys } from "../../src/objects/publish-keys.ts";
import { MessageQuery, PublishBody } from "../../src/protocol/bodies.ts";
import { decodeClientText } from "../../src/protocol/codec.ts";
import { Storage } from "../sim/storage.ts";

const HOUR_MS = 3_600_000;
const SIZE = 100;
const TTL_MS = 1_000_000;
const settings = settingsOf({
  JWT_SECRET: "a-secret-of-thirty-two-characters",
  HISTORY_SIZE: String(SIZE),
  HISTORY_TTL_SECONDS: String(TTL_MS / 1000),
});

/** A log of its own, at a time of the test's choosing. */
function logAt(startsAt: number) {
  const clock = { time: startsAt, now: () => clock.time };
  const sql = new Database(new Storage(), MIGRATIONS);
  const open = () => new MessageLog("log", { sql, clock, random: { id: () => "epoch" } }, settings);
  return { clock, sql, open, keys: () => new PublishKeys(sql, clock) };
}

const offsetsOf = (texts: string[]) => texts.map((text) => (JSON.parse(text) as { offset: number }).offset);

/** What was said, and what may be told of it: the newest `SIZE`, but nothing up to the last run of old ones. */
class Model {
  readonly times: number[] = [];
  #gone = 0;

  /** A log that slept knows only what was deleted. */
  wake(oldest: number): void {
    this.#gone = oldest - 1;
  }

  floor(now: number): number {
    this.#gone = Math.max(this.#gone, this.times.length - SIZE);
    while (this.#gone < this.times.length && (this.times[this.#gone] ?? 0) <= now - TTL_MS) this.#gone++;
    return this.#gone + 1;
  }
}

const Step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ is: fc.constant("say" as const), count: fc.integer({ min: 1, max: 60 }) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      is: fc.constant("wait" as const),
      ms: fc.integer({ min: -200_000, max: 500_000 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("sweep" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("wake" as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ is: fc.constant("recover" as const), back: fc.integer({ min: -2, max: 150 }) }),
  },
);

test("[MS6] whatever is said, swept and slept through, and however the clock jumps: what is told is what is promised", () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 40 }), (steps) => {
      const { clock, open, sql } = logAt(10_000_000);
      const model = new Model();
      let log = open();
      const told = () =>
        offsetsOf(
          JSON.parse(log.page(MessageQuery.parse({ limit: 1000 }), undefined).messagesJson).map(
            (message: object) => JSON.stringify(message),
          ),
        );
      for (const step of steps) {
        if (step.is === "wait") clock.time += step.ms;
        if (step.is === "wake") {
          log = open();
          model.wake(sql.all<{ low: number | null }>("SELECT min(offset) AS low FROM message")[0]?.low ?? 1);
        }
        if (step.is === "sweep" && (log.retention.nextAt() ?? Number.POSITIVE_INFINITY) <= clock.time) {
          log.retention.run(clock.time);
          expect(log.retention.nextAt() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(clock.time);
        }
        for (let i = 0; step.is === "say" && i < step.count; i++) {
          const { published } = log.append({ event: "m", dataJson: "1" });
          model.times.push(clock.time);
          expect(published.offset).toBe(model.times.length);
          log.retention.stored(published.offset);
        }
        const top = model.times.length;
        const floor = model.floor(clock.time);
        if (step.is === "recover") {
          const offset = Math.max(0, top - step.back);
          const place = log.place({ epoch: "epoch", offset }, 0, 0);
          expect(place.recovered).toBe(offset <= top && offset + 1 >= floor);
        }
        expect(told()).toEqual(Array.from({ length: Math.max(0, top - floor + 1) }, (_, i) => floor + i));
      }
    }),
    { numRuns: 200 },
  );
});

test("[RC6] a piece holds so many rows and bytes, but always one message, and merges runs of skipped ones", () => {
  const { open } = logAt(0);
  const log = open();
  const reader = { user: "ann" };
  for (let i = 1; i <= 9; i++) {
    const exclude = [2, 3, 6, 9].includes(i) ? { exclude: { user: "ann" } } : {};
    log.append({ event: "m", dataJson: JSON.stringify("x".repeat(100)), ...exclude });
  }
  const all = log.after(0, { rows: 100, bytes: 1e6 }, reader);
  expect(all && offsetsOf(all.texts)).toEqual([1, 3, 4, 5, 6, 7, 8, 9]);
  expect(all).toMatchObject({ offset: 9, isLast: true });
  expect(log.after(0, { rows: 3, bytes: 1e6 }, reader)).toMatchObject({ offset: 3, isLast: false });
  expect(log.after(0, { rows: 100, bytes: 1 }, reader)).toMatchObject({ offset: 3, isLast: false });
  expect(log.after(1, { rows: 100, bytes: 1 }, reader)).toMatchObject({ offset: 4 });
  expect(log.after(8, { rows: 100, bytes: 1 }, reader)).toMatchObject({ offset: 9, isLast: true });
  expect(log.after(9, { rows: 100, bytes: 1 }, reader)).toMatchObject({ texts: [], isLast: true });
});

test("[IK4] keys of a day are found and older ones swept by ranges, also where the clock goes back", () => {
  const { clock, keys, sql } = logAt(1000 * 24 * HOUR_MS);
  const all = keys();
  const request = (key: string) => ({ event: "m", dataJson: "1", once: { principal: "user:a", key } });
  const start = clock.time;
  for (let hour = 0; hour < 40; hour++) {
    clock.time = start + hour * HOUR_MS;
    all.remember(request(`k${hour}`), { offset: hour + 1, at: clock.time });
    all.stored();
  }
  for (let hour = 0; hour < 40; hour++) expect(all.find(request(`k${hour}`)) !== undefined).toBe(hour > 15);
  clock.time -= HOUR_MS;
  expect(all.find(request("k39"))).toMatchObject({ offset: 40 });
  const due = keys().nextAt() ?? 0;
  expect(due).toBeLessThanOrEqual(start + 30 * HOUR_MS);
  clock.time = start + 39 * HOUR_MS;
  all.run(clock.time);
  const left = sql.all<{ key: string }>("SELECT key FROM publish_key").length;
  expect(left).toBeGreaterThanOrEqual(24); // a day, and a quarter at most
  expect(left).toBeLessThanOrEqual(30);
  expect(all.nextAt()).toBeGreaterThan(clock.time);
  clock.time += 100 * HOUR_MS;
  all.run(clock.time);
  expect(all.nextAt()).toBeNull();
});

test("[IK4] more old keys than one turn may delete are deleted in several", () => {
  const { clock, keys } = logAt(0);
  const all = keys();
  for (let i = 0; i < 2500; i++) {
    const once = { principal: `user:${i % 7}`, key: `k${i}` };
    all.remember({ event: "m", dataJson: "1", once }, { offset: i + 1, at: 0 });
  }
  all.stored();
  let turns = 0;
  clock.time = 100 * HOUR_MS;
  for (let due = all.nextAt(); due !== null; due = all.nextAt(), turns++) {
    clock.time = Math.max(clock.time, due);
    all.run(clock.time);
    expect(all.nextAt() ?? Number.POSITIVE_INFINITY).toBeGreaterThan(clock.time);
  }
  expect(turns).toBe(3);
});

test("[IK5] bodies that differ in anything have other fingerprints, and a fingerprint never changes", () => {
  const bodies = [
    { event: "m", dataJson: "1" },
    { event: "m", dataJson: "2" },
    { event: "m1", dataJson: "" },
    { event: "n", dataJson: "1" },
    { event: "m", dataJson: "1", ttlSeconds: 1 },
    { event: "m", dataJson: "1", exclude: { user: "a" } },
    { event: "m", dataJson: "1", exclude: { session: "a" } },
    { event: "m", dataJson: "1", exclude: { user: "a", device: "b" } },
  ];
  expect(new Set(bodies.map(fingerprint)).size).toBe(bodies.length);
  expect(fingerprint({ event: "message", dataJson: '{"a":1}' })).toBe(STORED_SINCE_THE_FIRST_VERSION);
  fc.assert(
    fc.property(fc.string(), fc.string(), (a, b) => {
      fc.pre(a !== b);
      expect(fingerprint({ event: "m", dataJson: a })).not.toBe(fingerprint({ event: "m", dataJson: b }));
    }),
  );
});

const STORED_SINCE_THE_FIRST_VERSION = 5199757128184213;

test("[MS8] an exclusion means the sessions that match all that it names", () => {
  const reader = { user: "ann", session: "s", device: "d" };
  expect(isLeftOut({ user: "ann" }, reader)).toBe(true);
  expect(isLeftOut({ user: "ann", device: "d" }, reader)).toBe(true);
  expect(isLeftOut({ user: "ann", device: "other" }, reader)).toBe(false);
  expect(isLeftOut({ user: "ben", session: "s" }, reader)).toBe(false);
  expect(isLeftOut({ session: "s" }, { user: "ann" })).toBe(false);
});

test.each(["1e400", "-1", "1.5", "9007199254740993", '"1"', "[1]", "true"])(
  "[N9] %s is no offset",
  (number) => {
    for (const text of [
      `{"type":"subscribe","epoch":"e","offset":${number}}`,
      `{"type":"history","after":${number}}`,
      `{"type":"publish","data":1,"ttlSeconds":${number}}`,
    ]) {
      expect(decodeClientText(text)).toMatchObject([{ refused: { code: "bad_request" } }]);
    }
  },
);

test("[N9] what is a whole number in another spelling is that number", () => {
  for (const [text, after] of [
    ["-0", 0],
    ["1e-400", 0],
    ["1e2", 100],
    ["9007199254740991", 9007199254740991],
  ] as const) {
    const [decoded] = decodeClientText(`{"type":"history","after":${text}}`);
    expect(decoded && "frame" in decoded && Number("after" in decoded.frame && decoded.frame.after) + 0).toBe(
      after,
    );
  }
});

test("[IK2] a key is 1-64 characters, and times are whole seconds of at most a year", () => {
  const isGood = (more: object) => PublishBody.safeParse({ data: 1, ...more }).success;
  expect([
    isGood({ key: "k" }),
    isGood({ key: "k".repeat(64) }),
    isGood({ ttlSeconds: 31_536_000 }),
  ]).not.toContain(false);
  for (const more of [
    { key: "" },
    { key: "k".repeat(65) },
    { key: "a\0" },
    { key: 1 },
    { ttlSeconds: 0 },
    { ttlSeconds: 31_536_001 },
  ]) {
    expect(isGood(more)).toBe(false);
  }
});
