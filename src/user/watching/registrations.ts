import type { Connection } from "../../connections/connection.ts";
import { mapAtMost } from "../../objects/at-most.ts";
import type { Log, UserPort } from "../../objects/ports.ts";
import type { Shown } from "./shown.ts";

/** Calls at once. */
const LANES = 100;

export type Watched = Pick<UserPort, "watchedBy" | "unwatchedBy">;

/** The calls that make this user a watcher of others. While one is under way its target counts as watched. */
export class Registrations {
  readonly #log: Log;
  readonly #me: string;
  readonly #userOf: (user: string) => Watched;
  readonly #shown: Shown;
  /** How many calls each target has not answered yet. Lost with the calls. */
  readonly #underWay = new Map<string, number>();

  constructor(log: Log, about: { me: string; userOf(user: string): Watched }, shown: Shown) {
    this.#log = log;
    this.#me = about.me;
    this.#userOf = about.userOf;
    this.#shown = shown;
  }

  isUnderWay(target: string): boolean {
    return this.#underWay.has(target);
  }

  /**
   * Resolves with those that did not answer. What is news to others here than `asker` is shown to them. Who was
   * erased after it had answered, while others had not, knows nothing of the call any more: it is asked again.
   */
  async make(targets: ReadonlyMap<string, { order: number }>, asker?: Connection): Promise<string[]> {
    const users = [...targets];
    for (const [user] of users) this.#count(user, 1);
    const silent = await this.#ask(users, asker);
    const isOver = (user: string) => this.#shown.latestOf(user)?.isOver === true;
    const erased = users.filter(([user]) => isOver(user) && !silent.includes(user));
    if (erased.length > 0) {
      const silentNow = await this.#ask(erased, asker);
      silent.push(...silentNow, ...erased.map(([user]) => user).filter(isOver));
    }
    for (const [user] of users) this.#count(user, -1);
    return silent;
  }

  async #ask(users: readonly [string, { order: number }][], asker?: Connection): Promise<string[]> {
    const silent: string[] = [];
    await mapAtMost(LANES, users, async ([user, { order }]) => {
      try {
        this.#shown.take(await this.#userOf(user).watchedBy(this.#me, order), asker);
      } catch (cause) {
        this.#log.warn("watched user did not answer", {}, cause);
        silent.push(user);
      }
    });
    return silent;
  }

  #count(user: string, more: number): void {
    const calls = (this.#underWay.get(user) ?? 0) + more;
    if (calls === 0) this.#underWay.delete(user);
    else this.#underWay.set(user, calls);
  }
}
