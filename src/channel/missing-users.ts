import { mapAtMost } from "../objects/at-most.ts";
import type { Ports } from "../objects/ports.ts";
import { userShard } from "../objects/shards.ts";

/** Users that one question to a shard names. */
const MOST_PER_QUESTION = 1000;
const MOST_CALLS = 20;

/**
 * Finds members whom the directory does not list: its shard was lost, or their object died between its change
 * and its word. Their objects are asked to tell it anew; what is true, they alone know.
 */
export class MissingUsers {
  readonly #ports: Pick<Ports, "objects" | "background" | "log">;
  readonly #shards: number;

  constructor(ports: Pick<Ports, "objects" | "background" | "log">, shards: number) {
    this.#ports = ports;
    this.#shards = shards;
  }

  /** In the background; what fails is tried at the next check. */
  find(users: readonly string[]): void {
    this.#ports.background.run(this.#find(users));
  }

  async #find(users: readonly string[]): Promise<void> {
    const { objects, log } = this.#ports;
    try {
      const found = await mapAtMost(MOST_CALLS, this.#questions(users), ([shard, asked]) =>
        objects.directory(shard).unknown(asked),
      );
      await mapAtMost(MOST_CALLS, found.flat(), (user) => objects.user(user).list());
    } catch (cause) {
      log.warn("missing users not found", { users: users.length }, cause);
    }
  }

  #questions(users: readonly string[]): [shard: string, users: string[]][] {
    const byShard = Map.groupBy(users, (user) => userShard(user, this.#shards));
    return [...byShard].flatMap(([shard, all]) =>
      Array.from({ length: Math.ceil(all.length / MOST_PER_QUESTION) }, (_, i): [string, string[]] => [
        shard,
        all.slice(i * MOST_PER_QUESTION, (i + 1) * MOST_PER_QUESTION),
      ]),
    );
  }
}
