import { Presence } from "../../src/protocol/presence.ts";
import type { PresenceTruth } from "./presence-truth.ts";

type Only = readonly string[] | undefined;
type Asked = { is: "watch" | "unwatch"; users: readonly string[]; only?: readonly string[] };

/** What one connection was told of the users whom it watches, and whom it holds. */
export class Watched {
  /** The last that was told of each. */
  readonly shown = new Map<string, Presence>();
  readonly #watcher: string;
  readonly #truth: PresenceTruth;
  readonly #wrong: (sentence: string) => void;
  /** What it holds by all that was answered, in the order of the questions: the object keeps to it. */
  readonly #held = new Map<string, Only>();
  /** What was asked and not answered, and the users of it who were not erased since. */
  readonly #open = new Map<string, { asked: Asked; users: Set<string> }>();
  #asked = 0;
  readonly #highest = new Map<string, number>();

  constructor(watcher: string, truth: PresenceTruth, wrong: (sentence: string) => void) {
    this.#watcher = watcher;
    this.#truth = truth;
    this.#wrong = wrong;
  }

  /** Whom this connection holds, for sure; the statuses that it wants to hear of, where it said so. */
  get held(): Map<string, Only> {
    const open = new Set([...this.#open.values()].flatMap(({ asked }) => asked.users));
    return new Map([...this.#held].filter(([user]) => !open.has(user)));
  }

  /** The frame to send. Until it is answered nothing is sure about these users. */
  ask(asked: Asked): object {
    const ref = `watch ${++this.#asked}`;
    this.#open.set(ref, { asked, users: new Set(asked.users) });
    const { is: type, users, only } = asked;
    return { type, users, ref, ...(only && { only }) };
  }

  /** An answer; false where it answers nothing that was asked here. */
  answered(ref: string | number, answer: Record<string, unknown>): boolean {
    const question = this.#close(ref);
    if (question === undefined) return false;
    const { asked, users } = question;
    if (asked.is === "watch")
      for (const presence of Presence.array().parse(answer.presence)) this.told(presence);
    for (const user of users) {
      if (asked.is === "watch") this.#held.set(user, asked.only);
      else this.#held.delete(user);
    }
    return true;
  }

  /** A refusal: what was held is held still. */
  refused(ref: unknown): void {
    this.#close(ref);
  }

  /** This user is about to be erased: nobody holds it any more, and what is on its way may come to nothing. */
  forget(user: string): void {
    this.#held.delete(user);
    for (const { users } of this.#open.values()) users.delete(user);
  }

  #close(ref: unknown) {
    const question = typeof ref === "string" ? this.#open.get(ref) : undefined;
    if (typeof ref === "string") this.#open.delete(ref);
    return question;
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
