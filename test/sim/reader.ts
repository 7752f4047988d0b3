import type { World } from "./world.ts";

/** A call of the Worker's is there and back by then, as the world makes it. */
const ANSWERED_WITHIN_MS = 30;

/**
 * Reads as the Worker makes them for HTTP requests. They are events of the living objects, and carry out what
 * is due. What is read while things fail is judged by the invariants; here only that no reader sees a user's
 * version go back.
 */
export class Reader {
  readonly #world: World;
  readonly #users: readonly string[];
  readonly #channels: readonly string[];
  /** The highest version that a reader was told, by user: others count fewer changes than back ends. */
  readonly #versions = { exact: new Map<string, number>(), shown: new Map<string, number>() };
  /** Until when an answer may be of before or after the user was erased. */
  readonly #unsureUntil = new Map<string, number>();

  constructor(world: World, users: readonly string[], channels: readonly string[]) {
    this.#world = world;
    this.#users = users;
    this.#channels = channels;
  }

  /** One read of one object, chosen by the seed. */
  read(): boolean {
    const { random } = this.#world;
    const user = random.pick(this.#users) ?? "";
    const channel = this.#world.channel(random.pick(this.#channels) ?? "");
    const reads = [
      () => this.#readPresence(user, random.chance(0.5)),
      () => this.#readPresence(user, random.chance(0.5)),
      () => this.#world.user(user).sessions(),
      () => channel.members({ limit: 10 }),
      () => channel.history({ limit: 10, order: "asc" }),
      () => channel.summary(),
    ];
    // A reader may hear of a failure: the object crashed while it answered.
    void random
      .pick(reads)?.()
      .catch(() => {});
    return true;
  }

  /** The user is about to be erased: versions begin anew. */
  forget(user: string): void {
    this.#versions.exact.delete(user);
    this.#versions.shown.delete(user);
    this.#unsureUntil.set(user, this.#world.now + ANSWERED_WITHIN_MS);
  }

  /** Answers may overtake one another: only what was told before the question was asked must not go back. */
  async #readPresence(user: string, exact: boolean): Promise<void> {
    const versions = exact ? this.#versions.exact : this.#versions.shown;
    const known = versions.get(user) ?? 0;
    const askedAt = this.#world.now;
    const { version = 0 } = await this.#world
      .user(user)
      .presence(exact ? { kind: "back end" } : { kind: "user", user: "a reader" });
    if ((this.#unsureUntil.get(user) ?? 0) >= askedAt) return;
    if (version < known)
      this.#world.journal.fail(`versions grow: ${user} went back from ${known} to ${version}`);
    versions.set(user, Math.max(version, versions.get(user) ?? 0));
  }
}
