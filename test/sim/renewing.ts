import type { Claims } from "../../src/protocol/claims.ts";
import type { ErrorFrame } from "../../src/protocol/server-frames.ts";
import type { Attempt } from "./connection.ts";
import type { Orders, TokenUse } from "./orders.ts";
import type { World } from "./world.ts";

/** The tokens of one connection: the one that counts, and those that it presents while it lives. */
export class Renewing {
  readonly #world: World;
  readonly #orders: Orders;
  readonly #attempt: Attempt;
  readonly #wrong: (sentence: string) => void;
  readonly #asked = new Map<string, { claims: Claims; at: number }>();
  #claims: Claims;

  constructor(world: World, orders: Orders, attempt: Attempt, wrong: (sentence: string) => void) {
    this.#world = world;
    this.#orders = orders;
    this.#attempt = attempt;
    this.#wrong = wrong;
    this.#claims = attempt.credentials.claims;
  }

  get claims(): Claims {
    return this.#claims;
  }

  get tokenUse(): TokenUse {
    return this.#useOf(this.#claims);
  }

  /** The frame that presents this token. */
  ask(claims: Claims): object {
    const ref = `auth ${this.#asked.size}`;
    this.#asked.set(ref, { claims, at: this.#world.now });
    return { type: "auth", token: JSON.stringify(claims), ref };
  }

  /** False where the answer is to something else. */
  renewed(ref: unknown, { expiresAt }: Record<string, unknown>): boolean {
    const asked = typeof ref === "string" ? this.#asked.get(ref) : undefined;
    if (asked === undefined) return false;
    const { claims, at } = asked;
    if (claims.sub !== this.#attempt.user) this.#wrong("renewed with the token of another user");
    if (expiresAt !== claims.exp * 1000) this.#wrong(`renewed until ${expiresAt}, not ${claims.exp * 1000}`);
    if (this.#orders.mustRefuse(this.#useOf(claims), at)) {
      this.#wrong("revoked for good: renewed with a token that an order had ended");
    }
    this.#claims = claims;
    return true;
  }

  /** False where the refusal is of something else. */
  refused({ ref, code }: ErrorFrame): boolean {
    const asked = typeof ref === "string" ? this.#asked.get(ref) : undefined;
    if (asked === undefined) return false;
    const isOthers = asked.claims.sub !== this.#attempt.user;
    const mayBeOver = this.#orders.mayRefuse(this.#useOf(asked.claims));
    const reasons = [
      "unavailable",
      "session_gone", // ended by the user's object, and its keeper has not heard of it yet
      ...(isOthers ? ["token_invalid"] : []),
      ...(mayBeOver ? ["token_revoked", "forbidden"] : []),
    ];
    if (!reasons.includes(code)) this.#wrong(`a renewal was refused with ${code}, for no reason`);
    return true;
  }

  #useOf(claims: Claims): TokenUse {
    const { user, target } = this.#attempt;
    const channel = target.kind === "channel" ? { channel: target.name } : {};
    return { user, issuedAt: claims.iat ?? null, ...channel };
  }
}
