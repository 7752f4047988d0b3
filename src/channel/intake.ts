import type { Settings } from "../config.ts";
import type { Caller, Clock } from "../objects/ports.ts";
import { RateLimit } from "../objects/rate-limit.ts";
import { type LimitName, type Refusal, refusal } from "../protocol/codes.ts";
import type { MessageLog } from "./log/message-log.ts";

/**
 * How much a channel takes from back ends, and who may begin it. In memory: a channel that slept was not flooded.
 * Users have limits of their own, where their connections and requests are counted.
 */
export class Intake {
  readonly #clock: Clock;
  readonly #log: MessageLog;
  readonly #rate: RateLimit;

  constructor(clock: Clock, settings: Settings, log: MessageLog) {
    this.#clock = clock;
    this.#log = log;
    const { CHANNEL_RATE_PER_SECOND, CHANNEL_RATE_BURST } = settings;
    this.#rate = new RateLimit(CHANNEL_RATE_PER_SECOND, CHANNEL_RATE_BURST, clock.now());
  }

  /** Why this may not be said here now; counts it where a back end says it. */
  refusalOf({ newAfterMs }: { newAfterMs?: number }, caller: Caller | undefined): Refusal | undefined {
    const waitMs = caller === undefined ? this.#rate.take(this.#clock.now()) : 0;
    if (waitMs > 0) return limited("channel", "back ends say too much in this channel", waitMs);
    if (newAfterMs === undefined || this.#log.knownEpoch !== null) return undefined;
    return limited("new_channels", "too many channels were begun; this one does not exist", newAfterMs);
  }
}

function limited(limit: LimitName, message: string, retryAfterMs: number): Refusal {
  return { ...refusal("rate_limited", message), retryAfterMs, limit };
}
