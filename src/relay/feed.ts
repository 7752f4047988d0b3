import type { LogPosition } from "../objects/ports.ts";
import type { Push, SaidMessage, Standing } from "../objects/relaying.ts";
import type { Said } from "../objects/subscribing.ts";
import { MessageCache } from "./message-cache.ts";
import { RosterChain } from "./roster-chain.ts";

/** How far a relay's connections were told, as one of their sockets remembers it. */
export interface Remembered extends LogPosition {
  roster: string;
  /** Of the last push. */
  number: number;
}

/** What becomes of what the channel says. */
export interface FeedRules {
  /** Somebody is here, or about to be, who hears. */
  isNeeded(): boolean;
  /** To everybody who is live here, once and in order. */
  tell(said: Said): void;
  /** Messages before this offset, or up to it, did not come. */
  missing(offset: number): void;
  /** A change of the roster did not come, or the log is another: everybody has to be shown anew. */
  broken(): void;
  /** Somebody may go on who reads, and the position is to be remembered. */
  moved(): void;
}

/**
 * What the channel pushes, told to the connections of this relay: each message once and in order, up to a position
 * that all live connections share. A push that does not follow from it shows a gap, and what it holds of messages is
 * left to the log; signals and the roster do not wait. Without connections there is no position.
 */
export class Feed {
  readonly cache: MessageCache;
  readonly rosters: RosterChain;
  readonly #rules: FeedRules;
  #at: LogPosition | undefined;
  #number: number;

  constructor(channel: string, remembered: Remembered | undefined, rules: FeedRules) {
    this.cache = new MessageCache(channel);
    this.rosters = new RosterChain(remembered?.roster);
    this.#at = remembered && { epoch: remembered.epoch, offset: remembered.offset };
    this.#number = remembered?.number ?? 0;
    this.#rules = rules;
  }

  /** Up to where all live connections were told; undefined where nobody is here, or nothing is known yet. */
  get at(): Readonly<LogPosition> | undefined {
    return this.#at;
  }

  /** Of the last push that was heard. */
  get number(): number {
    return this.#number;
  }

  /** What a socket has to remember; undefined while nothing is known. */
  get remembered(): Remembered | undefined {
    const roster = this.rosters.told;
    return this.#at && roster !== undefined ? { ...this.#at, roster, number: this.#number } : undefined;
  }

  /** From the channel; one that is late or repeated says nothing. */
  push({ number, epoch, prev, rosterBefore, roster, said }: Push): void {
    if (number <= this.#number) return;
    this.#number = number;
    if (!this.#rules.isNeeded()) return this.forget();
    const at = this.#at ?? { epoch, offset: prev };
    this.#at = at;
    if (epoch !== at.epoch) return this.#rules.broken();
    const hasGap = prev > at.offset;
    for (const one of said) {
      if (one.is === "message") this.#tell(one);
      else this.#rules.tell(one);
    }
    const texts = said.flatMap((one) => (one.is === "roster" ? [one.text] : []));
    const isRosterMissed = this.rosters.step(rosterBefore, roster, texts);
    this.#rules.moved();
    if (hasGap) this.#rules.missing(topOf(said, prev));
    if (isRosterMissed) this.#rules.broken();
  }

  /** From the channel's log: what follows the position. */
  take(messages: readonly SaidMessage[]): void {
    for (const message of messages) this.#tell(message);
    this.#rules.moved();
  }

  /** Nothing was known: whoever comes now begins here. */
  begin({ epoch, offset, roster }: Standing): void {
    if (this.#at !== undefined || epoch === null) return;
    this.#at = { epoch, offset };
    this.rosters.set(roster);
    this.#rules.moved();
  }

  /** The log is another: all connections were shown that they stand here. */
  restart(standing: Standing): void {
    this.forget();
    this.begin(standing);
  }

  /** Nobody is here. */
  forget(): void {
    this.#at = undefined;
    this.cache.clear();
    this.rosters.forget();
  }

  /** Only what follows: what is known is not told again, and what lies beyond a gap is left to the log. */
  #tell(message: SaidMessage): void {
    const at = this.#at;
    if (at === undefined || message.offset !== at.offset + 1) return;
    this.#at = { epoch: at.epoch, offset: message.offset };
    this.cache.add(message);
    this.#rules.tell(message);
  }
}

function topOf(said: readonly Said[], prev: number): number {
  return said.reduce((top, one) => (one.is === "message" ? Math.max(top, one.offset) : top), prev);
}
