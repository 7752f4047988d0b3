import type { Held, ShardCensus } from "../objects/directory-port.ts";

/** How many of the most watched are named. */
const MOST_WATCHED = 10;
/** Of a user whose object said no more than how many sessions it has. */
const UNKNOWN = "unknown unknown";

/** A user who is listed: how many sessions, and what else its object said. */
export interface Counted {
  size: number;
  held: Held | null;
}

/**
 * What the users of one shard have between them. To count reads every row, so it is done once somebody asks and then
 * kept up. What a user's object says without any news writes no row (it would cost one for each session that lasts), so
 * it is remembered here only: who sleeps forgets it, and is told again within ten TTLs.
 */
export class Census {
  readonly #connections = new Map<string, number>();
  readonly #users = new Map<number, number>();
  readonly #watchers = new Map<string, number>();
  #watches = 0;
  #subscriptions = 0;
  readonly #listed: () => Iterable<Counted & { name: string }>;
  #isCounted = false;
  /** Said since it was written, and written nowhere. */
  readonly #said = new Map<string, Held>();

  /** `listed`: all who are, as their rows say. */
  constructor(listed: () => Iterable<Counted & { name: string }>) {
    this.#listed = listed;
  }

  /** A user's row is written: what it was before, and what it is; undefined where it is not listed. */
  written(name: string, before: Counted | undefined, after: Counted | undefined): void {
    if (before !== undefined) this.#change(name, this.#now(name, before), -1);
    this.#said.delete(name);
    if (after !== undefined) this.#change(name, after, 1);
  }

  /** Said of a user whose row stays as it is. */
  said(name: string, row: Counted, held: Held): void {
    if (!this.#isCounted) return; // nobody asks; from the first time on it comes within ten TTLs
    const now = this.#now(name, row);
    if (JSON.stringify(now.held) === JSON.stringify(held)) return;
    this.#change(name, now, -1);
    this.#said.set(name, held);
    this.#change(name, { ...row, held }, 1);
  }

  result(): ShardCensus {
    if (!this.#isCounted) {
      for (const { name, ...row } of this.#listed()) this.#add(name, this.#now(name, row), 1);
      this.#isCounted = true;
    }
    const watched = [...this.#watchers].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
    return {
      connections: Object.fromEntries(this.#connections),
      usersBySessions: [...this.#users].sort(([a], [b]) => a - b),
      watches: this.#watches,
      subscriptions: this.#subscriptions,
      mostWatched: watched.slice(0, MOST_WATCHED),
    };
  }

  #now(name: string, row: Counted): Counted {
    return { size: row.size, held: this.#said.get(name) ?? row.held };
  }

  #change(name: string, user: Counted, sign: 1 | -1): void {
    if (this.#isCounted) this.#add(name, user, sign);
  }

  #add(name: string, { size, held }: Counted, sign: 1 | -1): void {
    add(this.#users, size, sign);
    for (const [kind, count] of connectionsOf(size, held)) add(this.#connections, kind, sign * count);
    this.#watches += sign * (held?.watches ?? 0);
    this.#subscriptions += sign * (held?.subscriptions ?? 0);
    if (sign === 1 && held !== null && held.watchers > 0) this.#watchers.set(name, held.watchers);
    else this.#watchers.delete(name);
  }
}

/** As many as there are sessions, whatever its object said of them. */
function connectionsOf(size: number, held: Held | null): [kind: string, count: number][] {
  const known = Object.entries(held?.connections ?? {});
  const rest = size - known.reduce((sum, [, count]) => sum + count, 0);
  return rest === 0 ? known : [...known, [UNKNOWN, rest]];
}

function add<Key>(counts: Map<Key, number>, key: Key, more: number): void {
  const count = (counts.get(key) ?? 0) + more;
  if (count === 0) counts.delete(key);
  else counts.set(key, count);
}
