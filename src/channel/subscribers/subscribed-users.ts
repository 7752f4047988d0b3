import type { Objects } from "../../objects/ports.ts";
import type { Targets } from "./forwarding.ts";
import type { Told } from "./pending.ts";

const NOBODY: readonly string[] = [];

/** Users who are subscribed by connections of their own: each is called itself, and says which sessions are over. */
export class SubscribedUsers implements Targets {
  readonly #objects: Objects;
  readonly #subscribed: () => ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly #gone: (session: string, order: number) => void;

  /** `gone`: the user's object knows nothing of this subscription. */
  constructor(
    objects: Objects,
    subscribed: () => ReadonlyMap<string, ReadonlyMap<string, number>>,
    gone: (session: string, order: number) => void,
  ) {
    this.#objects = objects;
    this.#subscribed = subscribed;
    this.#gone = gone;
  }

  isEmpty(): boolean {
    return this.#subscribed().size === 0;
  }

  has(user: string): boolean {
    return this.#subscribed().has(user);
  }

  *heads(isLeftOut: (user: string) => boolean): Iterable<string> {
    for (const user of this.#subscribed().keys()) if (!isLeftOut(user)) yield user;
  }

  rest(): readonly string[] {
    return NOBODY;
  }

  async call(
    user: string,
    _: readonly string[],
    told: Told,
    isAwaited: () => boolean,
  ): Promise<readonly string[]> {
    const sessions = Object.fromEntries(this.#subscribed().get(user) ?? []);
    const { gone } = await this.#objects.user(user).deliver({ ...told, sessions });
    if (isAwaited()) for (const session of gone) this.#gone(session, sessions[session] ?? 0);
    return NOBODY;
  }
}
