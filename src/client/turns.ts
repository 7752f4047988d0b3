import { RollcallError, type RollcallErrorCode } from "./errors.ts";
import type { Timers } from "./timers.ts";

/** Where the service says no pause itself, in milliseconds. */
export const PAUSE_MS = 1_000;
/** Questions at once: whoever comes back with two hundred of them must not flood the service. */
const LANES = 8;
/** Nothing came of it: the service, or this connection, has too much to do just now. */
const TOO_MUCH: ReadonlySet<RollcallErrorCode> = new Set(["rate_limited", "too_many_pending"]);

/** Work that is begun in order, and a few pieces at a time. */
export class Turns {
  readonly #waiting: (() => void)[] = [];
  #freeLanes: number;

  constructor(lanes = LANES) {
    this.#freeLanes = lanes;
  }

  /** Works when it is its turn; until that has ended, the lane is taken. Rejects like `work`. */
  async take<T>(work: () => Promise<T>): Promise<T> {
    if (this.#freeLanes === 0) await new Promise<void>((resolve) => this.#waiting.push(resolve));
    else this.#freeLanes -= 1;
    try {
      return await work();
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
