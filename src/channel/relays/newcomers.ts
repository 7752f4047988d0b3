import type { Settings } from "../../config.ts";
import { type Elsewhere, type LocationHint, relayOf } from "../../objects/placement.ts";
import type { Clock, ConnectRequest } from "../../objects/ports.ts";
import { parseRelayName, relayNameOf } from "../../objects/relaying.ts";
import { type OpenRelay, type Place, place } from "./placing.ts";

/** Whoever was sent to a relay has come by then, or will not. */
const ON_THE_WAY_MS = 30_000;

interface Known {
  readonly names: readonly string[];
  sessionsOf(relay: string): number;
}

/** The channel's own connections. */
export interface OwnConnections {
  /** With those whose admission is under way. */
  count(): number;
  /** Where the oldest of those is of which that is known. */
  home(): LocationHint | undefined;
}

/** Where newcomers go: what placing says, of what relays have reported and of whom was sent there since. In memory only. */
export class Newcomers {
  readonly #clock: Clock;
  readonly #channel: string;
  readonly #settings: Settings;
  readonly #own: OwnConnections;
  readonly #relays: Known;
  /** Since the last report of each. */
  readonly #sent = new Map<string, { count: number; since: number }>();
  #home: LocationHint | undefined;

  constructor(
    clock: Clock,
    about: { channel: string; settings: Settings },
    of: { own: OwnConnections; relays: Known },
  ) {
    this.#clock = clock;
    this.#channel = about.channel;
    this.#settings = about.settings;
    this.#own = of.own;
    this.#relays = of.relays;
  }

  /** Undefined where the channel itself takes the newcomer. */
  elsewhere({ user, hint, avoid = [] }: ConnectRequest): Elsewhere | undefined {
    const avoided = new Set(avoid);
    for (const relay of avoided) this.#setFull(relay);
    const isAvoided = (where: Place) => avoided.has(this.#nameOf(where));
    const placed = place(this.#house(), { user, ...(hint && { hint }), isAvoided });
    if (placed.is === "here") return undefined;
    const relays = placed.places.map((where) => this.#nameOf(where));
    const relay = relayOf(user, relays);
    if (relay !== undefined) this.#send(relay);
    return { relays };
  }

  /** This relay has said who is there. */
  reported(relay: string): void {
    this.#sent.delete(relay);
  }

  #house() {
    const { RELAY_CAPACITY: capacity } = this.#settings;
    const home = this.#homeRegion();
    return { own: this.#own.count(), capacity, ...(home && { home }), relays: this.#open() };
  }

  /** That of the first connection, for as long as any is there. */
  #homeRegion(): LocationHint | undefined {
    if (!this.#settings.REGIONAL_RELAYS) return undefined;
    if (this.#own.count() === 0) this.#home = undefined;
    this.#home ??= this.#own.home();
    return this.#home;
  }

  #open(): OpenRelay[] {
    const until = this.#clock.now() - ON_THE_WAY_MS;
    for (const [relay, { since }] of this.#sent) if (since < until) this.#sent.delete(relay);
    const names = new Set([...this.#relays.names, ...this.#sent.keys()]);
    return [...names].map((name) => {
      const { number, region } = parseRelayName(name);
      const sessions = this.#relays.sessionsOf(name) + (this.#sent.get(name)?.count ?? 0);
      return { number, ...(region !== undefined && { region: region as LocationHint }), sessions };
    });
  }

  #send(relay: string): void {
    const known = this.#sent.get(relay);
    const now = this.#clock.now();
    this.#sent.set(relay, { count: (known?.count ?? 0) + 1, since: known?.since ?? now });
  }

  /** It said so itself, or did not answer. */
  #setFull(relay: string): void {
    const count = Math.max(0, this.#settings.RELAY_CAPACITY - this.#relays.sessionsOf(relay));
    this.#sent.set(relay, { count, since: this.#clock.now() });
  }

  #nameOf({ number, region }: Place): string {
    return relayNameOf({ channel: this.#channel, number, ...(region && { region }) });
  }
}
