import { type Refusal, refusal } from "../protocol/codes.ts";
import { Recent } from "./recent.ts";

/** Names that one place remembers. */
const MOST_REMEMBERED = 1000;

/**
 * Who was told to come back later, and when that is: until then whoever remembers refuses without asking again. In
 * memory, because who is let in too early is refused by the one that counts.
 */
export class HeldOff {
  readonly #until = new Recent<number>(MOST_REMEMBERED);

  hold(name: string, until: number): void {
    this.#until.set(name, until);
  }

  /** Milliseconds that are left; 0 where nothing holds it. */
  waitMs(name: string, now: number): number {
    return Math.max(0, (this.#until.get(name) ?? 0) - now);
  }
}

/** Why a connection of this user may not begin now: too many began a moment ago. */
export function tooManyConnects(waitMs: number): Refusal {
  const refused = refusal("rate_limited", "too many connections of this user began; come back more slowly");
  return { ...refused, retryAfterMs: waitMs, limit: "connects" };
}
