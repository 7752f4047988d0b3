import type { EndReason } from "../objects/ports.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";

/*
 * How a dead connection is found without a write and without waking anybody. The client's `ping` is answered
 * by the platform; a sweep asks each socket when it last spoke. Who has been silent for 5/8 of the TTL is
 * asked with a `probe`, and ends at max(last heard + TTL, probe + TTL/6) if still silent. The worst case is a
 * client that fell silent just under 5/8 of a TTL before a sweep: 5/8 + 1 + 1/6 = 1.8 TTL.
 */

export interface Pulse {
  heardAt: number;
  probedAt: number | null;
  /** When the token ends, leeway included. */
  expiresAt: number;
}

export type Verdict =
  | { is: "alive" }
  | { is: "to be probed" }
  | { is: "awaited"; until: number }
  | { is: "over"; code: CloseCode; reason: EndReason };

/** What a sweep does about one connection at `now`. All times in milliseconds. */
export function judge(pulse: Pulse, now: number, ttlMs: number): Verdict {
  if (now >= pulse.expiresAt) return { is: "over", code: CLOSE.tokenExpired, reason: "expired" };
  if (pulse.probedAt !== null && pulse.probedAt > pulse.heardAt) {
    const until = Math.max(pulse.heardAt + ttlMs, pulse.probedAt + ttlMs / 6);
    if (now < until) return { is: "awaited", until };
    return { is: "over", code: CLOSE.heartbeatTimeout, reason: "timeout" };
  }
  return now - pulse.heardAt > (ttlMs * 5) / 8 ? { is: "to be probed" } : { is: "alive" };
}
