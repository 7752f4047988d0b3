const SECOND_MS = 1000;
const FIRST_PAUSE_MS = 5 * SECOND_MS;
const LONGEST_PAUSE_MS = 1800 * SECOND_MS;
/** Of what a pause may be longer, by chance: those that failed together do not come back together. */
const JITTER = 0.2;
/** As long as the platform delays a message at most is twelve hours; who asks for longer is asked again after these. */
const LONGEST_ASKED_MS = 6 * 3600 * SECOND_MS;

/** The contract: at least 24 hours of tries. Two more, for the last pause and for what a queue is late. */
export const GIVE_UP_AFTER_MS = 26 * 3600 * SECOND_MS;
/** A try that fails after so long is the last, for the next would come too late: so what is known of it is why it failed. */
export const LAST_TRY_AFTER_MS = GIVE_UP_AFTER_MS - LONGEST_PAUSE_MS * (1 + JITTER);

/**
 * How long to wait after so many failed tries, in milliseconds: 5 s, doubling up to half an hour, so that 26 hours hold
 * about sixty tries, of the hundred that the platform grants. Never shorter than the target has asked for.
 * `chance` is even, from 0 to 1 without 1.
 */
export function pauseAfter(tries: number, chance: number, askedMs = 0): number {
  const grown = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(tries - 1, 20));
  return Math.max(grown, Math.min(askedMs, LONGEST_ASKED_MS)) * (1 + JITTER * chance);
}

/** What `Retry-After` asks for, in milliseconds from now: seconds, or a date (RFC 9110, section 10.2.3). */
export function askedPause(header: string | null, now: number): number | undefined {
  if (header === null) return undefined;
  if (/^\d{1,9}$/.test(header.trim())) return Number(header) * SECOND_MS;
  const at = Date.parse(header);
  return Number.isNaN(at) ? undefined : Math.max(0, at - now);
}
