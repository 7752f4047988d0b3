import type { PresenceChange } from "../protocol/presence.ts";

/** So many milliseconds of a second: what is left of a status is said in seconds. */
const SECOND_MS = 1_000;

type Said = Pick<PresenceChange, "status" | "text" | "emoji">;

/**
 * What this session said of its user. It ends with the session, so the next one has to say it again. What is
 * said for all sessions, and who may see it, the service keeps.
 */
export class SaidStatus {
  #said: Said = {};
  /** When it ends, in milliseconds; `undefined` where it holds until it is said anew. */
  #expiresAt: number | undefined;

  /** The service took this: what is left out stays, null takes back, and the end is that of the last change. */
  took({ status, text, emoji, expiresInSeconds, scope }: PresenceChange, now: number): void {
    const said: Said = JSON.parse(JSON.stringify({ status, text, emoji })); // what is left out is no field now
    const isNothing = expiresInSeconds === undefined && Object.keys(said).length === 0;
    if (scope === "user" || isNothing) return;
    this.#said = this.#isOver(now) ? said : { ...this.#said, ...said };
    this.#expiresAt = expiresInSeconds === undefined ? undefined : now + expiresInSeconds * SECOND_MS;
  }

  /** What a new session has to say; `undefined` where that is nothing. */
  again(now: number): PresenceChange | undefined {
    const saidSomething = Object.values(this.#said).some((part) => part !== null && part !== "");
    if (!saidSomething || this.#isOver(now)) return undefined;
    if (this.#expiresAt === undefined) return { ...this.#said };
    return { ...this.#said, expiresInSeconds: (this.#expiresAt - now) / SECOND_MS };
  }

  #isOver(now: number): boolean {
    return this.#expiresAt !== undefined && this.#expiresAt <= now;
  }
}
