/** What is to happen at a time; cancelled ones are skipped when their time comes. */
export interface Planned {
  readonly at: number;
  cancel(): void;
}

type Happening = () => void | Promise<void>;

class Entry implements Planned {
  readonly at: number;
  readonly sequence: number;
  happening: Happening | undefined;

  constructor(at: number, sequence: number, happening: Happening) {
    this.at = at;
    this.sequence = sequence;
    this.happening = happening;
  }

  cancel(): void {
    this.happening = undefined;
  }
}

/** Virtual time: a heap ordered by (time, sequence), so that the same plans always happen in the same order. */
export class Scheduler {
  readonly #heap: Entry[] = [];
  #now: number;
  #sequence = 0;

  constructor(startsAt: number) {
    this.#now = startsAt;
  }

  get now(): number {
    return this.#now;
  }

  /** What lies in the past happens at once, that is next, never now: nobody is called back in the middle. */
  at(time: number, happening: Happening): Planned {
    const entry = new Entry(Math.max(time, this.#now), this.#sequence++, happening);
    this.#heap.push(entry);
    this.#rise(this.#heap.length - 1);
    return entry;
  }

  after(ms: number, happening: Happening): Planned {
    return this.at(this.#now + ms, happening);
  }

  /** Lets the next thing happen, if it is due by then. False where nothing is. */
  async next(until: number): Promise<boolean> {
    while (true) {
      const first = this.#heap[0];
      if (first === undefined || first.at > until) return false;
      this.#removeFirst();
      if (first.happening === undefined) continue;
      this.#now = first.at;
      // Awaiting a plain return would cost a tick for each of the many pings.
      const under = first.happening();
      if (under !== undefined) await under;
      return true;
    }
  }

  /** Nothing is left to happen before this time. */
  arriveAt(time: number): void {
    this.#now = Math.max(this.#now, time);
  }

  #removeFirst(): void {
    const last = this.#heap.pop();
    if (last === undefined || this.#heap.length === 0) return;
    this.#heap[0] = last;
    this.#sink(0);
  }

  #rise(from: number): void {
    let i = from;
    while (i > 0) {
      const parent = (i - 1) >> 1;
      if (!this.#swapIfLater(parent, i)) return;
      i = parent;
    }
  }

  #sink(from: number): void {
    let i = from;
    while (true) {
      const left = 2 * i + 1;
      const right = left + 1;
      const child = this.#isLater(left, right) ? right : left;
      if (!this.#swapIfLater(i, child)) return;
      i = child;
    }
  }

  #isLater(a: number, b: number): boolean {
    const first = this.#heap[a];
    const second = this.#heap[b];
    if (first === undefined || second === undefined) return false;
    return first.at > second.at || (first.at === second.at && first.sequence > second.sequence);
  }

  #swapIfLater(upper: number, lower: number): boolean {
    if (!this.#isLater(upper, lower)) return false;
    const above = this.#heap[upper];
    const below = this.#heap[lower];
    if (above === undefined || below === undefined) return false;
    this.#heap[upper] = below;
    this.#heap[lower] = above;
    return true;
  }
}
