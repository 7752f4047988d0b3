import type { ApiKey, Settings } from "../config.ts";
import type { Claims } from "../protocol/claims.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { notAvailable } from "../protocol/later.ts";
import { findKey } from "./api-key.ts";
import { verifyToken } from "./token.ts";

/** Who speaks: a user by a token, or a back end by a key. */
export type Principal =
  | { kind: "user"; user: string; claims: Claims; ticket?: { id: string; expiresAt: number } }
  | { kind: "key"; key: ApiKey };

const PROTOCOL = "presence.v1";
const BEARER_PROTOCOL = "bearer.";

/**
 * Who sent this request, or why it may not go on. The first way of presenting oneself that is there decides,
 * also when it fails: a good token in the query does not mend a bad one in the header.
 */
export async function authenticate(
  request: Request,
  settings: Settings,
  nowMs: number,
): Promise<Principal | Refusal> {
  const authorization = request.headers.get("Authorization");
  if (authorization !== null) return byAuthorization(authorization, settings, nowMs);

  const offered = protocolsOf(request);
  if (offered.some((protocol) => protocol.startsWith(BEARER_PROTOCOL))) {
    return byProtocol(offered, settings, nowMs);
  }

  const query = new URL(request.url).searchParams;
  if (query.has("ticket")) return notAvailable("a ticket");
  const tokens = settings.ALLOW_QUERY_TOKEN ? query.getAll("token") : [];
  const [token] = tokens;
  if (token === undefined) return unauthenticated("present a token or an API key");
  if (tokens.length > 1) return unauthenticated("more than one token in the query");
  return byToken(token, settings, nowMs);
}

/**
 * RFC 9110, section 11.1: the scheme in any case, a space, the credential. Two such headers arrive as one,
 * joined by a comma, which neither a token nor a key can contain.
 */
async function byAuthorization(header: string, settings: Settings, nowMs: number) {
  const presented = /^Bearer +([^\s,]+)$/i.exec(header)?.[1];
  if (presented === undefined)
    return unauthenticated("the Authorization header must read: Bearer <credential>");
  const key = await findKey(presented, settings);
  if (key !== undefined) return { kind: "key", key } as const;
  if (presented.split(".").length === 3) return byToken(presented, settings, nowMs);
  return unauthenticated("the credential is neither a token nor a known API key");
}

/** Browsers cannot set headers on a WebSocket; what they can offer are subprotocols (RFC 6455, section 4.1). */
async function byProtocol(offered: string[], settings: Settings, nowMs: number) {
  const bearers = offered.filter((protocol) => protocol.startsWith(BEARER_PROTOCOL));
  const [bearer] = bearers;
  if (bearer === undefined || bearers.length > 1 || !offered.includes(PROTOCOL)) {
    return unauthenticated(`the subprotocols must be ${PROTOCOL} and one ${BEARER_PROTOCOL}<token>`);
  }
  return byToken(bearer.slice(BEARER_PROTOCOL.length), settings, nowMs);
}

async function byToken(token: string, settings: Settings, nowMs: number): Promise<Principal | Refusal> {
  const claims = await verifyToken(token, settings, nowMs);
  return isRefusal(claims) ? claims : { kind: "user", user: claims.sub, claims };
}

function protocolsOf(request: Request): string[] {
  const header = request.headers.get("Sec-WebSocket-Protocol") ?? "";
  return header.split(",").map((protocol) => protocol.trim());
}

function unauthenticated(message: string): Refusal {
  return refusal("unauthenticated", message);
}
