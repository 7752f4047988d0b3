import type { Gate } from "../objects/webhook-port.ts";

/** So many failures in a row open the circuit. */
export const MOST_FAILURES = 10;
const FIRST_OPEN_MS = 30_000;
const LONGEST_OPEN_MS = 600_000;
/** A probe that was never reported is lost: the next may go. */
const PROBE_MS = 60_000;

/**
 * What is known of a target. Closed: it is tried. Open: nothing is sent before `until`. Half open: one event is on its
 * way, to find out. Disabled: it said that it is gone, and only an operator opens it again.
 */
export type Breaker =
  | { is: "closed"; failures: number }
  | { is: "open"; until: number; times: number }
  | { is: "half-open"; since: number; times: number }
  | { is: "disabled"; since: number };

export const CLOSED: Breaker = { is: "closed", failures: 0 };

/** Somebody has something to send. */
export function admitted(breaker: Breaker, now: number): { breaker: Breaker; gate: Gate } {
  switch (breaker.is) {
    case "closed":
      return { breaker, gate: { is: "all" } };
    case "disabled":
      return { breaker, gate: { is: "gone" } };
    case "open":
      if (now < breaker.until) return { breaker, gate: { is: "wait", until: breaker.until } };
      return { breaker: { is: "half-open", since: now, times: breaker.times }, gate: { is: "probe" } };
    case "half-open":
      if (now < breaker.since + PROBE_MS)
        return { breaker, gate: { is: "wait", until: breaker.since + PROBE_MS } };
      return { breaker: { ...breaker, since: now }, gate: { is: "probe" } };
  }
}

/** What became of deliveries, in order. One success is enough to believe in the target again. */
export function reported(breaker: Breaker, delivered: readonly boolean[], now: number): Breaker {
  return delivered.reduce((state, isDelivered) => step(state, isDelivered, now), breaker);
}

/** The target said that it is gone. */
export function disabled(now: number): Breaker {
  return { is: "disabled", since: now };
}

function step(breaker: Breaker, isDelivered: boolean, now: number): Breaker {
  switch (breaker.is) {
    case "disabled":
      return breaker;
    case "closed": {
      if (isDelivered) return CLOSED;
      const failures = breaker.failures + 1;
      return failures < MOST_FAILURES ? { is: "closed", failures } : opened(0, now);
    }
    case "half-open":
      return isDelivered ? CLOSED : opened(breaker.times, now);
    case "open":
      return isDelivered ? CLOSED : breaker; // was under way when it opened
  }
}

function opened(times: number, now: number): Breaker {
  return { is: "open", until: now + Math.min(LONGEST_OPEN_MS, FIRST_OPEN_MS * 2 ** times), times: times + 1 };
}
