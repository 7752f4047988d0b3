import { isRefusal, type Refusal } from "../../src/protocol/codes.ts";
import type { Presence, Watch } from "../../src/protocol/presence.ts";

/** One request about a pair. */
interface Asked {
  pair: string;
  /** No other was open when it was made, none was made since, and neither of the two was erased. */
  isSure: boolean;
}

/** Whom users watch over HTTP, as far as it is sure: asked for alone and answered, and nothing asked since. */
export class HttpWatches {
  readonly #sure = new Map<string, Set<string>>();
  readonly #open = new Set<Asked>();

  /** Nothing is sure any more about this pair. To be ended by `done` or `watched`, whatever became of it. */
  asked(user: string, target: string): Asked {
    const asked = { pair: `${user} ${target}`, isSure: true };
    for (const other of this.#open) {
      if (other.pair !== asked.pair) continue;
      other.isSure = false;
      asked.isSure = false;
    }
    this.#open.add(asked);
    this.#sure.get(user)?.delete(target);
    return asked;
  }

  /** It was answered, or never will be. */
  done(asked: Asked): void {
    this.#open.delete(asked);
  }

  watched(asked: Asked, answer: (Watch & { presence: Presence }) | Refusal): void {
    this.done(asked);
    if (isRefusal(answer) || !asked.isSure) return;
    const [user = "", target = ""] = asked.pair.split(" ");
    this.#sure.set(user, (this.#sure.get(user) ?? new Set()).add(target));
  }

  /** The user is about to be erased. */
  forget(user: string): void {
    this.#sure.delete(user);
    for (const targets of this.#sure.values()) targets.delete(user);
    for (const asked of this.#open) if (asked.pair.split(" ").includes(user)) asked.isSure = false;
  }

  of(user: string): Iterable<string> {
    return this.#sure.get(user) ?? [];
  }
}
