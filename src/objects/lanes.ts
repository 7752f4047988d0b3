import type { Background, Clock } from "./ports.ts";

/** What becomes of the calls of some lanes. */
interface LaneWork<Load> {
  /** A new, empty load. */
  load(): Load;
  /** `isAwaited` is false once it was given up: what it brings then is late. */
  call(target: string, load: Load, isAwaited: () => boolean): Promise<unknown>;
  /** It failed, or was given up. What waited for this target meanwhile is dropped. */
  failed(target: string, cause?: unknown): void;
}

/**
 * Calls to other objects: at most `width` at once, and one to each target. What comes for a target while it is
 * being called waits and leaves as one load with the next call: no wait when idle, large loads under load. In
 * memory only: whoever needs more keeps a debt.
 */
export class Lanes<Load> {
  readonly #ports: { clock: Clock; background: Background };
  readonly #width: number;
  readonly #work: LaneWork<Load>;
  /** Who has waited longest comes first. */
  readonly #waiting = new Map<string, Load>();
  readonly #calls = new Map<string, { since: number }>();

  constructor(ports: { clock: Clock; background: Background }, width: number, work: LaneWork<Load>) {
    this.#ports = ports;
    this.#width = width;
    this.#work = work;
  }

  /** Nothing is under way. */
  get isQuiet(): boolean {
    return this.#calls.size === 0;
  }

  /** What leaves with the next call to this target; from now on there is one. */
  of(target: string): Load {
    const known = this.#waiting.get(target);
    if (known !== undefined) return known;
    const load = this.#work.load();
    this.#waiting.set(target, load);
    return load;
  }

  /** After something was added: calls whom it may. */
  go(): void {
    for (const [target, load] of this.#waiting) {
      if (this.#calls.size >= this.#width) return;
      if (this.#calls.has(target)) continue;
      this.#waiting.delete(target);
      const call = { since: this.#ports.clock.now() };
      this.#calls.set(target, call);
      this.#ports.background.run(this.#run(target, load, call));
    }
  }

  /** Gives up calls that began at `before` or earlier, so that each holds up no more than its lane. */
  giveUp(before: number): void {
    for (const [target, { since }] of [...this.#calls]) if (since <= before) this.#fail(target);
    this.go();
  }

  /** What waits is dropped. */
  clear(): void {
    this.#waiting.clear();
  }

  async #run(target: string, load: Load, call: { since: number }): Promise<void> {
    const isAwaited = () => this.#calls.get(target) === call;
    try {
      await this.#work.call(target, load, isAwaited);
      if (isAwaited()) this.#calls.delete(target);
    } catch (cause) {
      if (isAwaited()) this.#fail(target, cause);
    }
    this.go();
  }

  #fail(target: string, cause?: unknown): void {
    this.#calls.delete(target);
    this.#waiting.delete(target);
    this.#work.failed(target, cause);
  }
}
