import type { Notice } from "../../objects/ports.ts";
import type { UserQuery, WatcherPage } from "../../protocol/presence.ts";
import type { View } from "../presence/view.ts";
import type { WatcherTable } from "./watcher-table.ts";

/**
 * Who watches this user. A watcher that may not see the user is kept like any other: the same calls, the same
 * rows, so that nothing tells a user who hides from one who never was. To watch anew what is watched writes nothing.
 */
export class Watchers {
  readonly #table: WatcherTable;
  readonly #view: View;
  readonly #hooks: { registered(watcher: string): void };

  constructor(table: WatcherTable, view: View, hooks: { registered(watcher: string): void }) {
    this.#table = table;
    this.#view = view;
    this.#hooks = hooks;
  }

  /** Whether anybody would be told of a change: then the user is seen, and silence must be found in time. */
  get areAwake(): boolean {
    return this.#table.hasTold();
  }

  page({ cursor = "", limit }: UserQuery): WatcherPage {
    const found = this.#table.page(cursor, limit + 1);
    const watchers = found.slice(0, limit);
    const last = watchers.at(-1);
    const more = found.length > limit && last !== undefined ? { cursor: last } : {};
    return { watchers: watchers.map((user) => ({ user })), ...more };
  }

  /**
   * Registers the watcher, or takes it up again; the answer is its first notice. Of two calls under way the
   * one with the lower order may come last: it lowers nothing, and still shows that the watcher is there.
   */
  register(watcher: string, order: number): Notice {
    const row = this.#table.find(watcher);
    const isHidden = this.#view.isHiddenFrom(watcher);
    const isLate = row !== undefined && order < row.orderedAt;
    const orderedAt = Math.max(order, row?.orderedAt ?? 0);
    const isSame = row?.state === "told" && row.orderedAt === orderedAt && row.isHidden === isHidden;
    const isOver = isLate && row.state === "over"; // it is to be told so first
    if (!isSame && !isOver) this.#table.write({ watcher, orderedAt, state: "told", isHidden });
    if (!isOver) this.#hooks.registered(watcher);
    return this.#view.noticeFor(watcher);
  }

  remove(watcher: string, order: number): void {
    const row = this.#table.find(watcher);
    if (row !== undefined && row.orderedAt <= order) this.#table.delete(watcher);
  }
}
