import { describe, expect, test } from "vitest";
import { backoffMs } from "../../src/client/backoff.ts";
import { type ConnectionState, LASTED_MS, type Loss, step } from "../../src/client/state.ts";

const CONNECTING: ConnectionState = { name: "connecting", failures: 0 };
const OPEN: ConnectionState = { name: "open", failures: 3, session: "s1", user: "ann", since: 1000 };

function lose(state: ConnectionState, loss: Partial<Loss>, at = 1000): ConnectionState {
  return step(state, { type: "lost", loss: { code: 1006, reason: "", ...loss }, at, random: 0.5 });
}

describe("connection state", () => {
  test("[CL1] a lost connection waits and then connects again", () => {
    const waiting = lose(CONNECTING, {});
    expect(waiting).toMatchObject({ name: "waiting", failures: 1, retryAt: 1125 });
    expect(step(waiting, { type: "due" })).toEqual({ name: "connecting", failures: 1 });
  });

  test.each([1001, 1006, 1011, 1012, 4000, 4001, 4002, 4003, 4004, 4005])(
    "[CL2] close code %i means come back",
    (code) => {
      expect(lose(OPEN, { code }).name).toBe("waiting");
    },
  );

  test.each([1003, 1007, 1008, 1009, 4500, 4501, 4502, 4503])(
    "[CL2] close code %i means stay away",
    (code) => {
      expect(lose(OPEN, { code, reason: "so" })).toEqual({ name: "closed", code, reason: "so" });
    },
  );

  test("[CL3] a refusal that would repeat itself closes for good and says its code", () => {
    expect(lose(CONNECTING, { refused: "forbidden" })).toMatchObject({ name: "closed", error: "forbidden" });
  });

  test("[CL4] pauses grow from 250 ms to 10 s, with full jitter", () => {
    const bounds = [1, 2, 3, 4, 5, 6, 7, 50].map((failures) => backoffMs(failures, 1));
    expect(bounds).toEqual([250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]);
    expect(backoffMs(5, 0)).toBe(0);
    expect(backoffMs(5, 0.5)).toBe(2000);
  });

  test("[CL5] a welcome that did not last does not shorten the pauses", () => {
    expect(lose(OPEN, {}, OPEN.since + LASTED_MS - 1)).toMatchObject({ failures: 4 });
    expect(lose(OPEN, {}, OPEN.since + LASTED_MS)).toMatchObject({ failures: 1 });
  });

  test("[CL6] what the service asked to wait comes before the jitter, and hurry does not shorten it", () => {
    const waiting = lose(OPEN, { code: 4000, retryAfterMs: 3000 }, 2000);
    expect(waiting).toMatchObject({ earliest: 5000, retryAt: 6000 });
    expect(step(waiting, { type: "hurry", at: 4999 })).toBe(waiting);
    expect(step(waiting, { type: "hurry", at: 5000 }).name).toBe("connecting");
  });

  test("[CL7] closed is final", () => {
    const closed = step(OPEN, { type: "ended", reason: "done" });
    expect(closed).toEqual({ name: "closed", code: 1000, reason: "done" });
    expect(step(closed, { type: "due" })).toBe(closed);
    expect(step(closed, { type: "welcomed", session: "s2", user: "ann", at: 0 })).toBe(closed);
    expect(lose(closed, {})).toBe(closed);
  });
});
