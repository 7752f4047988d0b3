import type { Sent } from "../protocol/inbox.ts";
import { isLost, PASSING, RollcallError } from "./errors.ts";
import type { Timers } from "./timers.ts";
import { pause, Turns } from "./turns.ts";

/** Answers that never come or say "try again" count; a lost connection and too much at once do not, however often. */
const MOST_TRIES = 10;
/** The service remembers a key for a day: a try after that could send twice. */
const LONGEST_MS = 23 * 3_600_000;

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
  /** Sends a request; rejects with a `RollcallError`. */
  ask<T extends object>(frame: object): Promise<T>;
}

/** Direct messages on their way out: each is said again under its key until the service has it or refuses it. */
export class Sending {
  readonly #timers: Timers;
  readonly #turns: Turns;
  /** Who waits for the connection to be open again, or to be closed for good. */
  readonly #waiting: (() => void)[] = [];
  #isClosed = false;

  constructor(setup: SendingSetup) {
    this.#timers = setup.timers;
    this.#turns = new Turns(setup);
  }

  async send(user: string, data: unknown, options: SendOptions): Promise<SentMessage> {
    const timers = this.#timers;
    const frame = { key: newKey(), ...options, type: "send", user, data };
    const wasClosed = this.#isClosed;
    let until = Number.POSITIVE_INFINITY;
    const isWanted = () => this.#isClosed === wasClosed && timers.now() < until;
    for (let tries = 1; ; ) {
      try {
        return await this.#turns.ask<SentMessage>(frame, isWanted);
      } catch (error) {
        if (!(error instanceof RollcallError) || this.#isClosed || timers.now() >= until) throw error;
        if (error.code !== "not_connected") until = Math.min(until, timers.now() + LONGEST_MS);
        if (isLost(error)) await new Promise<void>((resolve) => this.#waiting.push(resolve));
        else if (!PASSING.has(error.code) || ++tries > MOST_TRIES) throw error;
        else if (error.code !== "timed_out") await pause(timers, error.retryAfterMs);
      }
    }
  }

  /** The connection is open. */
  opened(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  /** It will never be open again. */
  closed(): void {
    this.#isClosed = true;
    this.opened(); // each finds that it is no longer wanted
  }
}

/** 128 random bits. Not `randomUUID`, which pages without TLS lack. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
