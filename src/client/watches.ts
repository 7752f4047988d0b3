import type { Presence, SeenStatus } from "../protocol/presence.ts";
import { RollcallError } from "./errors.ts";
import type { Timers } from "./timers.ts";

/** The service takes no more users in one frame. */
const MAX_PER_FRAME = 100;
/** Where the service says no pause itself. */
const PAUSE_MS = 1_000;

export interface WatchOptions {
  /** Tell only of these statuses. */
  only?: readonly SeenStatus[];
}

export interface WatchesSetup {
  timers: Timers;
  /** Sends a request; rejects with a `RollcallError`. */
  ask<T extends object>(frame: object): Promise<T>;
  /** What the service answered of a user who is watched. */
  heard(presence: Presence): void;
}

/**
 * Whom this connection watches. The service holds a watch for one session, so each new session watches anew.
 * Watching counts by users against the rate, so that a long list goes out a frame at a time and waits where
 * it is told to.
 */
export class Watches {
  readonly #setup: WatchesSetup;
  readonly #watched = new Map<string, WatchOptions>();

  constructor(setup: WatchesSetup) {
    this.#setup = setup;
  }

  /** Resolves once all of them are watched. They count as watched at once, until that is refused. */
  async watch(users: readonly string[], options: WatchOptions): Promise<void> {
    for (const part of parts(users)) {
      const before = part.map((user) => [user, this.#watched.get(user)] as const);
      for (const user of part) this.#watched.set(user, options);
      try {
        await this.#say(part, options);
      } catch (error) {
        for (const [user, old] of before) if (this.#watched.get(user) === options) this.#restore(user, old);
        throw error;
      }
    }
  }

  /** They count as unwatched at once, whatever the answer. */
  async unwatch(users: readonly string[]): Promise<void> {
    for (const user of users) this.#watched.delete(user);
    for (const part of parts(users)) {
      await this.#patiently(() => this.#setup.ask({ type: "unwatch", users: part }));
    }
  }

  /** A new session watches whom the last one watched, unless that has ended meanwhile. */
  async again(): Promise<void> {
    for (const part of this.#groups().flatMap(parts)) {
      const still = part.filter((user) => this.#watched.has(user));
      const options = this.#watched.get(still[0] ?? "");
      if (options !== undefined) await this.#say(still, options);
    }
  }

  async #say(users: readonly string[], options: WatchOptions): Promise<void> {
    const frame = { type: "watch", users, ...options };
    const { presence } = await this.#patiently(() => this.#setup.ask<{ presence: Presence[] }>(frame));
    for (const one of presence) if (this.#watched.has(one.user)) this.#setup.heard(one);
  }

  #restore(user: string, options: WatchOptions | undefined): void {
    if (options === undefined) this.#watched.delete(user);
    else this.#watched.set(user, options);
  }

  /** Again after the pause that the service asks for; every other refusal is one. */
  async #patiently<T>(attempt: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await attempt();
      } catch (error) {
        if (!(error instanceof RollcallError) || error.code !== "rate_limited") throw error;
        const pauseMs = error.retryAfterMs ?? PAUSE_MS;
        await new Promise<void>((resolve) => this.#setup.timers.after(pauseMs, resolve));
      }
    }
  }

  /** One group for each list of statuses, whatever calls they came with: fewer frames. */
  #groups(): string[][] {
    const groups = new Map<string, string[]>();
    for (const [user, { only }] of this.#watched) {
      const key = JSON.stringify(only ?? null);
      const group = groups.get(key);
      if (group === undefined) groups.set(key, [user]);
      else group.push(user);
    }
    return [...groups.values()];
  }
}

function parts(users: readonly string[]): string[][] {
  const count = Math.ceil(users.length / MAX_PER_FRAME);
  return Array.from({ length: count }, (_, i) => users.slice(i * MAX_PER_FRAME, (i + 1) * MAX_PER_FRAME));
}
