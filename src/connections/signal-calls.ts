import { Lanes } from "../objects/lanes.ts";
import type { Background, Clock, Log, Objects, SignalRequest } from "../objects/ports.ts";

/** Different signals that may wait for one user's object: more are dropped, as signals may be. */
const MOST_WAITING = 256;
/** Users called at once. */
const LANES = 1000;

/**
 * Signals on their way to users. One call to a user's object is under way at a time; of what comes meanwhile the
 * last of each sender and event is kept, and all leave with the next. Nothing is promised about a signal: one that
 * fails is not said again.
 */
export class SignalCalls {
  readonly #objects: Objects;
  readonly #lanes: Lanes<Map<string, SignalRequest>>;

  constructor(ports: { clock: Clock; objects: Objects; background: Background; log: Log }) {
    this.#objects = ports.objects;
    this.#lanes = new Lanes(ports, LANES, {
      load: () => new Map(),
      call: (user, waiting) => this.#send(user, [...waiting.values()]),
      failed: (user, cause) => ports.log.warn("signals not sent", { user }, cause),
    });
  }

  /** Returns at once. */
  send(user: string, request: SignalRequest): void {
    const waiting = this.#lanes.of(user);
    const key = JSON.stringify([request.from?.user, request.from?.session, request.event]);
    if (waiting.delete(key) || waiting.size < MOST_WAITING) waiting.set(key, request);
    this.#lanes.go();
  }

  async #send(user: string, requests: SignalRequest[]): Promise<void> {
    const [first] = requests;
    if (requests.length > 1) await this.#objects.user(user).signalTogether(requests);
    else if (first !== undefined) await this.#objects.user(user).signal(first);
  }
}
