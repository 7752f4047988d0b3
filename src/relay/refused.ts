import type { Clock } from "../objects/ports.ts";
import type { Refusal } from "../protocol/codes.ts";

const KEPT_MS = 60_000;
const MOST = 1_000;

/** Whose token the channel has refused: its `iat` in seconds, 0 where it has none. */
type Token = { user: string; issuedAt: number };

/**
 * Tokens that the channel has refused a moment ago, because their users were sent away: whoever comes again with one,
 * or with an older one, is refused without a row, as at the channel itself. In memory: losing it asks once more.
 */
export class RefusedTokens {
  readonly #clock: Clock;
  readonly #refused = new Map<string, { issuedAt: number; until: number; refusal: Refusal }>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  keep({ user, issuedAt }: Token, refused: Refusal): void {
    if (refused.code !== "forbidden") return;
    this.#refused.delete(user); // to the end: the oldest gives way
    for (const oldest of this.#refused.keys()) {
      if (this.#refused.size < MOST) break;
      this.#refused.delete(oldest);
    }
    this.#refused.set(user, { issuedAt, until: this.#clock.now() + KEPT_MS, refusal: refused });
  }

  refusalOf({ user, issuedAt }: Token): Refusal | undefined {
    const known = this.#refused.get(user);
    if (known === undefined || issuedAt > known.issuedAt) return undefined;
    if (known.until > this.#clock.now()) return known.refusal;
    this.#refused.delete(user);
    return undefined;
  }
}
