import type { CryptoKey } from "jose";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { type Fetch, fetchKeySet } from "./key-set-document.ts";
import { type PublicAlgorithm, type PublicKey, publicKeyOf } from "./public-key.ts";

/** A flood of made-up `kid`s costs whoever publishes the keys one fetch in this time, for each isolate. */
const PAUSE_MS = 30_000;
/** After this long the set is fetched again, so that a key that was taken out of it stops to count. */
const FRESH_MS = 600_000;
/** Longer than a fetch may take: who still waits then, waits for a request that the platform has ended. */
const PATIENCE_MS = 6000;
const NEVER = Number.NEGATIVE_INFINITY;

/** What fetching keys needs of the world. */
export interface Outside {
  fetch: Fetch;
  /** Goes on after the request that began it: others wait for it too. The platform's `waitUntil`. */
  background(work: Promise<void>): void;
  warn(event: string, fields: Record<string, string | number>, cause?: unknown): void;
}

const OUTSIDE: Outside = {
  fetch: (url, init) => fetch(url, init),
  background: (work) => void work,
  warn: () => undefined,
};

/** What a token's header says of its key. Without `kid` the key must be the only one for its algorithm. */
export interface WantedKey {
  alg: PublicAlgorithm;
  kid: string | undefined;
}

const keySets = new Map<string, KeySet>();

/**
 * The key set at this address, one for each isolate. In it keys are found by `kid` alone: there is one issuer
 * and one address in the settings, so the same `kid` can't stand for keys of two issuers.
 */
export function keySetAt(url: string): KeySet {
  const known = keySets.get(url) ?? new KeySet(url);
  keySets.set(url, known);
  return known;
}

/**
 * Public keys, kept in memory: losing them costs a fetch. Known keys go on, however old, while the address
 * does not answer. All state is of this isolate, so the bounds are too.
 */
export class KeySet {
  readonly #url: string;
  #keys: readonly PublicKey[] = [];
  #fetchedAt = NEVER;
  #askedAt = NEVER;
  #failed = false;
  #asking: Promise<void> | undefined;

  constructor(url: string) {
    this.#url = url;
  }

  /**
   * The key, or `token_invalid` where the set has none that fits, or `unavailable` where the set can't be
   * asked. One call causes, or joins, one fetch at most.
   */
  async key(wanted: WantedKey, nowMs: number, outside: Partial<Outside> = {}): Promise<CryptoKey | Refusal> {
    const known = this.#find(wanted);
    if (known !== undefined && !isOver(this.#fetchedAt, FRESH_MS, nowMs)) return known;
    const asked = this.#ask(nowMs, { ...OUTSIDE, ...outside });
    // Where the last fetch failed, the next may take its whole timeout too: known keys do not wait for it.
    if (known !== undefined && this.#failed) return known;
    const { at } = asked;
    await within(PATIENCE_MS, asked.done);
    const found = this.#find(wanted);
    if (found === undefined) return this.#refusal(nowMs);
    // Only fetches in vain count: keys may change twice within the pause, but nobody can make them up.
    if (known === undefined && this.#askedAt === at) this.#askedAt = NEVER;
    return found;
  }

  #find({ alg, kid }: WantedKey): CryptoKey | undefined {
    const fitting = this.#keys.filter((key) => key.alg === alg && (kid === undefined || key.kid === kid));
    return fitting.length === 1 ? fitting[0]?.key : undefined;
  }

  #refusal(nowMs: number): Refusal {
    if (!this.#failed && this.#asking === undefined) {
      return refusal("token_invalid", "signed with a key that is not in the key set");
    }
    const retryAfterMs = Math.min(PAUSE_MS, Math.max(1000, this.#askedAt + PAUSE_MS - nowMs));
    return { ...refusal("unavailable", "the keys at JWKS_URL can't be fetched now"), retryAfterMs };
  }

  /** Begins a fetch, or joins the one under way; within the pause there is none. */
  #ask(nowMs: number, outside: Outside): { at: number; done: Promise<void> } {
    if (isOver(this.#askedAt, PAUSE_MS, nowMs)) {
      this.#askedAt = nowMs;
      // One that began before the pause and still has no end never will: the platform ended its request.
      const asking = this.#refresh(nowMs, outside).finally(() => {
        if (this.#asking === asking) this.#asking = undefined;
      });
      this.#asking = asking;
      outside.background(asking);
    }
    return { at: this.#askedAt, done: this.#asking ?? Promise.resolve() };
  }

  /** Replaces all keys at once; a failure leaves those that are known. */
  async #refresh(nowMs: number, outside: Outside): Promise<void> {
    try {
      const members = await fetchKeySet(this.#url, outside.fetch);
      const keys = await Promise.all(members.map(publicKeyOf));
      this.#keys = keys.filter((key) => key !== undefined);
      this.#fetchedAt = nowMs;
      this.#failed = false;
      if (this.#keys.length === 0) outside.warn("key set without a usable key", { keys: members.length });
    } catch (cause) {
      this.#failed = true;
      outside.warn("key set not fetched", { known: this.#keys.length }, cause);
    }
  }
}

/** A clock that was set back by more than `ms` starts anew, rather than to wait until it is there again. */
function isOver(since: number, ms: number, nowMs: number): boolean {
  return Math.abs(nowMs - since) >= ms;
}

/** Waits for `work`, which never fails, but no longer than `ms`. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let stop = () => {};
  const over = new Promise<void>((resolve) => {
    const timer = setTimeout(resolve, ms);
    stop = () => clearTimeout(timer);
  });
  await Promise.race([work, over]);
  stop();
}
