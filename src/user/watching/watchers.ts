import type { Notice } from "../../objects/ports.ts";
import type { UserQuery, WatcherPage } from "../../protocol/presence.ts";
import type { View } from "../presence/view.ts";
import type { WatcherTable } from "./watcher-table.ts";

interface WatcherHooks {
  /** A watcher is about to be answered with what is true now; `isUnsure` where it must hear of it, should that be lost. */
  registered(watcher: string, answer: { isHidden: boolean; isUnsure: boolean }): void;
}

/**
 * Who watches this user. A watcher that may not see the user is kept like any other: the same calls, the same
 * rows, so that nothing tells a user who hides from one who never was. To watch anew what is watched writes nothing.
 */
export class Watchers {
  readonly #table: WatcherTable;
  readonly #view: View;
  readonly #hooks: WatcherHooks;

  constructor(table: WatcherTable, view: View, hooks: WatcherHooks) {
    this.#table = table;
    this.#view = view;
    this.#hooks = hooks;
  }

  /** Whether anybody would be told of a change: then the user is seen, and silence must be found in time. */
  get areAwake(): boolean {
    return this.#table.hasTold();
  }

  get size(): number {
    return this.#table.size();
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
   * The answer may be lost: so one that shows the user is written down before, and one that hides it only once
   * a notice is confirmed. Who was asleep sees nothing until it is answered, and so needs no notice to hide from.
   */
  register(watcher: string, order: number): Notice {
    const row = this.#table.find(watcher);
    const isHidden = this.#view.isHiddenFrom(watcher);
    const isLate = row !== undefined && order < row.orderedAt;
    if (isLate && row.state === "over") return this.#view.noticeFor(watcher); // it is to be told so first
    const orderedAt = Math.max(order, row?.orderedAt ?? 0);
    const isTold = row?.state === "told";
    const isFirstSight = isTold && row.isHidden && !isHidden;
    if (!isTold || row.orderedAt !== orderedAt) {
      const stillSees = row !== undefined && row.state !== "paused" && !row.isHidden;
      this.#table.register(watcher, orderedAt, isHidden && !stillSees);
    } else if (isFirstSight) this.#table.show(watcher);
    this.#hooks.registered(watcher, { isHidden, isUnsure: isFirstSight || row?.state === "over" });
    return this.#view.noticeFor(watcher);
  }

  remove(watcher: string, order: number): void {
    const row = this.#table.find(watcher);
    if (row !== undefined && row.orderedAt <= order) this.#table.delete(watcher);
  }
}
