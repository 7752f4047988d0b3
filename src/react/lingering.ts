import type { Timers } from "../client/index.ts";

/**
 * How long something outlives its last holder. Strict mode and `Activity` unmount what they mount again at once, and a
 * router shows the next page a moment after it took away the last: nobody else should see a leave and a join of that.
 */
export const LINGER_MS = 1_000;

export interface Held<T> {
  value: T;
  /** To be called once there is no use for it; again, it does nothing. */
  release(): void;
}

export interface LingeringSetup<T> {
  timers: Timers;
  begin(): T;
  end(value: T): void;
  /** It has ended by itself: whoever comes first to it again begins another. */
  isOver(value: T): boolean;
}

/** What several components hold at once: begun for the first of them, ended a moment after the last. */
export class Lingering<T extends object> {
  readonly #setup: LingeringSetup<T>;
  #value: T | undefined;
  #holders = 0;
  #cancelEnd: () => void = () => undefined;

  constructor(setup: LingeringSetup<T>) {
    this.#setup = setup;
  }

  /** What there is now, if anybody has it or had it a moment ago. Begins nothing. */
  get current(): T | undefined {
    return this.#value;
  }

  hold(): Held<T> {
    this.#cancelEnd();
    if (this.#holders === 0 && this.#value !== undefined && this.#setup.isOver(this.#value)) this.#end();
    this.#value ??= this.#setup.begin();
    this.#holders++;
    let isHeld = true;
    const release = () => {
      if (!isHeld) return;
      isHeld = false;
      this.#holders--;
      if (this.#holders === 0) this.#cancelEnd = this.#setup.timers.after(LINGER_MS, () => this.#end());
    };
    return { value: this.#value, release };
  }

  #end(): void {
    const value = this.#value;
    this.#value = undefined;
    if (value !== undefined) this.#setup.end(value);
  }
}
