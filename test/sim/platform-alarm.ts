import type { Kind } from "./fault-table.ts";
import type { Nature } from "./nature.ts";
import type { Planned } from "./scheduler.ts";

/** "Up to 6 retries, exponential from 2 s", and then it is gone for ever (platform notes, 1.5). */
const RETRIES = 6;
const FIRST_RETRY_MS = 2_000;
/** Seen locally: an alarm fires 15-100 ms after its time. */
const USUAL_DELAY_MS = 100;
const LATEST_MS = 600_000;
const LATEST_REPEAT_MS = 60_000;

/** Wakes the object, which sees no alarm any more, and calls its handler. */
type Fire = () => Promise<void>;

/**
 * The one alarm of an object. It is stored with the object: it survives eviction and crash, and a crash that
 * loses the writes of a turn loses the alarm that was set in it.
 */
export class PlatformAlarm {
  readonly #nature: Nature;
  readonly #kind: Kind;
  readonly #fire: Fire;
  #at: number | null = null;
  /** `at` as the last turn left it. */
  #durable: number | null = null;
  #planned: Planned | undefined;
  /** The time for which the handler runs in this turn; null while none does. */
  #handling: number | null = null;
  #threw = false;
  #retries = 0;
  #isToBeRepeated = false;
  /** Until when the platform was told to be late; it may be over before, with another plan. */
  #lateUntil = 0;

  constructor(nature: Nature, kind: Kind, fire: Fire) {
    this.#kind = kind;
    this.#nature = nature;
    this.#fire = fire;
  }

  get at(): number | null {
    return this.#at;
  }

  /** Since when, or from when on, the platform is not late by order of a fault. */
  get punctualSince(): number {
    return this.#lateUntil;
  }

  set(at: number): void {
    this.#at = at;
  }

  /** The handler threw: where it set no other time, it is called again, up to six times. */
  threw(): void {
    this.#threw = true;
  }

  /** The turn is durable. */
  commit(): void {
    const handled = this.#handling;
    if (handled !== null && this.#threw && this.#at === null) this.#retry(handled);
    else {
      if (handled !== null) {
        this.#retries = 0;
        this.#planRepeat();
      }
      if (this.#at !== this.#durable || handled !== null) this.#plan(this.#at, this.#usualDelay());
    }
    this.#endTurn();
  }

  /** The object crashed at the end of a turn. A handler that it cut off is called again. */
  crash(writes: "lost" | "kept"): void {
    const cutOff = this.#handling;
    this.#at = writes === "lost" ? this.#durable : this.#at;
    if (cutOff !== null && (writes === "lost" || this.#at === null)) this.#plan(cutOff, FIRST_RETRY_MS);
    else if (cutOff !== null || this.#at !== this.#durable) this.#plan(this.#at, this.#usualDelay());
    this.#endTurn();
  }

  /** Makes the platform up to ten minutes late; `at` stays what it was. False where no alarm is set. */
  delay(): boolean {
    if (this.#at === null) return false;
    this.#nature.faults.count("alarm late", this.#kind);
    const late = this.#nature.random.logBetween(1_000, LATEST_MS);
    this.#lateUntil = Math.max(this.#at, this.#nature.scheduler.now) + late;
    this.#plan(this.#at, late);
    return true;
  }

  /** Makes the platform forget that the handler finished, the next time, and call it once more. */
  repeat(): boolean {
    if (this.#at === null) return false;
    this.#isToBeRepeated = true;
    return true;
  }

  /** It is gone with all that the object has stored. */
  lose(): void {
    this.#plan(null, 0);
    this.#durable = null;
  }

  #planRepeat(): void {
    if (!this.#isToBeRepeated) return;
    this.#isToBeRepeated = false;
    const { scheduler, random, faults } = this.#nature;
    const again = scheduler.now + random.logBetween(1, LATEST_REPEAT_MS);
    faults.count("alarm repeated", this.#kind);
    scheduler.at(again, () => this.#begin(again));
  }

  #retry(handled: number): void {
    this.#retries++;
    if (this.#retries <= RETRIES) this.#plan(handled, FIRST_RETRY_MS * 2 ** (this.#retries - 1));
    else this.#plan(null, 0);
  }

  #plan(at: number | null, delay: number): void {
    this.#planned?.cancel();
    this.#planned = undefined;
    this.#at = at;
    if (at === null) return;
    const { scheduler } = this.#nature;
    this.#planned = scheduler.at(Math.max(at, scheduler.now) + delay, () => this.#begin(at));
  }

  #begin(scheduled: number): Promise<void> {
    this.#handling = scheduled;
    this.#at = null;
    return this.#fire();
  }

  #endTurn(): void {
    this.#durable = this.#at;
    this.#handling = null;
    this.#threw = false;
  }

  #usualDelay(): number {
    return this.#nature.random.between(0, USUAL_DELAY_MS);
  }
}
