import type { Presence } from "../protocol/presence.ts";

/** The last that was heard of each user. Versions never go back. */
export class KnownPresences {
  readonly #known = new Map<string, Presence>();

  of(user: string): Presence | undefined {
    return this.#known.get(user);
  }

  /**
   * Whether this is news; from then on it is what is known. An older version is late and counts for nothing.
   * A presence without version is of a user who hides, or was never seen: whatever was known is no more.
   */
  accept(presence: Presence): boolean {
    const known = this.#known.get(presence.user);
    if ((known?.version ?? 0) > (presence.version ?? Number.MAX_VALUE)) return false;
    this.#known.set(presence.user, presence);
    return JSON.stringify(known) !== JSON.stringify(presence);
  }

  forget(user: string): void {
    this.#known.delete(user);
  }
}
