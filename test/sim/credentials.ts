import type { TicketUse } from "../../src/objects/ports.ts";
import type { Claims } from "../../src/protocol/claims.ts";
import type { World } from "./world.ts";

const LONG_MS = 24 * 3_600_000;
const SHORT_MS = [60_000, 1_200_000] as const;
/** How long ago a token may have been issued that a client still uses. */
const HELD_MS = [1, 3_600_000] as const;
const TICKET_MS = [30_000, 300_000] as const;

/** What a client presents: claims, out of a token or out of a ticket. */
export interface Credentials {
  claims: Claims;
  ticket?: TicketUse;
}

/** Tokens and tickets as the Worker finds them good: fresh ones, old ones, and tickets that come twice. */
export class Issuer {
  readonly #world: World;
  /** The last ticket of each user. */
  readonly #tickets = new Map<string, Required<Credentials>>();

  constructor(world: World) {
    this.#world = world;
  }

  /** For a client that means to be let in: issued now, and for long. */
  fresh(user: string): Credentials {
    return { claims: this.#claims(user, this.#world.now, LONG_MS) };
  }

  /** Whatever a client may have: also without `iat`, issued some time ago, or for a short time only. */
  any(user: string): Credentials {
    const { random } = this.#world;
    if (random.chance(0.2)) return this.#ticket(user);
    return { claims: this.anyToken(user) };
  }

  anyToken(user: string): Claims {
    const { random, now } = this.#world;
    const lifetime = random.chance(0.15) ? random.logBetween(...SHORT_MS) : LONG_MS;
    const issued = random.chance(0.15) ? now - random.logBetween(...HELD_MS) : now;
    const { iat, ...rest } = this.#claims(user, issued, lifetime + now - issued);
    return iat === undefined || random.chance(0.1) ? rest : { ...rest, iat };
  }

  /** A new ticket, or the last one again as long as the Worker lets it pass. */
  #ticket(user: string): Credentials {
    const { random, now } = this.#world;
    const last = this.#tickets.get(user);
    if (last !== undefined && now < last.ticket.expiresAt && random.chance(0.5)) return last;
    const expiresAt = now + random.logBetween(...TICKET_MS);
    const made = { claims: this.#claims(user, now, LONG_MS), ticket: { id: random.id(), expiresAt } };
    this.#tickets.set(user, made);
    return made;
  }

  #claims(user: string, issued: number, lifetimeMs: number) {
    const exp = Math.ceil((issued + lifetimeMs) / 1000);
    return { sub: user, iat: Math.floor(issued / 1000), exp, info: { name: user } };
  }
}
