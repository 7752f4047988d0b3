import type { Timers } from "../client/index.ts";

/** The events, as the README names them. */
export const TYPING_STARTED = "typing.started";
export const TYPING_STOPPED = "typing.stopped";

/** Whoever goes on typing says it again, for those who came meanwhile. A letter is not worth a signal. */
export const SAY_AGAIN_MS = 3_000;
/** Without a letter for so long nobody is typing. */
const IDLE_MS = 4_000;

/** What one composer says of its writer. */
export class TypingSignals {
  readonly #timers: Timers;
  readonly #signal: (event: string) => boolean;
  #saidAt: number | undefined;
  #cancelIdle: () => void = () => undefined;

  /** `signal` answers false where nothing was sent: then nothing was said. */
  constructor(timers: Timers, signal: (event: string) => boolean) {
    this.#timers = timers;
    this.#signal = signal;
  }

  /** A letter was typed. */
  started(): void {
    const now = this.#timers.now();
    this.#cancelIdle();
    this.#cancelIdle = this.#timers.after(IDLE_MS, () => this.stopped());
    if (this.#saidAt !== undefined && now - this.#saidAt < SAY_AGAIN_MS) return;
    if (this.#signal(TYPING_STARTED)) this.#saidAt = now;
  }

  /** It was sent, or given up. */
  stopped(): void {
    this.#cancelIdle();
    if (this.#saidAt === undefined) return;
    this.#saidAt = undefined;
    this.#signal(TYPING_STOPPED);
  }
}
