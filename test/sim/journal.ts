const KEPT = 30;

/**
 * What happened last, and the first thing that was wrong. A failure is noted where it is seen, often inside an
 * object's own promise, and thrown by the run: so no `catch` of the code under test can swallow it.
 */
export class Journal {
  /** Put into words only when somebody asks. */
  readonly #last: { at: number; event: string }[] = [];
  readonly #now: () => number;
  readonly #startedAt: number;
  #written = 0;
  /** Hears every line as it is written, and details that nobody else does. */
  listener: ((line: string) => void) | undefined;
  #failure: string | undefined;

  constructor(now: () => number) {
    this.#now = now;
    this.#startedAt = now();
  }

  get failure(): string | undefined {
    return this.#failure;
  }

  /** The last events, oldest first. */
  get last(): string[] {
    const from = this.#written % KEPT;
    const last = [...this.#last.slice(from), ...this.#last.slice(0, from)];
    return last.map(({ at, event }) => this.#line(at, event));
  }

  write(event: string): void {
    const at = this.#now();
    this.#last[this.#written++ % KEPT] = { at, event };
    this.listener?.(this.#line(at, event));
  }

  /** Too much for the last events, and just right for one who watches a whole run. */
  detail(tell: () => string): void {
    this.listener?.(this.#line(this.#now(), tell()));
  }

  fail(sentence: string, cause?: unknown): void {
    const because = cause instanceof Error ? `\n${cause.stack ?? cause.message}` : "";
    this.#failure ??= sentence + because;
  }

  #line(at: number, event: string): string {
    const seconds = ((at - this.#startedAt) / 1000).toFixed(3);
    return `${seconds.padStart(11)} s  ${event}`;
  }
}
