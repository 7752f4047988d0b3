import type { Clock, MemberState } from "../../objects/ports.ts";

/** The word that a user has come to a relay is under way no longer. */
const KEPT_MS = 60_000;
const MOST = 1_000;

/**
 * How users appear of whom their object said so before they were known here: the word of a relay that they have come
 * is on its way, and older. Without it, who hides in that moment would be shown. In memory: a crash within that moment
 * would have to come besides.
 */
export class EarlyStates {
  readonly #clock: Clock;
  readonly #states = new Map<string, { state: MemberState; until: number }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep(user: string, state: MemberState): void {
    const known = this.#states.get(user);
    if (known !== undefined && known.state.version > state.version) return;
    this.#states.delete(user); // to the end: the oldest gives way
    for (const oldest of this.#states.keys()) {
      if (this.#states.size < MOST) break;
      this.#states.delete(oldest);
    }
    this.#states.set(user, { state, until: this.#clock.now() + KEPT_MS });
  }

  /** What was said of this user, who is known from now on. */
  take(user: string): MemberState | undefined {
    const known = this.#states.get(user);
    if (known === undefined) return undefined;
    this.#states.delete(user);
    return known.until > this.#clock.now() ? known.state : undefined;
  }
}
