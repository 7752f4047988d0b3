import type { Sent } from "../protocol/inbox.ts";
import { RollcallError, type RollcallErrorCode } from "./errors.ts";
import type { Timers } from "./timers.ts";

/** Where the service says no pause itself. */
const PAUSE_MS = 1_000;
/** Answers that never come or say "try again" count; a connection that is lost does not, however often. */
const MOST_TRIES = 10;
/** The service remembers a key for a day: a try after that could send twice. */
const LONGEST_MS = 23 * 3_600_000;

/** Whether it was stored is unknown, or it was not: the same key may be said again. */
const PASSING: ReadonlySet<RollcallErrorCode> = new Set([
  "not_connected",
  "connection_lost",
  "timed_out",
  "rate_limited",
  "unavailable",
  "internal",
]);
const NEEDS_CONNECTION: ReadonlySet<RollcallErrorCode> = new Set(["not_connected", "connection_lost"]);

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
  readonly #setup: SendingSetup;
  /** Who waits for the connection to be open again, or to be closed for good. */
  readonly #waiting: { resolve(): void; reject(error: RollcallError): void }[] = [];
  #isClosed = false;

  constructor(setup: SendingSetup) {
    this.#setup = setup;
  }

  async send(user: string, data: unknown, options: SendOptions): Promise<SentMessage> {
    const { timers, ask } = this.#setup;
    const frame = { key: newKey(), ...options, type: "send", user, data };
    const until = timers.now() + LONGEST_MS;
    for (let tries = 1; ; ) {
      try {
        return await ask<SentMessage>(frame);
      } catch (error) {
        const mayBeRepeated = error instanceof RollcallError && PASSING.has(error.code);
        if (!mayBeRepeated || timers.now() >= until) throw error;
        if (NEEDS_CONNECTION.has(error.code)) await this.#whenOpen(error);
        else if (++tries > MOST_TRIES) throw error;
        else if (error.code !== "timed_out") await this.#pause(error.retryAfterMs ?? PAUSE_MS);
      }
    }
  }

  /** The connection is open. */
  opened(): void {
    for (const { resolve } of this.#waiting.splice(0)) resolve();
  }

  /** It will never be open again. */
  closed(reason: string): void {
    this.#isClosed = true;
    const error = new RollcallError("connection_lost", reason);
    for (const { reject } of this.#waiting.splice(0)) reject(error);
  }

  #whenOpen(error: RollcallError): Promise<void> {
    if (this.#isClosed) return Promise.reject(error);
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#setup.timers.after(ms, resolve));
  }
}

/** 128 random bits. Not `randomUUID`, which pages without TLS lack. */
function newKey(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) =>
    byte.toString(16).padStart(2, "0"),
  ).join("");
}
