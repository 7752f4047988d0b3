/** Ids in the order of a time each: the first is known at once, and none is looked at before it is its turn. */
export class ByTime {
  readonly #times = new Map<string, number>();
  /** A binary heap of what was set, the earliest first. What was set again or deleted is still in it, and counts no more. */
  #heap: { id: string; at: number }[] = [];

  get size(): number {
    return this.#times.size;
  }

  set(id: string, at: number): void {
    if (this.#times.get(id) === at) return;
    this.#times.set(id, at);
    this.#push({ id, at });
    if (this.#heap.length > 2 * this.#times.size + 16) this.#rebuild();
  }

  delete(id: string): void {
    this.#times.delete(id);
  }

  /** The earliest time; null where there is none. */
  earliest(): number | null {
    for (let top = this.#heap[0]; top !== undefined; top = this.#heap[0]) {
      if (this.#times.get(top.id) === top.at) return top.at;
      this.#pop();
    }
    return null;
  }

  /** Those whose time is `now` or before, the earliest first; they stay. */
  until(now: number): string[] {
    const ids = this.take(now);
    for (const { id, at } of ids) this.set(id, at);
    return ids.map(({ id }) => id);
  }

  /** Likewise, and they are in it no more. */
  take(now: number): { id: string; at: number }[] {
    const taken: { id: string; at: number }[] = [];
    for (let next = this.earliest(); next !== null && next <= now; next = this.earliest()) {
      const top = this.#pop();
      if (top === undefined) break;
      this.#times.delete(top.id);
      taken.push(top);
    }
    return taken;
  }

  #push(entry: { id: string; at: number }): void {
    const heap = this.#heap;
    let i = heap.push(entry) - 1;
    for (let up = (i - 1) >> 1; i > 0 && entry.at < (heap[up]?.at ?? 0); i = up, up = (i - 1) >> 1) {
      heap[i] = heap[up] ?? entry;
    }
    heap[i] = entry;
  }

  #pop(): { id: string; at: number } | undefined {
    const heap = this.#heap;
    const top = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return top;
    let i = 0;
    for (;;) {
      const left = heap[2 * i + 1];
      const right = heap[2 * i + 2];
      const down = right !== undefined && left !== undefined && right.at < left.at ? 2 * i + 2 : 2 * i + 1;
      const next = heap[down];
      if (next === undefined || next.at >= last.at) break;
      heap[i] = next;
      i = down;
    }
    heap[i] = last;
    return top;
  }

  #rebuild(): void {
    this.#heap = [];
    for (const [id, at] of this.#times) this.#push({ id, at });
  }
}
