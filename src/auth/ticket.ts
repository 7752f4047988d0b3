import { base64url, type CryptoKey } from "jose";
import * as z from "zod";
import type { Settings } from "../config.ts";
import { Claims, type Ticket } from "../protocol/claims.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { MAX_CLAIMS_BYTES } from "../protocol/limits.ts";
import { utf8Length } from "../protocol/utf8.ts";
import { decodeSegment, MAX_TOKEN_CHARACTERS, readJson } from "./compact.ts";
import { ticketKeys } from "./ticket-key.ts";
import { faultOfTimes } from "./times.ts";

/**
 * A ticket reads `tk1~<payload>~<mac>`, both parts in base64url. The signature covers the version too. A JWT
 * signs `<header>.<payload>`, and a `.` never stands in a ticket nor a `~` in a JWT: neither passes as the other,
 * whatever the keys.
 */
const VERSION = "tk1";

/** `nbf` is left out, having done its work when the ticket is made; `iat` stays: revocation goes by it. */
const Payload = z.object({ id: z.string(), expiresAt: z.number(), claims: Claims });
type Payload = z.infer<typeof Payload>;

/** What a good ticket says. That it is used once only the user's own object knows, by `id`. */
export interface OpenedTicket {
  claims: Claims;
  ticket: { id: string; expiresAt: number };
}

/**
 * A ticket for whom these claims name, good for `ttlSeconds` or as long as the claims are. Refuses as
 * `unavailable` where there is no secret to sign with, as `too_large` where the claims would not fit into a token either.
 */
export async function signTicket(
  claims: Claims,
  ttlSeconds: number,
  settings: Settings,
  nowMs: number,
): Promise<Ticket | Refusal> {
  const [key] = await ticketKeys(settings);
  if (key === undefined)
    return refusal("unavailable", "tickets need TICKET_SECRET where there is no JWT_SECRET");
  const id = base64url.encode(crypto.getRandomValues(new Uint8Array(16)));
  const endsMs = (claims.exp + settings.CLOCK_LEEWAY_SECONDS) * 1000;
  const expiresAt = Math.floor(Math.min(nowMs + ttlSeconds * 1000, endsMs));
  const { nbf: _, ...kept } = claims;
  if (utf8Length(JSON.stringify(kept)) > MAX_CLAIMS_BYTES) {
    return refusal("too_large", `claims of more than ${MAX_CLAIMS_BYTES} bytes`);
  }
  const payload: Payload = { id, expiresAt, claims: kept };
  const signed = `${VERSION}~${base64url.encode(JSON.stringify(payload))}`;
  const mac = await crypto.subtle.sign("HMAC", key, new TextEncoder().encode(signed));
  return { ticket: `${signed}~${base64url.encode(new Uint8Array(mac))}`, expiresAt };
}

/** What the ticket says, or `token_expired` where only its time or its token's is over, else `token_invalid`. */
export async function openTicket(
  text: string,
  settings: Settings,
  nowMs: number,
): Promise<OpenedTicket | Refusal> {
  const payload = await signedPayload(text, settings);
  if (isRefusal(payload)) return payload;
  const { id, expiresAt, claims } = payload;
  if (nowMs >= expiresAt) return refusal("token_expired", "the ticket has expired");
  return faultOfTimes(claims, settings, nowMs) ?? { claims, ticket: { id, expiresAt } };
}

async function signedPayload(text: string, settings: Settings): Promise<Payload | Refusal> {
  if (text.length > MAX_TOKEN_CHARACTERS) return invalid("not a ticket");
  const [version, body = "", mac = "", ...more] = text.split("~");
  const [bytes, signature] = [decodeSegment(body), decodeSegment(mac)];
  if (version !== VERSION || more.length > 0 || bytes === undefined || signature === undefined) {
    return invalid("not a ticket");
  }
  const input = new TextEncoder().encode(`${version}~${body}`);
  if (!(await isSigned(input, signature, await ticketKeys(settings))))
    return invalid("the ticket is not ours");
  const parsed = Payload.safeParse(readJson(bytes));
  return parsed.success ? parsed.data : invalid("the ticket is of another version");
}

/** By any of these keys. `verify` compares in constant time, which is why it is not `sign` and `===`. */
async function isSigned(input: Uint8Array, signature: Uint8Array, keys: CryptoKey[]): Promise<boolean> {
  for (const key of keys) {
    if (await crypto.subtle.verify("HMAC", key, signature, input)) return true;
  }
  return false;
}

function invalid(message: string): Refusal {
  return refusal("token_invalid", message);
}
