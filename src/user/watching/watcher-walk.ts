import type { WatcherRow, WatcherTable } from "./watcher-table.ts";

/** Watchers told in one event; the alarm goes on. Far below what one may call (10,000), and what a crash repeats. */
const LEG = 1000;
/** As many as are told at once. */
const PAGE = 100;

/** The watchers of one leg, by name; read a page at a time, as those before are told. */
export class WatcherWalk {
  readonly #watchers: WatcherTable;
  #page: WatcherRow[] = [];
  #left = LEG;
  cursor: string;
  /** Nobody is left after the cursor. */
  isAtEnd = false;

  constructor(watchers: WatcherTable, cursor: string) {
    this.#watchers = watchers;
    this.cursor = cursor;
  }

  next(): WatcherRow | undefined {
    if (this.#left === 0 || this.isAtEnd) return undefined;
    if (this.#page.length === 0) this.#page = this.#watchers.toTell(this.cursor, PAGE);
    const row = this.#page.shift();
    if (row === undefined) {
      this.isAtEnd = true;
      return undefined;
    }
    this.cursor = row.watcher;
    this.#left -= 1;
    return row;
  }
}
