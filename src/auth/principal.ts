import type { ApiKey, Settings } from "../config.ts";
import type { Claims } from "../protocol/claims.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { findKey } from "./api-key.ts";
import type { Outside } from "./key-set.ts";
import { type OpenedTicket, openTicket } from "./ticket.ts";
import { verifyToken } from "./token.ts";

/** Who speaks: a user by a token or a ticket, or a back end by a key. A `ticket` counts once, which its user's object decides. */
export type Principal =
  | { kind: "user"; user: string; claims: Claims; ticket?: OpenedTicket["ticket"] }
  | { kind: "key"; key: ApiKey };

type ByToken = (token: string) => Promise<Principal | Refusal>;

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
  outside: Partial<Outside> = {},
): Promise<Principal | Refusal> {
  const byToken = async (token: string): Promise<Principal | Refusal> => {
    const claims = await verifyToken(token, settings, nowMs, outside);
    return isRefusal(claims) ? claims : { kind: "user", user: claims.sub, claims };
  };
  const authorization = request.headers.get("Authorization");
  if (authorization !== null) return byAuthorization(authorization, settings, byToken);

  const offered = protocolsOf(request);
  if (offered.some((protocol) => protocol.startsWith(BEARER_PROTOCOL))) {
    return byProtocol(offered, byToken);
  }

  const query = new URL(request.url).searchParams;
  const tickets = query.getAll("ticket");
  const tokens = settings.ALLOW_QUERY_TOKEN && tickets.length === 0 ? query.getAll("token") : [];
  const [presented, ...more] = [...tickets, ...tokens];
  if (presented === undefined) return unauthenticated("present a token or an API key");
  if (more.length > 0) return unauthenticated("more than one ticket or token in the query");
  return tickets.length > 0 ? byTicket(presented, settings, nowMs) : byToken(presented);
}

/**
 * RFC 9110, section 11.1: the scheme in any case, a space, the credential. Two such headers arrive as one,
 * joined by a comma, which neither a token nor a key can contain.
 */
async function byAuthorization(header: string, settings: Settings, byToken: ByToken) {
  const presented = /^Bearer +([^\s,]+)$/i.exec(header)?.[1];
  if (presented === undefined)
    return unauthenticated("the Authorization header must read: Bearer <credential>");
  const key = await findKey(presented, settings);
  if (key !== undefined) return { kind: "key", key } as const;
  if (presented.split(".").length === 3) return byToken(presented);
  return unauthenticated("the credential is neither a token nor a known API key");
}

/** Browsers cannot set headers on a WebSocket; what they can offer are subprotocols (RFC 6455, section 4.1). */
function byProtocol(offered: string[], byToken: ByToken) {
  const bearers = offered.filter((protocol) => protocol.startsWith(BEARER_PROTOCOL));
  const [bearer] = bearers;
  if (bearer === undefined || bearers.length > 1 || !offered.includes(PROTOCOL)) {
    return unauthenticated(`the subprotocols must be ${PROTOCOL} and one ${BEARER_PROTOCOL}<token>`);
  }
  return byToken(bearer.slice(BEARER_PROTOCOL.length));
}

async function byTicket(text: string, settings: Settings, nowMs: number): Promise<Principal | Refusal> {
  const opened = await openTicket(text, settings, nowMs);
  return isRefusal(opened) ? opened : { kind: "user", user: opened.claims.sub, ...opened };
}

function protocolsOf(request: Request): string[] {
  const header = request.headers.get("Sec-WebSocket-Protocol") ?? "";
  return header.split(",").map((protocol) => protocol.trim());
}

function unauthenticated(message: string): Refusal {
  return refusal("unauthenticated", message);
}
