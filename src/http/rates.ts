import { HeldOff } from "../objects/held-off.ts";
import { log } from "../objects/log.ts";
import { RateLimit } from "../objects/rate-limit.ts";
import { Recent } from "../objects/recent.ts";

/** Names that one isolate counts; one that is forgotten begins anew. */
const MOST_COUNTED = 10_000;
/** How long an isolate refuses a name of which the location has had too much; then it asks again, with its next lot. */
const HELD_OFF_MS = 1000;

/** The platform's counter of one location (`[[ratelimits]]`): approximate, and shared by all isolates there. */
export interface LocationCounter {
  limit(options: { key: string }): Promise<{ success: boolean }>;
}

/** How one request reaches it. */
export interface Location {
  /** Absent where the runtime has none. */
  counter: LocationCounter | undefined;
  /** Goes on after the answer. */
  background(work: Promise<void>): void;
}

interface Rule {
  perSecond: number;
  burst: number;
  /** So much is one step of the location's counter. */
  lot: number;
}

interface Chance {
  now(): number;
  /** Even, from 0 to 1 without 1. */
  random(): number;
}

interface Counted {
  bucket: RateLimit;
  /** Admitted here, and not told to the location yet. */
  untold: number;
}

/**
 * One limit for each of many names. This isolate's own bucket is exact, counts weights and costs no wait; what it
 * admits is told to the location's counter in lots, behind the answer, so that many isolates together admit no more
 * than the location does. Neither is an account: both forget, and err on the side of who asks.
 */
export class Rates {
  readonly #rule: Rule;
  readonly #chance: Chance;
  readonly #counted = new Recent<Counted>(MOST_COUNTED);
  readonly #heldOff = new HeldOff();

  constructor(rule: Rule, chance: Chance = { now: Date.now, random: Math.random }) {
    this.#rule = rule;
    this.#chance = chance;
  }

  /** 0 where it is within the limit, and counted; else how many milliseconds to wait, and nothing was counted. */
  take(name: string, weight: number, location: Location): number {
    const now = this.#chance.now();
    const heldMs = this.#heldOff.waitMs(name, now);
    if (heldMs > 0) return heldMs;
    const counted = this.#countedOf(name, now);
    const waitMs = counted.bucket.take(now, weight);
    if (waitMs === 0) this.#tell(name, counted, weight, location);
    return waitMs;
  }

  /** The wait of who asks for so much; counts nothing, and remembers nobody. */
  waitMs(name: string, weight = 1): number {
    const now = this.#chance.now();
    const heldMs = this.#heldOff.waitMs(name, now);
    return heldMs > 0 ? heldMs : (this.#counted.get(name)?.bucket.waitMs(now, weight) ?? 0);
  }

  /** Where an isolate begins in its first lot is chance: of many that admit little each, the sum is right. */
  #countedOf(name: string, now: number): Counted {
    const known = this.#counted.get(name);
    if (known !== undefined) return known;
    const { perSecond, burst, lot } = this.#rule;
    const untold = Math.floor(this.#chance.random() * lot);
    const counted = { bucket: new RateLimit(perSecond, burst, now), untold };
    this.#counted.set(name, counted);
    return counted;
  }

  #tell(name: string, counted: Counted, weight: number, { counter, background }: Location): void {
    counted.untold += weight;
    const { lot } = this.#rule;
    if (counted.untold < lot || counter === undefined) return;
    const lots = Math.floor(counted.untold / lot);
    counted.untold -= lots * lot;
    background(this.#ask(name, lots, counter));
  }

  /** Never rejects: a counter that fails lets everybody pass, as one that is not there does. */
  async #ask(name: string, lots: number, counter: LocationCounter): Promise<void> {
    try {
      const outcomes = await Promise.all(Array.from({ length: lots }, () => counter.limit({ key: name })));
      if (outcomes.every(({ success }) => success)) return;
      this.#heldOff.hold(name, this.#chance.now() + HELD_OFF_MS);
    } catch (cause) {
      log.warn("rate counter failed", {}, cause);
    }
  }
}
