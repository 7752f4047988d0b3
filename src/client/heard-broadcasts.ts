import { forgetOldest } from "./forget-oldest.ts";

/** As many as a session of the service remembers. */
const REMEMBERED = 32;

/** Broadcasts that were told already: a new session may hear again what the lost one heard. */
export class HeardBroadcasts {
  readonly #ids = new Set<string>();

  /** Whether it is the first time. */
  isNew(id: string): boolean {
    if (this.#ids.has(id)) return false;
    this.#ids.add(id);
    forgetOldest(this.#ids, REMEMBERED);
    return true;
  }
}
