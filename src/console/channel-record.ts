import type { Message } from "../client/index.ts";
import type { Told, Way } from "./provenance.ts";

/** Rows of one channel that are kept. */
const MAX_KEPT = 200;

/** One message, and how it came to each card. */
export interface MessageRow {
  kind: "message";
  message: Message;
  ways: Map<string, Way>;
}

/** What a card was told after it had been away. */
export interface ToldRow {
  kind: "told";
  card: string;
  told: Told;
  at: number;
}

export type RecordRow = MessageRow | ToldRow;

/** The log of one channel, as the cards of the page together saw it, the oldest first. */
export class ChannelRecord {
  readonly rows: RecordRow[] = [];
  readonly #byId = new Map<string, MessageRow>();

  /** A message came to a card. What was read from history stands before what came since. */
  heard(message: Message, card: string, way: Way): void {
    const known = this.#byId.get(message.id);
    if (known !== undefined) {
      if (!known.ways.has(card)) known.ways.set(card, way);
      return;
    }
    const row: MessageRow = { kind: "message", message, ways: new Map([[card, way]]) };
    this.#byId.set(message.id, row);
    // Times of one channel do not go back, and are the service's; what a card was told is as late as what it heard then.
    const later = this.rows.findIndex((one) => one.kind === "message" && isLater(one.message, message));
    this.rows.splice(later < 0 ? this.rows.length : later, 0, row);
    this.#trim();
  }

  told(card: string, told: Told, at: number): void {
    this.rows.push({ kind: "told", card, told, at });
    this.#trim();
  }

  #trim(): void {
    if (this.rows.length <= MAX_KEPT) return;
    const oldest = this.rows.shift();
    if (oldest?.kind === "message") this.#byId.delete(oldest.message.id);
  }
}

function isLater(one: Message, other: Message): boolean {
  return one.at > other.at || (one.at === other.at && one.offset > other.offset);
}

/** What a told row says. */
export function wordsOfTold({ kind, after, upTo, isNewEpoch }: Told): string {
  if (isNewEpoch) return "gap: the log was lost or deleted, and began anew (new epoch)";
  const range = upTo === after + 1 ? `offset ${upTo}` : `offsets ${after + 1} to ${upTo}`;
  if (kind === "recovered") return `came back, and recovered ${range}`;
  return upTo > after ? `gap: ${range} could not be recovered` : "gap: came back without recovery";
}
