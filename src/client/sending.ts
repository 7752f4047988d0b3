import type { Sent } from "../protocol/inbox.ts";
import { isLost, PASSING, RollcallError } from "./errors.ts";
import type { Question } from "./requests.ts";
import type { Timers } from "./timers.ts";
import { patiently, pause, Turns } from "./turns.ts";

/** Answers that never come or say "try again" count; a lost connection and too much at once do not, however often. */
const MOST_TRIES = 10;
/** The service remembers a key for a day: a try after that could send twice. */
const LONGEST_MS = 23 * 3_600_000;
/** More than these wait for an answer already: whoever says more has to be told that nothing leaves. */
const MOST_UNDER_WAY = 256;

export interface SendOptions {
  /** At most 64 characters; `message` unless told otherwise. */
  event?: string;
  /** Idempotency key, 1-64 characters. Without one each message gets its own, which retries repeat. */
  key?: string;
  /** After so many seconds the message is no longer worth delivering. */
  ttlSeconds?: number;
  /** Sending to oneself: leave out the own session or device. */
  exclude?: { session?: string; device?: string };
}

/** What was sent: the service's id of it, and its place in the recipient's inbox. */
export type SentMessage = Pick<Sent, "id" | "seq" | "duplicate">;

export interface SendingSetup {
  timers: Timers;
  /** A number in [0, 1): what makes keys differ from those of other connections of this user. */
  random(): number;
  /** Sends a request; rejects with a `RollcallError`. */
  ask<T extends object>(frame: Question): Promise<T>;
}

/** What is on its way out and shall arrive once: each is said again under its key until the service has it or refuses it. */
export class Sending {
  readonly #setup: SendingSetup;
  readonly #turns = new Turns();
  /** In a channel the second waits for the first, or a retry would come after it. */
  readonly #orders = new Map<string | undefined, Turns>();
  /** Who waits for the connection to be open again, or to be closed for good. */
  readonly #waiting: (() => void)[] = [];
  /** How often those were woken: who hears late that a connection is lost may have missed it. */
  #wakes = 0;
  readonly #keys: string;
  #said = 0;
  #underWay = 0;
  #isClosed = false;

  constructor(setup: SendingSetup) {
    this.#setup = setup;
    // 100 random bits or so, which is enough: a key counts for one user alone. Not `crypto`, of which pages without
    // TLS and React Native lack half or all.
    this.#keys = [1, 2].map(() => setup.random().toString(36).slice(2)).join("-");
  }

  /** Says `frame` as it is now, under a key; of each channel one after the other, of all eight at a time. */
  async say<T extends object>(frame: Question): Promise<T> {
    if (this.#underWay >= MOST_UNDER_WAY) throw new RollcallError("too_many_pending", "too much under way");
    const text = JSON.stringify({ key: `${this.#keys}-${++this.#said}`, ...frame });
    const { channel } = frame;
    const order = this.#orders.get(channel) ?? new Turns(channel === undefined ? MOST_UNDER_WAY : 1);
    this.#orders.set(channel, order);
    const wasClosed = this.#isClosed;
    this.#underWay += 1;
    try {
      return await order.take(() => this.#repeat<T>(text, wasClosed));
    } finally {
      if (--this.#underWay === 0) this.#orders.clear();
    }
  }

  /** The connection is open. */
  opened(): void {
    this.#wakes += 1;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** It will never be open again. */
  closed(): void {
    this.#isClosed = true;
    this.opened(); // each finds that it is no longer wanted
  }

  async #repeat<T extends object>(text: string, wasClosed: boolean): Promise<T> {
    const { timers, ask } = this.#setup;
    let until = Number.MAX_VALUE;
    const attempt = () => {
      if (this.#isClosed === wasClosed && timers.now() < until) return ask<T>(JSON.parse(text));
      throw new RollcallError("connection_lost", "given up");
    };
    for (let tries = 1; ; ) {
      const wakes = this.#wakes;
      try {
        return await this.#turns.take(() => patiently(timers, attempt));
      } catch (error) {
        if (!(error instanceof RollcallError) || this.#isClosed || timers.now() >= until) throw error;
        if (error.code !== "not_connected") until = Math.min(until, timers.now() + LONGEST_MS);
        if (isLost(error)) {
          if (wakes === this.#wakes) await new Promise<void>((resolve) => this.#waiting.push(resolve));
        } else if (!PASSING.has(error.code) || ++tries > MOST_TRIES) throw error;
        else if (error.code !== "timed_out") await pause(timers, error.retryAfterMs);
      }
    }
  }
}
