import type { Background, Log, Objects, SignalRequest } from "../objects/ports.ts";

/** Different signals that may wait for one user's object: more are dropped, as signals may be. */
const MOST_WAITING = 256;

/**
 * Signals on their way to users. One call to a user's object is under way at a time; of what comes meanwhile the
 * last of each sender and event is kept. Nothing is promised about a signal: one that fails is not said again.
 */
export class SignalCalls {
  readonly #ports: { objects: Objects; background: Background; log: Log };
  /** What waits for each user that is being called. Lost with the object, as signals may be. */
  readonly #waiting = new Map<string, Map<string, SignalRequest>>();

  constructor(ports: { objects: Objects; background: Background; log: Log }) {
    this.#ports = ports;
  }

  /** Returns at once. */
  send(user: string, request: SignalRequest): void {
    const waiting = this.#waiting.get(user);
    if (waiting === undefined) {
      this.#waiting.set(user, new Map());
      this.#ports.background.run(this.#callAll(user, request));
      return;
    }
    const key = JSON.stringify([request.from?.user, request.from?.session, request.event]);
    if (waiting.delete(key) || waiting.size < MOST_WAITING) waiting.set(key, request);
  }

  async #callAll(user: string, first: SignalRequest): Promise<void> {
    for (let next: SignalRequest | undefined = first; next !== undefined; next = this.#next(user)) {
      try {
        await this.#ports.objects.user(user).signal(next);
      } catch (cause) {
        this.#ports.log.warn("signal not sent", { user }, cause);
      }
    }
  }

  /** What has waited longest; where nothing waits the next one is called at once again. */
  #next(user: string): SignalRequest | undefined {
    for (const [key, request] of this.#waiting.get(user) ?? []) {
      this.#waiting.get(user)?.delete(key);
      return request;
    }
    this.#waiting.delete(user);
    return undefined;
  }
}
