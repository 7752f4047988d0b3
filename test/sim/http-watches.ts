import { isRefusal, type Refusal } from "../../src/protocol/codes.ts";
import type { Presence, Watch } from "../../src/protocol/presence.ts";

/** Whom users watch over HTTP, as far as it is sure: asked for and answered, and nothing asked since. */
export class HttpWatches {
  readonly #sure = new Map<string, Set<string>>();
  readonly #asked = new Map<string, number>();

  /** Nothing is sure any more about this pair. */
  asked(user: string, target: string): void {
    const pair = `${user} ${target}`;
    this.#asked.set(pair, (this.#asked.get(pair) ?? 0) + 1);
    this.#sure.get(user)?.delete(target);
  }

  watched(user: string, target: string, answer: (Watch & { presence: Presence }) | Refusal): void {
    const pair = `${user} ${target}`;
    const left = (this.#asked.get(pair) ?? 1) - 1;
    this.#asked.set(pair, left);
    if (isRefusal(answer) || left > 0) return;
    this.#sure.set(user, (this.#sure.get(user) ?? new Set()).add(target));
  }

  /** The user is about to be erased. */
  forget(user: string): void {
    this.#sure.delete(user);
    for (const targets of this.#sure.values()) targets.delete(user);
  }

  of(user: string): Iterable<string> {
    return this.#sure.get(user) ?? [];
  }
}
