import type { World } from "./world.ts";

/**
 * Reads as the Worker makes them for HTTP requests. They are events of the living objects, and carry out what
 * is due. What is read while things fail is judged by the invariants; here only that no reader sees a user's
 * version go back.
 */
export class Reader {
  readonly #world: World;
  readonly #users: readonly string[];
  readonly #channels: readonly string[];
  /** The highest version that a reader was told, by user and by whether it saw all. */
  readonly #versions = new Map<string, number>();
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

  /** Answers may overtake one another: only what was told before the question was asked must not go back. */
  async #readPresence(user: string, isExact: boolean): Promise<void> {
    const key = `${user} ${isExact ? "exact" : "shown"}`;
    const known = this.#versions.get(key) ?? 0;
    const reader = isExact ? ({ kind: "back end" } as const) : ({ kind: "user", user: "a reader" } as const);
    const { version } = await this.#world.user(user).presence(reader);
    if (version === undefined) return; // never seen, erased, or hidden
    if (version < known)
      this.#world.journal.fail(`versions grow: ${key} went back from ${known} to ${version}`);
    this.#versions.set(key, Math.max(version, this.#versions.get(key) ?? 0));
  }
}
