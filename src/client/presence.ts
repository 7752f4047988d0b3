import type { Presence, PresenceChange } from "../protocol/presence.ts";
import type { Emit } from "./connection-events.ts";
import { isLost, RollcallError } from "./errors.ts";
import { KnownPresences } from "./known-presences.ts";
import type { Question } from "./requests.ts";
import { SaidStatus } from "./said-status.ts";
import type { Timers } from "./timers.ts";
import { Watches, type WatchOptions } from "./watches.ts";

export interface PresenceSetup {
  timers: Timers;
  /** Sends a request; rejects with a `RollcallError`. */
  ask<T extends object>(frame: Question): Promise<T>;
  emit: Emit;
}

/** What `connection.presence` offers. */
export type ConnectionPresence = Omit<LivePresence, "heard" | "opened" | "said">;

/** What one connection says of its own user, and hears of others. */
export class LivePresence {
  readonly #setup: PresenceSetup;
  /** What this session has said, and those of channels that have a connection of their own. */
  readonly said: SaidStatus;
  readonly #known = new KnownPresences();
  readonly #watches: Watches;

  constructor(setup: PresenceSetup, said = new SaidStatus()) {
    this.#setup = setup;
    this.said = said;
    this.#watches = new Watches({ ...setup, heard: (presence) => this.heard(presence) });
  }

  /**
   * Says it of this connection's user: for this session, which says it again after a reconnect, or for all
   * with the scope `user`. What is left out stays, null takes back; without `expiresInSeconds` it holds until
   * it is said anew. Resolves with the user's presence over all sessions. Rejects like `publish`.
   */
  async set(change: PresenceChange): Promise<Presence> {
    const presence = await this.#setup.ask<Presence>({ ...change, type: "presence" });
    this.said.took(change, this.#setup.timers.now());
    return presence;
  }

  /**
   * Watches these users until `unwatch`, across reconnects. Resolves with their presence; that and every
   * change is told as a `presence` event. On a user's own connection only. Waits where the service asks to,
   * and rejects like `publish`: what was refused is not watched.
   */
  async watch(users: readonly string[], options?: WatchOptions): Promise<Presence[]> {
    await this.#watches.watch(users, { ...options });
    return users.flatMap((user) => this.#known.of(user) ?? []);
  }

  /**
   * Hears no more of these users, unless they are watched over HTTP too. Rejects like `publish`, but not where
   * the connection is not open: a watch ends with its session.
   */
  async unwatch(users: readonly string[]): Promise<void> {
    await this.#watches.unwatch(users).catch((error: unknown) => {
      if (!isLost(error)) throw error;
    });
    for (const user of users) this.#known.forget(user);
  }

  /** The last that was heard of a user who is watched. */
  of(user: string): Presence | undefined {
    return this.#known.of(user);
  }

  /** A `presence` frame, or one of an answer. */
  heard(presence: Presence): void {
    if (this.#known.accept(presence)) this.#setup.emit("presence", presence);
  }

  /** Open, anew or again: the new session has said nothing yet, and watches nobody. */
  opened(): void {
    const again = this.said.again(this.#setup.timers.now());
    if (again !== undefined) {
      this.#setup.ask({ ...again, type: "presence" }).catch((error: unknown) => {
        if (!(error instanceof RollcallError)) throw error; // a bug: it surfaces as an unhandled rejection
        if (!isLost(error)) this.#setup.emit("error", error);
      });
    }
    this.#watches.again();
  }
}
