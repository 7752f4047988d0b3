import type { Emit } from "./connection-events.ts";
import { RollcallError } from "./errors.ts";
import { renewAfterMs, renewAgainAfterMs } from "./renewal-times.ts";
import type { Timers } from "./timers.ts";
import { type TokenSource, tokenOf } from "./token.ts";

export interface RenewalSetup {
  timers: Timers;
  random(): number;
  /** When the present token ends, in milliseconds. */
  expiresAt: number;
  /** Where a new one comes from. */
  token: TokenSource;
  /** Hands it to the service, which answers when the session ends now. Rejects with a `RollcallError`. */
  present(token: string): Promise<{ expiresAt: number }>;
  emit: Emit;
}

/**
 * Prolongs one open connection for as long as new tokens are to be had. A renewal that fails costs nothing:
 * the session goes on with the token it has, and another is tried until that one ends. Then the service
 * closes with 4001, and the next connect asks for a token anyway.
 */
export class Renewal {
  readonly #setup: RenewalSetup;
  #expiresAt: number;
  #failures = 0;
  #cancelNext: (() => void) | undefined;
  #stopped = false;

  constructor(setup: RenewalSetup) {
    this.#setup = setup;
    this.#expiresAt = setup.expiresAt;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    this.#cancelNext?.();
  }

  #schedule(retryAfterMs = 0): void {
    const { timers, random } = this.#setup;
    const leftMs = this.#expiresAt - timers.now();
    const pauseMs =
      this.#failures === 0
        ? renewAfterMs(leftMs)
        : Math.max(retryAfterMs, renewAgainAfterMs(this.#failures, random()));
    // Over already, as far as this clock can tell. One that is wrong must not make the client ask for ever.
    if (pauseMs >= leftMs) return;
    this.#cancelNext = timers.after(pauseMs, () => {
      void this.#renew();
    });
  }

  /** Never rejects: a failure is told, and tried again. */
  async #renew(): Promise<void> {
    let retryAfterMs: number | undefined;
    try {
      const token = await tokenOf(this.#setup.token);
      if (this.#stopped) return;
      const { expiresAt } = await this.#setup.present(token);
      // A function that hands out the same token until it is over has not failed; it is asked again later.
      if (expiresAt > this.#expiresAt) this.#failures = 0;
      else this.#failures++;
      this.#expiresAt = expiresAt;
    } catch (error) {
      if (this.#stopped) return;
      if (!(error instanceof RollcallError)) throw error; // a bug: it surfaces as an unhandled rejection
      this.#failures++;
      retryAfterMs = error.retryAfterMs;
      this.#setup.emit("error", error);
    }
    if (!this.#stopped) this.#schedule(retryAfterMs);
  }
}
