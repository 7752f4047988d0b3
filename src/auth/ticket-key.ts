import type { CryptoKey } from "jose";
import type { Settings } from "../config.ts";

/** Fixed for ever: another label is another key, and ends all tickets that are out. */
const LABEL = "rollcall ticket v1";

/**
 * The keys that tickets are verified with; the first one signs them. Each is derived (HKDF, RFC 5869) from
 * `TICKET_SECRET`, or where that is not set from `JWT_SECRET` and the one beside it, so that no key ever signs both tokens and tickets
 * (RFC 8725, section 3.12). None where there is no secret: public keys sign nothing.
 */
export async function ticketKeys(settings: Settings): Promise<CryptoKey[]> {
  const { TICKET_SECRET, JWT_SECRET, JWT_SECRET_PREVIOUS } = settings;
  const secrets = TICKET_SECRET === undefined ? [JWT_SECRET, JWT_SECRET_PREVIOUS] : [TICKET_SECRET];
  return Promise.all(secrets.filter((secret) => secret !== undefined).map(derived));
}

async function derived(secret: string): Promise<CryptoKey> {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const base = await crypto.subtle.importKey("raw", bytes(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: bytes(LABEL) };
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(derivation, base, hmac, false, ["sign", "verify"]);
}
