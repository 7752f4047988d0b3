import fc from "fast-check";
import { expect, test } from "vitest";
import { judge } from "../../src/connections/heartbeat.ts";

const TTL = 60_000;
const FAR = Number.MAX_SAFE_INTEGER;

test("[LV5] who was heard within five eighths of the TTL is left alone, who was not is asked", () => {
  expect(judge({ heardAt: 0, probedAt: null, expiresAt: FAR }, 37_500, TTL)).toEqual({ is: "alive" });
  expect(judge({ heardAt: 0, probedAt: null, expiresAt: FAR }, 37_501, TTL)).toEqual({ is: "to be probed" });
});

test("[LV5] who was asked has until a TTL after it was heard, and a sixth of one after the question", () => {
  const early = { heardAt: 0, probedAt: 40_000, expiresAt: FAR };
  expect(judge(early, 59_999, TTL)).toEqual({ is: "awaited", until: 60_000 });
  expect(judge(early, 60_000, TTL)).toMatchObject({ is: "over", code: 4002, reason: "timeout" });
  const late = { heardAt: 0, probedAt: 97_000, expiresAt: FAR };
  expect(judge(late, 106_999, TTL)).toEqual({ is: "awaited", until: 107_000 });
  expect(judge(late, 107_000, TTL)).toMatchObject({ is: "over", code: 4002 });
});

test("[LV5] an answer after the question ends the waiting", () => {
  expect(judge({ heardAt: 41_000, probedAt: 40_000, expiresAt: FAR }, 70_000, TTL)).toEqual({ is: "alive" });
});

test("[LV6] a token ends its connection whatever else is true", () => {
  expect(judge({ heardAt: 10, probedAt: null, expiresAt: 10 }, 10, TTL)).toMatchObject({
    is: "over",
    code: 4001,
    reason: "expired",
  });
});

test("[LV7] whenever a client falls silent, sweeps once a TTL end it within 1.8 TTLs and never before one", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: TTL }), (silentSince) => {
      const pulse = { heardAt: silentSince, probedAt: null as number | null, expiresAt: FAR };
      let sweepAt = TTL;
      for (;;) {
        const verdict = judge(pulse, sweepAt, TTL);
        if (verdict.is === "over") break;
        if (verdict.is === "to be probed") pulse.probedAt = sweepAt;
        const next = judge(pulse, sweepAt, TTL);
        sweepAt = next.is === "awaited" ? next.until : sweepAt + TTL;
      }
      const silence = sweepAt - silentSince;
      expect(silence).toBeGreaterThanOrEqual(TTL);
      expect(silence).toBeLessThanOrEqual(1.8 * TTL);
    }),
  );
});
