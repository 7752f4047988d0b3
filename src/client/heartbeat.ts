import type { Timers } from "./timers.ts";

/** A `pong` that takes longer than this is as good as none: the platform answers without waking any code. */
const ANSWER_WITHIN_MS = 10_000;

/**
 * Keeps one socket honest: says `ping` at each interval, and calls `missed` when nothing at all was heard
 * in answer. A socket whose network is gone stays open for minutes otherwise.
 */
export class Heartbeat {
  readonly #timers: Timers;
  readonly #intervalMs: number;
  readonly #ping: () => void;
  readonly #missed: () => void;
  #cancelNext: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;

  constructor(setup: { timers: Timers; intervalMs: number; ping: () => void; missed: () => void }) {
    this.#timers = setup.timers;
    this.#intervalMs = setup.intervalMs;
    this.#ping = setup.ping;
    this.#missed = setup.missed;
    this.#scheduleNext();
  }

  /** Says `ping` now, for example when a laptop woke up: its timers stood still, the server's did not. */
  beat(): void {
    this.#cancelNext?.();
    this.#scheduleNext();
    if (this.#cancelDeadline === undefined) {
      const withinMs = Math.min(ANSWER_WITHIN_MS, this.#intervalMs);
      this.#cancelDeadline = this.#timers.after(withinMs, () => {
        this.stop();
        this.#missed();
      });
    }
    this.#ping();
  }

  /** Something came from the server, whatever it was. */
  heard(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  stop(): void {
    this.heard();
    this.#cancelNext?.();
    this.#cancelNext = undefined;
  }

  #scheduleNext(): void {
    this.#cancelNext = this.#timers.after(this.#intervalMs, () => this.beat());
  }
}
