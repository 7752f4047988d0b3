/** A token bucket: `burst` at once, `perSecond` in the long run. In memory: sleeping long enough fills it anyway. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #burst: number;
  #tokens: number;
  #at: number;

  constructor(perSecond: number, burst: number, now: number) {
    this.#perSecond = perSecond;
    this.#burst = burst;
    this.#tokens = burst;
    this.#at = now;
  }

  /** Whether it is as new. */
  isFull(now: number): boolean {
    return this.#tokens + ((now - this.#at) / 1000) * this.#perSecond >= this.#burst;
  }

  /** 0 when a message of this weight is within the limit, else how many milliseconds to wait for it. */
  take(now: number, weight = 1): number {
    const elapsed = Math.max(0, now - this.#at);
    this.#tokens = Math.min(this.#burst, this.#tokens + (elapsed / 1000) * this.#perSecond);
    this.#at = now;
    const wanted = Math.min(weight, this.#burst); // never more than there can be
    if (this.#tokens >= wanted) {
      this.#tokens -= wanted;
      return 0;
    }
    return Math.ceil(((wanted - this.#tokens) / this.#perSecond) * 1000);
  }

  /** Milliseconds until a message of this weight will be within the limit, 0 for now; takes nothing. */
  waitMs(now: number, weight = 1): number {
    const gained = (Math.max(0, now - this.#at) / 1000) * this.#perSecond;
    const missing = Math.min(weight, this.#burst) - this.#tokens - gained;
    return missing <= 0 ? 0 : Math.ceil((missing / this.#perSecond) * 1000);
  }
}
