import type { Allowance, AllowRequest, Log, Tokens } from "../objects/ports.ts";
import type { Claims } from "../protocol/claims.ts";
import type { AuthFrame } from "../protocol/client-frames.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";
import { sendError, sendOk } from "./incoming.ts";

/** What a keeper does about a renewal. */
interface RenewalRules {
  /** Asks the user's object whether the new token counts. */
  allow(user: string, request: AllowRequest): Promise<Allowance>;
  /** The connection goes on with new claims: its expiry and its grants may be others now. */
  renewed(connection: Connection): void;
}

/**
 * The `auth` frame: a new token for the same user prolongs the session. It is checked like the first one, by
 * the user's object too. A token that does not count changes nothing: the session goes on with the old one.
 */
export class Renewals {
  readonly #ports: { tokens: Tokens; log: Log };
  readonly #connections: Connections;
  readonly #rules: RenewalRules;

  constructor(ports: { tokens: Tokens; log: Log }, connections: Connections, rules: RenewalRules) {
    this.#ports = ports;
    this.#connections = connections;
    this.#rules = rules;
  }

  async answer(connection: Connection, { token, ref }: AuthFrame): Promise<void> {
    const claims = await this.#claimsFor(connection, token);
    if (this.#connections.find(connection.session) !== connection) return; // ended while we asked
    if (isRefusal(claims)) return sendError(connection, claims, ref);
    connection.update({ claims });
    sendOk(connection, ref, { expiresAt: claims.exp * 1000 });
    this.#rules.renewed(connection);
  }

  async #claimsFor({ user, session }: Connection, token: string): Promise<Claims | Refusal> {
    const claims = await this.#ports.tokens.verify(token);
    if (isRefusal(claims)) return claims;
    if (claims.sub !== user) return refusal("token_invalid", "this token is for another user");
    try {
      const allowance = await this.#rules.allow(user, { issuedAt: claims.iat ?? null, session });
      return allowance.allowed ? claims : allowance.refused;
    } catch (cause) {
      this.#ports.log.warn("user did not answer", { session }, cause);
      return refusal("unavailable", "the user's object did not answer; try again");
    }
  }
}
