/** The first pause is at most this long: a dropped radio link is often back at once. */
const BASE_MS = 250;
/** No pause is longer: a person who looks at the page will wait about this long. */
const CAP_MS = 10_000;

/**
 * How long to wait before the `failures`-th attempt in a row (from 1). Full jitter: anywhere between
 * nothing and the exponential bound, because after a deploy all clients are lost in the same moment and
 * must not all return in the same moment. `random` lies in [0, 1).
 */
export function backoffMs(failures: number, random: number): number {
  const boundMs = Math.min(CAP_MS, BASE_MS * 2 ** (failures - 1));
  return Math.floor(random * boundMs);
}

/** A connect that takes longer is better begun anew, where one slow packet was lost. */
const WELCOME_WITHIN_MS = 15_000;
const LONGEST_WELCOME_MS = 60_000;

/**
 * How long to wait for a welcome, after `failures` failures in a row. It doubles: where everybody returns at
 * once a service may need longer than any fixed time, and whoever gives up and begins anew makes it do all the
 * work again, for ever.
 */
export function welcomeWithinMs(failures: number): number {
  return Math.min(LONGEST_WELCOME_MS, WELCOME_WITHIN_MS * 2 ** Math.max(0, failures - 1));
}
