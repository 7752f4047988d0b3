/**
 * Does something for one after the other, several at once: whoever is done takes the next. Who keeps silent holds
 * up nobody but itself, and not even the end of the walk, once somebody gives up waiting.
 */
export class Walk<Item> {
  readonly #next: () => Item | undefined;
  readonly #work: (item: Item) => Promise<void>;
  #isOver = false;
  #end: () => void = () => {};

  /** `next` brings nothing when nobody is left. `work` sees to its own failures: one that rejects breaks off the walk. */
  constructor(next: () => Item | undefined, work: (item: Item) => Promise<void>) {
    this.#next = next;
    this.#work = work;
  }

  /** Resolves when all is done, or at `giveUp`; from then on nothing more is begun. */
  async go(lanes: number): Promise<void> {
    const all = Promise.all(Array.from({ length: lanes }, () => this.#lane()));
    await Promise.race([all, new Promise<void>((resolve) => (this.#end = resolve))]);
    this.#isOver = true;
  }

  /** Waits for nobody any longer. */
  giveUp(): void {
    this.#end();
  }

  async #lane(): Promise<void> {
    for (;;) {
      const item = this.#isOver ? undefined : this.#next();
      if (item === undefined) return;
      await this.#work(item);
    }
  }
}
