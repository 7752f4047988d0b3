import { RollcallError } from "../client/index.ts";

/** Before asking again, where the service names no pause. */
export const PAUSE_MS = 2_000;

const LOST: ReadonlySet<string> = new Set(["not_connected", "connection_lost"]);
const PASSING: ReadonlySet<string> = new Set([
  "rate_limited",
  "unavailable",
  "internal",
  "timed_out",
  "too_many_pending",
]);

/**
 * What to do about a request that failed:
 * - `lost`: the session is over, the next one asks again;
 * - `passing`: the same question may be answered after a pause;
 * - `final`: it would be refused again.
 */
export type Refusal = { is: "lost" | "passing" | "final"; error: RollcallError };

/** Throws what is no error of the SDK: that is a bug, and surfaces as an unhandled rejection. */
export function refusalOf(error: unknown): Refusal {
  if (!(error instanceof RollcallError)) throw error;
  if (LOST.has(error.code)) return { is: "lost", error };
  return { is: PASSING.has(error.code) ? "passing" : "final", error };
}
