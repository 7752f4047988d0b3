import type { Settings } from "../config.ts";
import type { Clock } from "../objects/ports.ts";
import { RateLimit } from "../objects/rate-limit.ts";
import type { Connection } from "./connection.ts";

/**
 * How much each connection may say. Who was ended for flooding goes on where they were: a new connection is no new burst.
 * In memory, as long as a burst takes to come back.
 */
export class Rates {
  readonly #clock: Clock;
  readonly #perSecond: number;
  readonly #burst: number;
  /** By user. */
  readonly #spent = new Map<string, RateLimit>();

  constructor(clock: Clock, { RATE_PER_SECOND, RATE_BURST }: Settings) {
    this.#clock = clock;
    this.#perSecond = RATE_PER_SECOND;
    this.#burst = RATE_BURST;
  }

  /** Milliseconds until a whole burst is there again. */
  get wholeAfterMs(): number {
    return Math.ceil((this.#burst / this.#perSecond) * 1000);
  }

  /** Gives it what it may say, where it has not said anything yet. */
  give(connection: Connection): RateLimit {
    connection.rate ??=
      this.#spent.get(connection.user) ?? new RateLimit(this.#perSecond, this.#burst, this.#clock.now());
    return connection.rate;
  }

  /** It is ended because it said too much. */
  flooded(connection: Connection): void {
    const now = this.#clock.now();
    for (const [user, rate] of this.#spent) if (rate.isFull(now)) this.#spent.delete(user);
    this.#spent.set(connection.user, this.give(connection));
  }
}
