import type { CryptoKey } from "jose";
import type { Settings } from "../config.ts";

/** Fixed for ever: another label is another key, and ends all tickets that are out. */
const LABEL = "rollcall ticket v1";

/**
 * The key that signs tickets: derived (HKDF, RFC 5869) from `TICKET_SECRET`, or from `JWT_SECRET` where that is
 * not set, so that no key ever signs both tokens and tickets (RFC 8725, section 3.12). `undefined` where there
 * is neither: public keys sign nothing.
 */
export async function ticketKey(settings: Settings): Promise<CryptoKey | undefined> {
  const secret = settings.TICKET_SECRET ?? settings.JWT_SECRET;
  if (secret === undefined) return undefined;
  const bytes = (text: string) => new TextEncoder().encode(text);
  const base = await crypto.subtle.importKey("raw", bytes(secret), "HKDF", false, ["deriveKey"]);
  const derivation = { name: "HKDF", hash: "SHA-256", salt: new Uint8Array(0), info: bytes(LABEL) };
  const hmac = { name: "HMAC", hash: "SHA-256", length: 256 };
  return crypto.subtle.deriveKey(derivation, base, hmac, false, ["sign", "verify"]);
}
