import fc from "fast-check";
import { Webhook as Verifier } from "standardwebhooks";
import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { admitted, type Breaker, CLOSED, MOST_FAILURES, reported } from "../../src/events/breaker.ts";
import { bodyOf, deliver, headersOf } from "../../src/events/delivery.ts";
import { isExported } from "../../src/events/outgoing.ts";
import { GIVE_UP_AFTER_MS, pauseAfter } from "../../src/events/schedule.ts";
import { OTHER_SECRET, SECRET, URL_OF_HOOK } from "../fixtures/event-world.ts";

const base = { JWT_SECRET: "a-secret-of-thirty-two-characters" };

test("[EV14] pauses grow from five seconds to half an hour and something, and 26 hours of them are fewer tries than the platform grants", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: 0, max: 0.999, noNaN: true }), { minLength: 100, maxLength: 100 }),
      (chances) => {
        let waitedMs = 0;
        let tries = 0;
        while (waitedMs < GIVE_UP_AFTER_MS) {
          const pause = pauseAfter(++tries, chances[tries % 100] ?? 0);
          expect(pause).toBeGreaterThanOrEqual(5000);
          expect(pause).toBeLessThanOrEqual(2_160_000);
          waitedMs += pause;
        }
        expect(tries).toBeLessThan(100);
      },
    ),
  );
  expect(pauseAfter(1, 0)).toBe(5000);
  expect(pauseAfter(3, 0)).toBe(20_000);
  expect(pauseAfter(99, 0)).toBe(1_800_000);
});

test("[EV14] those that failed together do not come back together", () => {
  const pauses = new Set([0, 0.25, 0.5, 0.75].map((chance) => pauseAfter(2, chance)));
  expect(pauses.size).toBe(4);
});

test("[EV16] the circuit opens at the tenth failure in a row, lets one through at a time after growing pauses, and a success closes it", () => {
  const fails = (count: number) => Array<boolean>(count).fill(false);
  expect(reported(CLOSED, fails(MOST_FAILURES - 1), 0).is).toBe("closed");
  expect(reported(CLOSED, [...fails(9), true, ...fails(9)], 0).is).toBe("closed");
  let breaker: Breaker = reported(CLOSED, fails(MOST_FAILURES), 0);
  let now = 0;
  const pauses: number[] = [];
  for (let i = 0; i < 7; i++) {
    if (breaker.is !== "open") throw new Error("not open");
    pauses.push(breaker.until - now);
    expect(admitted(breaker, breaker.until - 1).gate.is).toBe("wait");
    now = breaker.until;
    const probing = admitted(breaker, now);
    expect(probing.gate.is).toBe("probe");
    expect(admitted(probing.breaker, now + 1).gate.is).toBe("wait");
    expect(admitted(probing.breaker, now + 60_000).gate.is).toBe("probe"); // the first probe was lost
    breaker = reported(probing.breaker, [false], now);
  }
  expect(pauses).toEqual([30_000, 60_000, 120_000, 240_000, 480_000, 600_000, 600_000]);
  expect(reported(breaker, [true], now)).toEqual(CLOSED);
});

test("[EV1] EVENTS are the contract's unless told otherwise, and messages only where they are listed", () => {
  const { EVENTS } = settingsOf(base);
  expect(isExported("session.started", EVENTS)).toBe(true);
  expect(isExported("direct.expired", EVENTS)).toBe(true);
  expect(isExported("message.published", EVENTS)).toBe(false);
  expect(isExported("message.published", settingsOf({ ...base, EVENTS: "*" }).EVENTS)).toBe(true);
  const few = settingsOf({ ...base, EVENTS: "member.joined, channel.*" }).EVENTS;
  expect(isExported("member.left", few)).toBe(false);
  expect(isExported("channel.vacated", few)).toBe(true);
});

