import { log } from "../objects/log.ts";
import { LocationHint, relayOf } from "../objects/placement.ts";
import type { ConnectRequest } from "../objects/ports.ts";
import { parseRelayName } from "../objects/relaying.ts";
import { elsewhereIn } from "../objects/sealed.ts";
import { problem } from "./problem.ts";

/** A client is held no longer: by then the channel knows better itself. */
const MOST_RELAYS_TRIED = 3;
/** How long a channel's word counts: relays that were opened or filled since are found by asking again. */
const REMEMBERED_MS = 10_000;
/** Channels and regions that one isolate remembers; losing one asks its channel once more. */
const MOST_REMEMBERED = 1000;

/** Where a connection to a channel may end. */
export interface Keepers {
  channel(request: ConnectRequest): Promise<Response>;
  /** `near` says where the relay is to be, if it is new. */
  relay(name: string, near: LocationHint | undefined, request: ConnectRequest): Promise<Response>;
}

/** The relays of channels that have room, as the channels said a moment ago. */
export class KnownRelays {
  readonly #now: () => number;
  readonly #known = new Map<string, { relays: readonly string[]; until: number }>();

  constructor(now: () => number) {
    this.#now = now;
  }

  of(key: string): readonly string[] {
    const known = this.#known.get(key);
    return known !== undefined && known.until > this.#now() ? known.relays : [];
  }

  keep(key: string, relays: readonly string[]): void {
    this.#known.delete(key); // to the end: the oldest gives way
    if (this.#known.size >= MOST_REMEMBERED) {
      for (const oldest of this.#known.keys()) {
        this.#known.delete(oldest);
        break;
      }
    }
    this.#known.set(key, { relays, until: this.#now() + REMEMBERED_MS });
  }

  forget(key: string, relay: string): void {
    const known = this.#known.get(key);
    if (known !== undefined) known.relays = known.relays.filter((other) => other !== relay);
  }
}

/**
 * Connects to a channel: to the relay that is known to have room, else to the channel, which takes the connection
 * itself or says who does. A relay that has no room after all is avoided, and the channel asked again. Throws
 * `unavailable` where none of three had room.
 */
export async function connectPlaced(
  channel: string,
  wanted: ConnectRequest,
  { keepers, known }: { keepers: Keepers; known: KnownRelays },
): Promise<Response> {
  const key = `${channel} ${wanted.hint ?? ""}`;
  const avoid: string[] = [];
  let offered = known.of(key);
  while (avoid.length < MOST_RELAYS_TRIED) {
    const relay = relayOf(wanted.user, offered);
    const request = avoid.length === 0 ? wanted : { ...wanted, avoid: [...avoid] };
    if (relay === undefined) {
      const response = await keepers.channel(request);
      const elsewhere = await elsewhereIn(response);
      if (elsewhere === undefined) return response;
      if (elsewhere.relays.length === 0) break;
      offered = elsewhere.relays;
      known.keep(key, offered);
      continue;
    }
    const response = await fromRelay(request, () =>
      keepers.relay(relay, nearOf(relay) ?? wanted.hint, request),
    );
    if (response !== undefined) return response;
    avoid.push(relay);
    known.forget(key, relay);
    offered = [];
  }
  throw problem("unavailable", "no room for another connection; try again in a moment");
}

/** Undefined where it has no room, or failed: a relay can be replaced by another. A ticket would be used up by then. */
async function fromRelay(
  { ticket }: ConnectRequest,
  connect: () => Promise<Response>,
): Promise<Response | undefined> {
  try {
    const response = await connect();
    return (await elsewhereIn(response)) === undefined ? response : undefined;
  } catch (cause) {
    if (ticket !== undefined) throw cause;
    log.warn("relay failed", {}, cause);
    return undefined;
  }
}

function nearOf(relay: string): LocationHint | undefined {
  return LocationHint.safeParse(parseRelayName(relay).region).data;
}
