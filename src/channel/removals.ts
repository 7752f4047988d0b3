import type { Settings } from "../config.ts";
import type { Caller, Clock, Sql } from "../objects/ports.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { RemovalTable } from "./removal-table.ts";

/**
 * Who was sent away from this channel, for as long as a token from before could live. What is older is
 * deleted when the next one is sent away: it does no harm, and needs no alarm of its own.
 */
export class Removals {
  readonly #table: RemovalTable;
  readonly #clock: Clock;
  readonly #longestSeconds: number;

  constructor(sql: Sql, clock: Clock, settings: Settings) {
    this.#table = new RemovalTable(sql);
    this.#clock = clock;
    this.#longestSeconds = settings.MAX_TOKEN_LIFETIME_SECONDS + settings.CLOCK_LEEWAY_SECONDS;
  }

  add(user: string): void {
    const now = Math.floor(this.#clock.now() / 1000);
    this.#table.deleteBefore(now - this.#longestSeconds);
    this.#table.write(user, now);
  }

  /** Tokens of this user that were issued until then may not use the channel any more; 0 where it was not sent away. */
  secondOf(user: string): number {
    return this.#table.secondOf(user) ?? 0;
  }

  /** Why this user's token may not use the channel any more. A back end has none to lose. */
  refusalOf(caller: Caller | undefined): Refusal | undefined {
    const second = caller === undefined ? null : this.#table.secondOf(caller.user);
    if (second === null || (caller?.issuedAt ?? 0) > second) return undefined;
    return refusal("forbidden", "removed from this channel; a new token is needed");
  }
}
