import type { ApiRequest } from "./asking.ts";
import type { RollcallError } from "./errors.ts";

/** Bounds of a pause that the service has not asked for, in milliseconds. */
const FIRST_MS = 250;
const LONGEST_MS = 10_000;
/** A longer pause is the caller's to wait: its own caller has given up by then. */
const LONGEST_ASKED_MS = 30_000;

/**
 * Whether the same request may succeed a moment later, and does no harm if the last one took effect after all. Too
 * much at once has taken no effect; of all else only who can repeat it may say so again.
 */
export function mayRepeat(
  { code, status = 0, retryAfterMs = 0 }: RollcallError,
  { isRepeatable }: Pick<ApiRequest, "isRepeatable">,
): boolean {
  if (retryAfterMs > LONGEST_ASKED_MS) return false;
  if (code === "rate_limited" || status === 429) return true;
  const isPassing = code === "unreachable" || code === "timed_out" || (status >= 500 && status !== 501);
  return isRepeatable && isPassing;
}

/**
 * How long to wait after so many tries: what the service asks for, and full jitter on top, so that all who were
 * refused in one moment do not return in one. `random` lies in [0, 1).
 */
export function pauseMs(tries: number, askedMs: number | undefined, random: number): number {
  const jitterMs = random * Math.min(LONGEST_MS, FIRST_MS * 2 ** (tries - 1));
  return Math.ceil((askedMs ?? 0) + jitterMs);
}

/** Resolves after so many milliseconds. */
export function waited(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