test.each([
  ["EVENTS", "sessions.*"],
  ["EVENTS", "session.started,message"],
  ["WEBHOOK_SECRET", "not-a-secret"],
  ["WEBHOOK_SECRET", "whsec_"],
  ["WEBHOOK_SECRET", "whsec_c2hvcnQ="],
  ["WEBHOOK_SECRET", `${SECRET} whsec_x`],
  ["WEBHOOK_SECRET", ""],
  ["WEBHOOK_URL", "http://hooks.example.com/"],
  ["WEBHOOK_ALLOW_INSECURE", "maybe"],
])("[EV2] %s=%s is named in the message, its value is not", (name, value) => {
  const fault = () =>
    settingsOf({ ...base, WEBHOOK_URL: URL_OF_HOOK, WEBHOOK_SECRET: SECRET, [name]: value });
  expect(fault).toThrow(new RegExp(name));
  if (value.length > 6) expect(fault).not.toThrow(value);
});

test("[EV2] several secrets are separated by spaces; without a webhook none is needed", () => {
  const both = { ...base, WEBHOOK_URL: URL_OF_HOOK, WEBHOOK_SECRET: ` ${SECRET}  ${OTHER_SECRET} ` };
  expect(settingsOf(both).WEBHOOK_SECRET).toEqual([SECRET, OTHER_SECRET]);
  expect(settingsOf({ ...base, WEBHOOK_URL: "" }).WEBHOOK_URL).toBeUndefined();
});

test("[A32] what we sign verifies, and nothing that was changed on its way does", () => {
  const event = { id: "evt_1", type: "t", at: 1, data: { b: 1, a: "ü\u0000" } };
  const body = bodyOf(event);
  const now = Date.now();
  const headers = headersOf(event, body, [SECRET, OTHER_SECRET], now);
  const verify = (text: string, changed: Record<string, string>, secret = SECRET) =>
    new Verifier(secret).verify(text, { ...headers, ...changed });
  expect(verify(body, {})).toEqual({ type: "t", timestamp: 1, data: event.data });
  expect(verify(body, {}, OTHER_SECRET)).toEqual({ type: "t", timestamp: 1, data: event.data });
  const at = Number(headers["webhook-timestamp"]);
  const signature = headers["webhook-signature"] ?? "";
  for (const [text, changed] of [
    [body, { "webhook-signature": "" }],
    [body, { "webhook-id": "evt_2" }],
    [body, { "webhook-id": "evt_1." }],
    [body, { "webhook-timestamp": String(at + 1) }],
    [body, { "webhook-timestamp": String(at - 301) }],
    [body, { "webhook-signature": signature.replaceAll("v1,", "v1a,") }],
    [body, { "webhook-signature": signature.slice(0, 20) }],
    [JSON.stringify({ data: event.data, type: "t", timestamp: 1 }), {}],
    [` ${body}`, {}],
  ] as const) {
    expect(() => verify(text, changed), JSON.stringify(changed)).toThrow();
  }
  const old = headersOf(event, body, [SECRET], now - 301_000);
  expect(() => new Verifier(SECRET).verify(body, old)).toThrow();
  expect(() => new Verifier("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx").verify(body, headers)).toThrow();
});

test("[Q8] a target that hangs is left after the timeout, one that breaks off is no answer", async () => {
  const target = { url: URL_OF_HOOK, secrets: [SECRET], isInsecureAllowed: false };
  const event = { id: "evt_1", type: "t", at: 1, data: {} };
  const hanging = (_: string, { signal }: RequestInit) =>
    new Promise<Response>((_, reject) => {
      signal?.addEventListener("abort", () => reject(signal.reason));
    });
  const keepAlive = setInterval(() => {}, 1000); // a timeout by itself keeps no process running
  const late = await deliver(event, target, { now: () => 1, fetch: hanging, timeoutMs: 20 });
  clearInterval(keepAlive);
  expect(late).toEqual({ is: "failed", error: "no answer in time" });
  const reset = async () => {
    throw new TypeError("secret things");
  };
  expect(await deliver(event, target, { now: () => 1, fetch: reset })).toEqual({
    is: "failed",
    error: "no connection",
  });
});
