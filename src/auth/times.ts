import type { Settings } from "../config.ts";
import type { Claims } from "../protocol/claims.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { MAX_ISSUED_AHEAD_SECONDS } from "../protocol/limits.ts";

/**
 * What is wrong with the times of these claims at `nowMs`, if anything. Expiry comes last, so that
 * `token_expired` promises that a newer token of this kind would do.
 */
export function faultOfTimes(
  { exp, nbf, iat }: Claims,
  settings: Settings,
  nowMs: number,
): Refusal | undefined {
  const now = nowMs / 1000;
  const leeway = settings.CLOCK_LEEWAY_SECONDS;
  if (exp - now > settings.MAX_TOKEN_LIFETIME_SECONDS + leeway) {
    return invalid("claim exp lies further ahead than MAX_TOKEN_LIFETIME_SECONDS");
  }
  if (nbf !== undefined && nbf - now > leeway) return invalid("claim nbf lies ahead: not valid yet");
  if (iat !== undefined && iat - now > MAX_ISSUED_AHEAD_SECONDS) return invalid("claim iat lies ahead");
  if (now - exp >= leeway) return refusal("token_expired", "the token has expired");
  return undefined;
}

function invalid(message: string): Refusal {
  return refusal("token_invalid", message);
}
