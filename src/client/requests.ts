import type { ErrorFrame, SubscribedFrame } from "../protocol/server-frames.ts";
import { RollcallError } from "./errors.ts";
import type { Timers } from "./timers.ts";

/** Longer than a publish to a cold object takes by far; shorter than a person's patience. */
export const ANSWER_TIMEOUT_MS = 10_000;
/** More unanswered requests than this mean that nothing comes back, and more would only fill memory. */
export const MAX_PENDING = 256;

/** What is said to the service and has an answer. */
export interface Question {
  type: string;
  channel?: string | undefined;
  [field: string]: unknown;
}

interface Pending {
  resolve(answer: object): void;
  reject(error: RollcallError): void;
  cancelTimeout(): void;
}

type Answer = { type: "ok"; ref?: string | number } | ErrorFrame | SubscribedFrame;

/** The requests of one connection that wait for their answer, by `ref`. */
export class Requests {
  readonly #timers: Timers;
  readonly #pending = new Map<string | number, Pending>();
  #lastRef = 0;

  constructor(timers: Timers) {
    this.#timers = timers;
  }

  /**
   * Sends `frame` with a fresh `ref` and promises the answer's fields. Rejects with the code of an `error`
   * answer, `timed_out`, `connection_lost`, or `too_many_pending`.
   */
  ask<T extends object>(frame: object, send: (frame: object) => void): Promise<T> {
    if (this.#pending.size >= MAX_PENDING) {
      return Promise.reject(new RollcallError("too_many_pending", "too much under way"));
    }
    const ref = ++this.#lastRef;
    return new Promise<T>((resolve, reject) => {
      const cancelTimeout = this.#timers.after(ANSWER_TIMEOUT_MS, () => {
        this.#pending.delete(ref);
        reject(new RollcallError("timed_out", "no answer"));
      });
      // The caller names the answer's shape; the service's declarations are its proof.
      this.#pending.set(ref, { resolve: (answer) => resolve(answer as T), reject, cancelTimeout });
      send({ ...frame, ref });
    });
  }

  /** Whether this was the answer to a request that still waited. */
  settle(answer: Answer): boolean {
    if (answer.ref === undefined) return false;
    const pending = this.#pending.get(answer.ref);
    if (pending === undefined) return false;
    this.#pending.delete(answer.ref);
    pending.cancelTimeout();
    if (answer.type === "error") pending.reject(errorOf(answer));
    else {
      const { type: _type, ref: _ref, ...fields } = answer;
      pending.resolve(fields);
    }
    return true;
  }

  /** The connection dropped: nobody will answer any more. */
  rejectAll(reason: string): void {
    for (const { cancelTimeout, reject } of this.#pending.values()) {
      cancelTimeout();
      reject(new RollcallError("connection_lost", reason));
    }
    this.#pending.clear();
  }
}

/** An `error` frame as an error to throw or to show. */
export function errorOf({ code, message, retryAfterMs, errors }: ErrorFrame): RollcallError {
  return new RollcallError(code, message, { retryAfterMs, errors });
}
