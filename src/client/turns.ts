import { RollcallError, type RollcallErrorCode } from "./errors.ts";
import type { Timers } from "./timers.ts";

/** Where the service says no pause itself, in milliseconds. */
export const PAUSE_MS = 1_000;
/** Questions at once: whoever comes back with two hundred of them must not flood the service. */
const LANES = 8;
/** Nothing came of it: the service, or this connection, has too much to do just now. */
const TOO_MUCH: ReadonlySet<RollcallErrorCode> = new Set(["rate_limited", "too_many_pending"]);

interface Setup {
  timers: Timers;
  /** Sends a request; rejects with a `RollcallError`. */
  ask<T extends object>(frame: object): Promise<T>;
}

/** Requests that go out in order and a few at a time; one that is told to wait keeps its lane. */
export class Turns {
  readonly #setup: Setup;
  readonly #waiting: (() => void)[] = [];
  #freeLanes = LANES;

  constructor(setup: Setup) {
    this.#setup = setup;
  }

  /** Asks when it is its turn; rejects like `ask`, and with `connection_lost` if it is no longer wanted then. */
  async ask<T extends object>(frame: object, isWanted: () => boolean): Promise<T> {
    if (this.#freeLanes === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#freeLanes -= 1;
    try {
      return await patiently(this.#setup.timers, () => {
        if (!isWanted()) throw new RollcallError("connection_lost", "given up");
        return this.#setup.ask<T>(frame);
      });
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#freeLanes += 1;
      else next();
    }
  }
}

/** Again for as long as it is too much at once, after the pause that is asked for; every other refusal is one. */
export async function patiently<T>(timers: Timers, attempt: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (!(error instanceof RollcallError && TOO_MUCH.has(error.code))) throw error;
      await pause(timers, error.retryAfterMs);
    }
  }
}

/** Resolves after so many milliseconds. */
export function pause(timers: Timers, ms = PAUSE_MS): Promise<void> {
  return new Promise((resolve) => void timers.after(ms, resolve));
}
