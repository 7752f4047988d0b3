import type { LocationHint } from "../../objects/placement.ts";

/** Relays are opened before those that are open have less room than this part of it left, on average. */
const MOST_FILLED = 2 / 3;
/** Numbers of relays that were ever open at once: 20 million sessions of the usual capacity. */
const MOST_RELAYS = 10_000;

/** One relay, as far as placing goes. */
export interface OpenRelay {
  number: number;
  /** Absent where it is for everybody. */
  region?: LocationHint;
  /** Live sessions there, with those that were sent there since it last said so. */
  sessions: number;
}

/** A channel and its relays, as placing sees them. */
export interface House {
  /** Connections of the channel's own, with those whose admission is under way. */
  own: number;
  /** What one object serves. */
  capacity: number;
  /** Where the channel's own connections are, if others are to have relays of their own. */
  home?: LocationHint;
  relays: readonly OpenRelay[];
}

/** Who wants to connect. */
export interface Newcomer {
  user: string;
  hint?: LocationHint;
  /** Whether this relay may not be: it had no room a moment ago. */
  isAvoided(place: Place): boolean;
}

/** A relay that exists, or is to. */
export interface Place {
  number: number;
  region?: LocationHint;
}

/** The channel itself; or one of these relays, in the order of their numbers, of which `relayOf` chooses. */
export type Placed = { is: "here" } | { is: "elsewhere"; places: Place[] };

/**
 * Where a newcomer connects. While the channel has room, there. Else at one of the relays with the lowest numbers:
 * so many that a third of them is empty, and so no more than that needs, so that the others drain and disappear.
 * With a `home`, who comes from another region has relays of that region, however much room there is here. By the
 * channel's own count no relay is ever filled above the capacity, and there is always a place.
 */
export function place(house: House, newcomer: Newcomer): Placed {
  const region = regionOf(house, newcomer);
  if (region === undefined && house.own < house.capacity) return { is: "here" };
  const sessions = new Map<number, number>();
  for (const relay of house.relays) if (relay.region === region) sessions.set(relay.number, relay.sessions);
  const total = [...sessions.values()].reduce((sum, live) => sum + live, 0);
  const open = Math.floor(total / (house.capacity * MOST_FILLED)) + 1;
  const places: Place[] = [];
  for (let number = 1; number <= MOST_RELAYS; number++) {
    if (number > open && places.length > 0) break; // the first that is not avoided, wherever it is
    const place = { number, ...(region !== undefined && { region }) };
    const hasRoom = (sessions.get(number) ?? 0) < house.capacity;
    if (hasRoom && !newcomer.isAvoided(place)) places.push(place);
  }
  return { is: "elsewhere", places };
}

/** Undefined for who is at home, or where nobody asks. */
function regionOf({ home }: House, { hint }: Newcomer): LocationHint | undefined {
  return home === undefined || hint === undefined || hint === home ? undefined : hint;
}
