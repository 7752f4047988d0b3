import type { Connection, DeviceType, Message } from "../client/index.ts";
import type { Happening } from "./feed.ts";

/** Who sits at a card, and what the card connects to: a channel, or the person's own connection. */
export interface Seat {
  user: string;
  device: DeviceType;
  place: "channel" | "own";
}

/** What a card tells the page. */
export interface CardHandlers {
  /** The person connects by hand: to which channel? */
  channel(): string;
  /** Connected, lost or closed. */
  changed(): void;
  removed(): void;
  /** The same user once more, on another device. */
  doubled(): void;
  /** The same user once more, on their own connection. */
  ownWanted(): void;
  /** A connection begins: the card's own, or one beside it. */
  connected(connection: Connection): void;
  happened(happening: Happening): void;
  /** This card was told that somebody is gone. */
  sawGone(user: string): void;
  /** Another card that still sees this person in `channel`. */
  witness(channel: string | undefined): string | undefined;
  /** A publish became the message `id`. */
  published(id: string, begunAt: number): void;
  /** What was said before this card came. */
  readEarlier(messages: readonly Message[]): void;
}
