import type { Presence, SeenStatus } from "../protocol/presence.ts";
import { isLost, RollcallError, type RollcallErrorCode } from "./errors.ts";
import type { Timers } from "./timers.ts";
import { PAUSE_MS, patiently, pause } from "./turns.ts";

/** The service takes no more users in one frame. */
const MAX_PER_FRAME = 100;
/** Between the last attempts to watch somebody again who does not answer. */
const LONGEST_PAUSE_MS = 60_000;
/** Somebody's object did not answer, or not in time: it may do so later. */
const MAY_PASS: ReadonlySet<RollcallErrorCode> = new Set(["unavailable", "timed_out"]);

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
  /** Somebody is not watched in the new session. */
  failed(error: RollcallError): void;
}

/** Users who are watched in the same way: they go out together. */
interface Part {
  users: readonly string[];
  options: WatchOptions;
}

/**
 * Whom this connection watches. The service holds a watch for one session, so each new session watches anew.
 * Watching counts by users against the rate, so that a long list goes out a frame at a time and waits where
 * it is told to.
 */
export class Watches {
  readonly #setup: WatchesSetup;
  readonly #watched = new Map<string, WatchOptions>();
  /** How many sessions have watched again: what one has not finished is the next one's. */
  #sessions = 0;

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
      await patiently(this.#setup.timers, async () => {
        const gone = part.filter((user) => !this.#watched.has(user)); // somebody may be watched again by now
        if (gone.length > 0) await this.#setup.ask({ type: "unwatch", users: gone });
      });
    }
  }

  /**
   * A new session watches whom the last one watched, unless that has ended meanwhile. Each frame counts by
   * itself: one that is refused is told, and the others go on; where somebody did not answer it is said again
   * after a pause, until the session ends.
   */
  async again(): Promise<void> {
    const session = ++this.#sessions;
    let left = this.#groups();
    for (let pauseMs = PAUSE_MS; left.length > 0; pauseMs = Math.min(2 * pauseMs, LONGEST_PAUSE_MS)) {
      const silent: Part[] = [];
      for (const part of left) {
        const failure = await this.#failureOf(part);
        if (session !== this.#sessions || isLost(failure)) return;
        if (failure !== undefined) this.#setup.failed(failure);
        if (failure !== undefined && MAY_PASS.has(failure.code)) silent.push(part);
      }
      left = silent;
      if (left.length > 0) await pause(this.#setup.timers, pauseMs);
      if (session !== this.#sessions) return;
    }
  }

  async #failureOf({ users, options }: Part): Promise<RollcallError | undefined> {
    try {
      await this.#say(users, options);
      return undefined;
    } catch (error) {
      if (error instanceof RollcallError) return error;
      throw error;
    }
  }

  /** Those of them who are still to be watched so, at each attempt. */
  async #say(users: readonly string[], options: WatchOptions): Promise<void> {
    const key = keyOf(options);
    const { presence } = await patiently(this.#setup.timers, async () => {
      const still = users.filter((user) => keyOf(this.#watched.get(user)) === key);
      if (still.length === 0) return { presence: [] };
      return this.#setup.ask<{ presence: Presence[] }>({ type: "watch", users: still, ...options });
    });
    for (const one of presence) if (this.#watched.has(one.user)) this.#setup.heard(one);
  }

  #restore(user: string, options: WatchOptions | undefined): void {
    if (options === undefined) this.#watched.delete(user);
    else this.#watched.set(user, options);
  }

  /** As few frames as there can be, whatever calls these users came with. */
  #groups(): Part[] {
    const groups = new Map<string | undefined, { users: string[]; options: WatchOptions }>();
    for (const [user, options] of this.#watched) {
      const group = groups.get(keyOf(options));
      if (group === undefined) groups.set(keyOf(options), { users: [user], options });
      else group.users.push(user);
    }
    return [...groups.values()].flatMap(({ users, options }) =>
      parts(users).map((part) => ({ users: part, options })),
    );
  }
}

/** Alike for those who are watched in the same way; undefined for who is not. */
function keyOf(options: WatchOptions | undefined): string | undefined {
  return options === undefined ? undefined : JSON.stringify(options.only ?? null);
}

function parts(users: readonly string[]): string[][] {
  const count = Math.ceil(users.length / MAX_PER_FRAME);
  return Array.from({ length: count }, (_, i) => users.slice(i * MAX_PER_FRAME, (i + 1) * MAX_PER_FRAME));
}
