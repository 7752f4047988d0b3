import type { Timers } from "../client/index.ts";
import { Cell } from "./cell.ts";
import { SAY_AGAIN_MS } from "./typing-signals.ts";

/** Who says nothing more has stopped, without a word where the connection broke: two repeats may be lost on their way. */
const BELIEVED_MS = 2 * SAY_AGAIN_MS + 1_000;

/** Who is typing, as far as others have said. Nothing of it is stored, and a lost word costs a moment of it. */
export class Typists {
  readonly users = new Cell<readonly string[]>([]);
  readonly #timers: Timers;
  readonly #cancels = new Map<string, () => void>();

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  started(user: string): void {
    this.#cancels.get(user)?.();
    const isNews = !this.#cancels.has(user);
    this.#cancels.set(
      user,
      this.#timers.after(BELIEVED_MS, () => this.stopped(user)),
    );
    if (isNews) this.#show();
  }

  /** Said so, said what was typed, or left. */
  stopped(user: string): void {
    const cancel = this.#cancels.get(user);
    if (cancel === undefined) return;
    cancel();
    this.#cancels.delete(user);
    this.#show();
  }

  end(): void {
    for (const cancel of this.#cancels.values()) cancel();
    this.#cancels.clear();
    this.#show();
  }

  /** In the order in which they began. */
  #show(): void {
    this.users.set([...this.#cancels.keys()]);
  }
}
