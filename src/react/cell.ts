/** A value that is replaced and never changed: the same one is had until there is another, as React asks of a store. */
export class Cell<T> {
  readonly #listeners = new Set<() => void>();
  #value: T;

  constructor(value: T) {
    this.#value = value;
  }

  get(): T {
    return this.#value;
  }

  /** Tells whoever listens, unless it is what was there before. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) listener();
  }

  /** Calls `listener` after each change until the returned function is called. */
  subscribe(listener: () => void): () => void {
    // One of our own: React may give the same function twice.
    const told = () => listener();
    this.#listeners.add(told);
    return () => {
      this.#listeners.delete(told);
    };
  }
}
