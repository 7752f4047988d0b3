import fc from "fast-check";
import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { Connection } from "../../src/connections/connection.ts";
import { readFrame } from "../../src/connections/incoming.ts";
import { RateLimit } from "../../src/objects/rate-limit.ts";
import { DIRECT } from "../fixtures/direct-outlet.ts";

test("[LI2] never more than the burst and the rate together are admitted in any stretch of time", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 400 }), { maxLength: 200 }), (pauses) => {
      const limit = new RateLimit(10, 5, 0);
      const admitted: number[] = [];
      let now = 0;
      for (const pause of pauses) {
        now += pause;
        if (limit.take(now) === 0) admitted.push(now);
      }
      for (const [i, from] of admitted.entries()) {
        for (const [j, to] of admitted.entries()) {
          if (j >= i) expect(j - i + 1).toBeLessThanOrEqual(5 + ((to - from) / 1000) * 10 + 1e-6 + 1);
        }
      }
    }),
  );
});

test("[LI2] who waits as long as told is admitted", () => {
  const limit = new RateLimit(10, 1, 0);
  expect(limit.take(0)).toBe(0);
  const wait = limit.take(0);
  expect(wait).toBe(100);
  expect(limit.take(wait)).toBe(0);
});

test("[LI2] a clock that goes back gives nothing away", () => {
  const limit = new RateLimit(10, 1, 10_000);
  limit.take(10_000);
  expect(limit.take(0)).toBeGreaterThan(0);
});

/** A connection of which nothing matters but what is said on it, and what it is subscribed to. */
function connectionOf(subscriptions = "") {
  const sent: string[] = [];
  const socket = {
    attachment: "",
    attach() {},
    send: (text: string) => sent.push(text),
    close() {},
    pingedAt: () => null,
  };
  const state = {
    session: "s",
    device: { type: "web" as const },
    claims: { sub: "ann", exp: 1e10 },
    connectedAt: 0,
    heardAt: 0,
    probedAt: null,
    activeAt: 0,
    isActivityUntold: false,
    broadcasts: [],
    subscriptions,
    sentSeq: 0,
    catchUp: null,
    resume: null,
  };
  const connection = new Connection(socket, state.session, DIRECT, state);
  connection.rate = new RateLimit(50, 100, 0);
  return { connection, sent };
}

const settings = settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters" });

test("[LI3] a frame of pages is refused for what it would hold, not for its size", () => {
  const { connection, sent } = connectionOf();
  const frame = Array.from({ length: 99 }, () => ({ type: "history", limit: 1000 }));
  const { messages } = readFrame(connection, JSON.stringify(frame), 0, settings, 500);
  expect(messages).toHaveLength(1);
  expect(sent).toHaveLength(98);
  const refused = { type: "error", code: "rate_limited", limit: "connection" };
  expect(JSON.parse(sent[0] ?? "")).toMatchObject(refused);
});

test.each([
  { type: "presence", status: "busy" },
  { type: "heartbeat", device: { type: "tv" } },
])("[LI4] what every subscribed channel is told weighs with their number: %o", (said) => {
  const admitted = (channels: number) => {
    const positions = Array.from({ length: channels }, (_, slot) => `${slot.toString(36)}.abcd.1.x.1`);
    const { connection } = connectionOf(positions.join(" "));
    const frame = Array.from({ length: 100 }, () => said);
    return readFrame(connection, JSON.stringify(frame), 0, settings, 500).messages.length;
  };
  expect([0, 4, 40, 200].map(admitted)).toEqual([100, 50, 9, 1]);
});

test.each([
  { perSecond: 1000, seconds: 30, endsWithin: 2 },
  { perSecond: 200, seconds: 30, endsWithin: 10 },
  { perSecond: 100, seconds: 300, endsWithin: undefined },
])("[LI1] who says $perSecond a second where 50 may be said ends within $endsWithin s", (said) => {
  const { connection } = connectionOf();
  let ended: number | undefined;
  for (let n = 0; ended === undefined && n < said.seconds * said.perSecond; n++) {
    const at = n / said.perSecond;
    if (readFrame(connection, '{"type":"heartbeat"}', at * 1000, settings, 500).end?.code === 4003)
      ended = at;
  }
  if (said.endsWithin === undefined) expect(ended).toBeUndefined();
  else expect(ended).toBeLessThan(said.endsWithin);
});
