import type { Order } from "./directory-port.ts";
import type { Duty } from "./due-times.ts";
import { FIRST_RETRY_MS, retryDelay } from "./outbox.ts";
import type { Background, Clock, Log } from "./ports.ts";

/** Something whose state the directory is to hold. */
export interface Subject {
  /** All of the state as one text: what looks the same need not be told. */
  look(): string;
  version(): number;
  /** The state is a debt: until it is taken an alarm is set, so that no crash can lose it. */
  isOwed(): boolean;
  /**
   * Tells the state as it is now, or confirms what was told before. Null where it was taken, else the later order that
   * the other side holds.
   */
  send(order: Order, confirms: boolean): Promise<Order | null>;
}

/**
 * Tells one state to the directory, and again as it changes: one call at a time, so what changes meanwhile
 * leaves with the next. What is no debt is kept in memory only, and sets an alarm only after a failure. The
 * teller is right: if the other side holds a later order (a clock ran ahead, or storage was lost here), the
 * state is told again with one later still.
 */
export class Telling implements Duty {
  readonly name = "directory";
  readonly #ports: { clock: Clock; background: Background; log: Log };
  readonly #subject: Subject;
  readonly #onSettled: () => void;
  #told: string | undefined;
  /** What was told when the other side turned out to hold a later order: what it held was not what was believed. */
  #believed: string | undefined;
  #isUnderWay = false;
  #tries = 0;
  #retryAt: number | null = null;
  /** The latest order that is known: each call has a later one. */
  #order: Order = { version: 0, at: 0 };

  /** `onSettled` is called after each call, in a turn of its own. */
  constructor(
    ports: { clock: Clock; background: Background; log: Log },
    subject: Subject,
    onSettled: () => void,
  ) {
    this.#ports = ports;
    this.#subject = subject;
    this.#onSettled = onSettled;
  }

  /** What was taken last, or assumed to be; undefined where nothing is known. */
  get told(): string | undefined {
    return this.#told;
  }

  /** What is true now was told in an earlier life, as far as anybody knows. */
  assumeTold(): void {
    this.#told = this.#subject.look();
  }

  /** Tells what differs. After a failure the due time does. */
  kick(): void {
    if (this.#told !== this.#subject.look()) this.confirm();
  }

  /** Tells what is, known or not. */
  confirm(): void {
    if (!this.#isUnderWay && this.#tries === 0) this.#tell();
  }

  nextAt(): number | null {
    return this.#retryAt ?? (this.#subject.isOwed() ? this.#ports.clock.now() + FIRST_RETRY_MS : null);
  }

  run(now: number): void {
    if (this.#isUnderWay) this.#retryAt = now + FIRST_RETRY_MS;
    else this.#tell();
  }

  #tell(): void {
    const now = this.#ports.clock.now();
    this.#isUnderWay = true;
    this.#retryAt = this.#subject.isOwed() ? now + FIRST_RETRY_MS : null;
    const version = Math.max(this.#subject.version(), this.#order.version);
    this.#order = { version, at: Math.max(now, this.#order.at + 1) };
    this.#ports.background.run(this.#call(this.#subject.look(), this.#order));
  }

  async #call(look: string, order: Order): Promise<void> {
    try {
      const held = await this.#subject.send(order, (this.#told ?? this.#believed) === look);
      this.#isUnderWay = false;
      if (held === null) this.#taken(look);
      else this.#overtaken(held);
    } catch (cause) {
      this.#isUnderWay = false;
      this.#failed(cause);
    }
    this.#onSettled();
  }

  #taken(look: string): void {
    this.#told = look;
    this.#believed = undefined;
    this.#tries = 0;
    this.#retryAt = null;
  }

  /** Told again at once, and if that was in vain after a pause: two that correct one another would never rest. */
  #overtaken(held: Order): void {
    this.#order = held;
    if (this.#told === undefined) return this.#failed();
    this.#believed = this.#told;
    this.#told = undefined;
    this.#tries = 0;
  }

  #failed(cause?: unknown): void {
    this.#retryAt = this.#ports.clock.now() + retryDelay(this.#tries++);
    this.#ports.log.warn("directory not told", { tries: this.#tries }, cause);
  }
}
