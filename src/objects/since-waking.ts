import type { RemovedCounts } from "./auditing.ts";
import type { Clock } from "./ports.ts";

/** Who asks so soon after an object woke has woken it. */
const A_MOMENT_MS = 1000;

/**
 * What one event of an object has removed. A waking does what is due before anybody can ask: where it was a moment
 * ago, that counts too, once.
 */
export class SinceWaking {
  readonly #clock: Clock;
  readonly #read: () => RemovedCounts;
  readonly #wokenAt: number;
  #isAsked = false;

  /** `read` says what was removed since the object woke. */
  constructor(clock: Clock, read: () => RemovedCounts) {
    this.#clock = clock;
    this.#read = read;
    this.#wokenAt = clock.now();
  }

  /** What is removed from here on, to be asked for in the same turn. */
  begin(): () => RemovedCounts {
    const isNew = !this.#isAsked && this.#clock.now() - this.#wokenAt < A_MOMENT_MS;
    const before = isNew ? undefined : { ...this.#read() };
    this.#isAsked = true;
    return () => {
      const { sessions, watches, subscriptions, messages } = this.#read();
      return {
        sessions: sessions - (before?.sessions ?? 0),
        watches: watches - (before?.watches ?? 0),
        subscriptions: subscriptions - (before?.subscriptions ?? 0),
        messages: messages - (before?.messages ?? 0),
      };
    };
  }
}
