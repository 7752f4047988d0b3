import { ByTime } from "./by-time.ts";
import type { Debt } from "./outbox.ts";

/** For a ledger that may hold thousands of debts: which of them are due, without a look at the others. */
export class DebtIndex<D extends Debt> {
  readonly #find: (id: string) => D | undefined;
  readonly #byTime = new ByTime();
  #fresh: string[] = [];

  /** `find`: a debt as it is now; undefined where it is none any more. */
  constructor(find: (id: string) => D | undefined) {
    this.#find = find;
  }

  /** A debt was made, or has another time. */
  put(id: string, dueAt: number): void {
    this.#byTime.set(id, dueAt);
    this.#fresh.push(id);
  }

  /** It is settled, or none any more. */
  delete(id: string): void {
    this.#byTime.delete(id);
  }

  /** When the first is due, in milliseconds. */
  earliest(): number | null {
    return this.#byTime.earliest();
  }

  /** Those that are due. */
  due(now: number): D[] {
    return this.#found(this.#byTime.until(now));
  }

  /** Those that were put since it was asked last. */
  takeFresh(): D[] {
    const fresh = this.#fresh;
    this.#fresh = [];
    return this.#found(fresh);
  }

  #found(ids: string[]): D[] {
    return ids.flatMap((id) => this.#find(id) ?? []);
  }
}
