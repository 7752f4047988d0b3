import type { Presence, SeenStatus } from "../protocol/presence.ts";
import type { Emit } from "./connection-events.ts";
import { isLost, PASSING, RollcallError } from "./errors.ts";
import type { Question } from "./requests.ts";
import type { Timers } from "./timers.ts";
import { PAUSE_MS, patiently, pause, Turns } from "./turns.ts";

/** The service takes no more users in one frame. */
const MAX_PER_FRAME = 100;
/** Between the last attempts to watch somebody again who does not answer. */
const LONGEST_PAUSE_MS = 60_000;

export interface WatchOptions {
  /** Tell only of these statuses. */
  only?: readonly SeenStatus[];
}

export interface WatchesSetup {
  timers: Timers;
  /** Sends a request; rejects with a `RollcallError`. */
  ask<T extends object>(frame: Question): Promise<T>;
  /** What the service answered of a user who is watched. */
  heard(presence: Presence): void;
  emit: Emit;
}

/**
 * Whom this connection watches. The service holds a watch for one session, so each new session watches anew.
 * Watching counts by users against the rate, so that a long list goes out a frame at a time and waits where
 * it is told to.
 */
export class Watches {
  readonly #setup: WatchesSetup;
  /** How each of them is watched: the options as JSON, so that the same is equal. */
  readonly #watched = new Map<string, string>();
  readonly #again = new Turns(1);
  /** How many sessions have watched again: what one has not finished is the next one's. */
  #sessions = 0;

  constructor(setup: WatchesSetup) {
    this.#setup = setup;
  }

  /** Resolves once all of them are watched. They count as watched at once, until that is refused. */
  async watch(users: readonly string[], options: WatchOptions): Promise<void> {
    const how = JSON.stringify(options);
    for (const part of parts(users)) {
      const before = part.map((user) => [user, this.#watched.get(user)] as const);
      for (const user of part) this.#watched.set(user, how);
      try {
        await this.#say(part, how);
      } catch (error) {
        for (const [user, old] of before) {
          if (this.#watched.get(user) !== how) continue; // something else was said of it meanwhile
          if (old === undefined) this.#watched.delete(user);
          else this.#watched.set(user, old);
        }
        throw error;
      }
    }
  }

  /** They count as unwatched at once, whatever the answer. */
  async unwatch(users: readonly string[]): Promise<void> {
    for (const user of users) this.#watched.delete(user);
    for (const part of parts(users)) {
      await patiently(this.#setup.timers, async () => {
        const gone = part.filter((user) => !this.#watched.has(user)); // somebody may be watched again by now
        if (gone.length > 0) await this.#setup.ask({ type: "unwatch", users: gone });
      });
    }
  }

  /**
   * A new session watches whom the last one watched, unless that has ended meanwhile, one frame at a time and as few
   * as there can be. Each counts by itself: one that is refused is told, and the others go on; where somebody did
   * not answer it is said again after a pause, until the session ends.
   */
  again(): void {
    this.#sessions += 1;
    const alike = new Map<string, string[]>();
    for (const [user, how] of this.#watched) {
      const users = alike.get(how);
      if (users === undefined) alike.set(how, [user]);
      else users.push(user);
    }
    for (const [how, users] of alike) for (const part of parts(users)) void this.#keep(part, how);
  }

  /** Rejects only for a bug, which surfaces as an unhandled rejection. */
  async #keep(users: readonly string[], how: string): Promise<void> {
    const session = this.#sessions;
    for (let pauseMs = PAUSE_MS; ; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      try {
        return await this.#again.take(async () => {
          if (session === this.#sessions) await this.#say(users, how);
        });
      } catch (error) {
        if (!(error instanceof RollcallError)) throw error;
        if (session !== this.#sessions || isLost(error)) return;
        this.#setup.emit("error", error);
        if (!PASSING.has(error.code)) return;
        await pause(this.#setup.timers, pauseMs);
      }
    }
  }

  /** Those of them who are still to be watched so, at each attempt. */
  async #say(users: readonly string[], how: string): Promise<void> {
    await patiently(this.#setup.timers, async () => {
      const still = users.filter((user) => this.#watched.get(user) === how);
      if (still.length === 0) return;
      const frame = { ...(JSON.parse(how) as WatchOptions), type: "watch", users: still };
      const { presence } = await this.#setup.ask<{ presence: Presence[] }>(frame);
      for (const one of presence) if (this.#watched.has(one.user)) this.#setup.heard(one);
    });
  }
}

function* parts(users: readonly string[]): Generator<readonly string[]> {
  for (let i = 0; i < users.length; i += MAX_PER_FRAME) yield users.slice(i, i + MAX_PER_FRAME);
}
