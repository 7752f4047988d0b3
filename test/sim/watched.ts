import { Presence } from "../../src/protocol/presence.ts";
import type { PresenceTruth } from "./presence-truth.ts";

type Asked = { is: "watch" | "unwatch"; users: readonly string[]; only?: readonly string[] };

/** What one connection was told of the users whom it watches, and whom it holds. */
export class Watched {
  /** The last that was told of each. */
  readonly shown = new Map<string, Presence>();
  /** Whom this connection holds, for sure; the statuses that it wants to hear of, where it said so. */
  readonly held = new Map<string, readonly string[] | undefined>();
  readonly #watcher: string;
  readonly #truth: PresenceTruth;
  readonly #wrong: (sentence: string) => void;
  readonly #asked = new Map<string, Asked>();
  readonly #highest = new Map<string, number>();

  constructor(watcher: string, truth: PresenceTruth, wrong: (sentence: string) => void) {
    this.#watcher = watcher;
    this.#truth = truth;
    this.#wrong = wrong;
  }

  /** The frame to send. Until it is answered nothing is sure about these users. */
  ask(asked: Asked): object {
    const ref = `watch ${this.#asked.size + 1}`;
    this.#asked.set(ref, asked);
    for (const user of asked.users) this.held.delete(user);
    const { is: type, users, only } = asked;
    return { type, users, ref, ...(only && { only }) };
  }

  /** An answer; false where it answers nothing that was asked here. */
  answered(ref: string | number, answer: Record<string, unknown>): boolean {
    const asked = typeof ref === "string" ? this.#asked.get(ref) : undefined;
    if (asked === undefined) return false;
    if (asked.is === "unwatch") return true;
    for (const presence of Presence.array().parse(answer.presence)) this.told(presence);
    // Asked again meanwhile: what that comes to is not known yet.
    const isLast = [...this.#asked.values()].at(-1) === asked;
    if (isLast) for (const user of asked.users) this.held.set(user, asked.only);
    return true;
  }

  isRefusal(ref: unknown): boolean {
    return typeof ref === "string" && this.#asked.has(ref);
  }

  told(presence: Presence): void {
    const wrong = this.#truth.whyWrong(this.#watcher, presence);
    if (wrong !== undefined) this.#wrong(`watching: ${wrong}`);
    const { user, version } = presence;
    const highest = this.#highest.get(user) ?? 0;
    if (version !== undefined && version < highest) {
      this.#wrong(`watching: versions of ${user} went back from ${highest} to ${version}`);
    }
    this.#highest.set(user, Math.max(highest, version ?? 0));
    this.shown.set(user, presence);
  }
}
