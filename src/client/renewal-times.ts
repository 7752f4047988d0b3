/** Of a long token a fifth is left when it is renewed: time enough for a back end that is down for a while. */
const RENEW_AT = 0.8;
/** Less than this is no time to try again in. */
const SPARE_MS = 30_000;
/** Timers count up to 2^31 ms, and fire at once above that. Once a day is seldom enough. */
const LONGEST_MS = 86_400_000;

/** The first pause after a renewal that failed, and the longest. */
const BASE_MS = 1_000;
const CAP_MS = 60_000;

/**
 * How long to wait before a token that is good for another `leftMs` is renewed: four fifths of it, or up to
 * 30 s before its end if that is sooner; half of it where less than a minute is left.
 */
export function renewAfterMs(leftMs: number): number {
  const ideal = Math.min(leftMs * RENEW_AT, leftMs - SPARE_MS);
  return Math.min(LONGEST_MS, Math.max(leftMs / 2, ideal));
}

/**
 * How long to wait after the `failures`-th renewal in a row (from 1) that failed. Half of it is jitter: all
 * clients of one deployment got their tokens in the same minute. `random` lies in [0, 1).
 */
export function renewAgainAfterMs(failures: number, random: number): number {
  const boundMs = Math.min(CAP_MS, BASE_MS * 2 ** (failures - 1));
  return Math.floor((boundMs / 2) * (1 + random));
}
