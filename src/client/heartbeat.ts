import type { Timers } from "./timers.ts";

/** A `pong` that takes longer than this is as good as none: the platform answers without waking any code. */
const ANSWER_WITHIN_MS = 10_000;

export interface HeartbeatSetup {
  timers: Timers;
  intervalMs: number;
  ping(): void;
  missed(): void;
}

/**
 * Keeps one socket honest: says `ping` at each interval, and calls `missed` when nothing at all was heard
 * in answer. A socket whose network is gone stays open for minutes otherwise.
 */
export class Heartbeat {
  readonly #setup: HeartbeatSetup;
  #cancelNext: (() => void) | undefined;
  #cancelDeadline: (() => void) | undefined;

  constructor(setup: HeartbeatSetup) {
    this.#setup = setup;
    this.#scheduleNext();
  }

  /** Says `ping` now, for example when a laptop woke up: its timers stood still, the server's did not. */
  beat(): void {
    const { timers, intervalMs, ping, missed } = this.#setup;
    this.#cancelNext?.();
    this.#scheduleNext();
    this.#cancelDeadline ??= timers.after(Math.min(ANSWER_WITHIN_MS, intervalMs), () => {
      this.stop();
      missed();
    });
    ping();
  }

  /** Something came from the server, whatever it was. */
  heard(): void {
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }

  stop(): void {
    this.heard();
    this.#cancelNext?.();
  }

  #scheduleNext(): void {
    this.#cancelNext = this.#setup.timers.after(this.#setup.intervalMs, () => this.beat());
  }
}
