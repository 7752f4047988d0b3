const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** sfc32 (Chris Doty-Humphrey, PractRand): small, fast, and good enough to choose faults. */
export class SeededRandom {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  constructor(seed: number) {
    this.#a = seed | 0;
    this.#b = (seed / 2 ** 32) | 0;
    this.#c = 0x9e3779b9 | 0;
    // Neighbouring seeds begin alike: twelve rounds are what its author runs to mix them.
    for (let round = 0; round < 12; round++) this.#next();
  }

  /** 0 <= x < 1 */
  fraction(): number {
    return this.#next() / 2 ** 32;
  }

  /** An integer of `from` to `to`, both included. */
  between(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from + 1));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** As many short ones as long ones: times of milliseconds and of minutes both matter. */
  logBetween(from: number, to: number): number {
    return Math.round(from * (to / from) ** this.fraction());
  }

  pick<T>(list: readonly T[]): T | undefined {
    return list[Math.floor(this.fraction() * list.length)];
  }

  /** An id as `Random.id` promises it. */
  id(): string {
    let id = "";
    for (let i = 0; i < 22; i++) id += ALPHABET[this.#next() >>> 26];
    return id;
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + sum;
    return sum >>> 0;
  }
}
