import { type Backlog, backlogOf } from "../objects/backlog.ts";

/** Who owes tries again within ten minutes, and says so then if that moment is a sample. */
const COUNTS_FOR_MS = 1_800_000;
/** They stand in one row. Of more than that those are kept that have owed for longest. */
const MOST_KEPT = 500;

/** By object, what it owes and when it said so. */
export type Owed = Record<string, Backlog & { toldAt: number }>;

/** What objects owe to one another, as they told one shard: a level, so the last word of each counts, for half an hour. */
export class Owing {
  #owed: Map<string, Owed[string]>;

  constructor(owed: Owed) {
    this.#owed = new Map(Object.entries(owed));
  }

  /** What one object owes now. */
  told(object: string, backlog: Backlog, now: number): void {
    if (backlog.debts === 0) this.#owed.delete(object);
    else this.#owed.set(object, { ...backlog, toldAt: now });
    if (this.#owed.size >= 2 * MOST_KEPT) this.#owed = this.#kept(now);
  }

  /** All of them together. */
  sum(now: number): Backlog {
    return backlogOf(this.#kept(now).values());
  }

  /** To be written. */
  all(now: number): Owed {
    this.#owed = this.#kept(now);
    return Object.fromEntries(this.#owed);
  }

  #kept(now: number): Map<string, Owed[string]> {
    const fresh = [...this.#owed].filter(([, { toldAt }]) => now - toldAt < COUNTS_FOR_MS);
    fresh.sort(([, a], [, b]) => (a.oldestAt ?? now) - (b.oldestAt ?? now));
    return new Map(fresh.slice(0, MOST_KEPT));
  }
}
