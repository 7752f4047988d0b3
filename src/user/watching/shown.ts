import type { Connection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import type { Notice } from "../../objects/ports.ts";
import { BY_USER } from "./hold-table.ts";
import { Holds } from "./holds.ts";

/**
 * What own connections were shown of watched users, so that none sees a version go back. It is in memory only,
 * because a row a notice would be dear. So that sleep does no harm, each waking has an id of its own: a notice
 * of a user of whom this waking knows nothing counts only if its sender has heard of this waking, and so read
 * what it sends after whatever was shown before.
 */
export class Shown {
  readonly waking: string;
  readonly #connections: Connections;
  readonly #holds: Holds;
  readonly #latest = new Map<string, Notice>();

  constructor(waking: string, connections: Connections, holds: Holds) {
    this.waking = waking;
    this.#connections = connections;
    this.#holds = holds;
  }

  latestOf(user: string): Notice | undefined {
    return this.#latest.get(user);
  }

  /** Whether some connection would be shown this user. */
  isLookedAt(user: string): boolean {
    return [...this.#connections.all()].some(({ session }) => this.#targetsFor(session, user).length > 0);
  }

  /** Shows it where it is newer and looks different; `but` is told by other means. */
  take(notice: Notice, but?: Connection): void {
    const known = this.#latest.get(notice.user);
    if (known !== undefined && notice.order <= known.order && !isAnew(notice, known)) return;
    this.#latest.set(notice.user, notice);
    if (JSON.stringify(known?.presence) === JSON.stringify(notice.presence)) return;
    for (const connection of this.#connections.all()) {
      const targets = this.#targetsFor(connection.session, notice.user);
      const isTold = targets.some((target) => Holds.isTold(target, notice.presence.status));
      if (isTold && connection !== but) connection.send({ type: "presence", ...notice.presence });
    }
  }

  /** What was taken but for this connection: where it holds them, it is told what they look like by now. */
  tell(connection: Connection, users: readonly string[]): void {
    for (const user of users) {
      const notice = this.#latest.get(user);
      if (notice === undefined) continue;
      const targets = this.#targetsFor(connection.session, user);
      const isTold = targets.some((target) => Holds.isTold(target, notice.presence.status));
      if (isTold) connection.send({ type: "presence", ...notice.presence });
    }
  }

  /** These are watched over HTTP from now on: own connections that did not watch them see what they look like. */
  begin(users: readonly string[]): void {
    for (const user of users) {
      const notice = this.#latest.get(user);
      if (notice === undefined) continue;
      for (const connection of this.#connections.all()) {
        const isKnown = this.#holds.of(connection.session)?.targets.has(user) === true;
        if (!isKnown) connection.send({ type: "presence", ...notice.presence });
      }
    }
  }

  /** Nobody here watches these any more. */
  forget(users: Iterable<string>): void {
    for (const user of users) this.#latest.delete(user);
  }

  #targetsFor(session: string, user: string) {
    const holds = [this.#holds.of(BY_USER), this.#holds.of(session)];
    return holds.flatMap((hold) => hold?.targets.get(user) ?? []);
  }
}

/** The user was erased, and has answered since: of two notices of one version that one is the later. */
function isAnew(notice: Notice, known: Notice): boolean {
  return known.isOver === true && notice.isOver !== true && notice.order === known.order;
}
