import { RollcallError, type WebhookErrorCode } from "./errors.ts";
import type { WebhookEvent } from "./webhook-event.ts";

/** What Standard Webhooks recommends: beyond it a delivery may be a replay. */
const TOLERANCE_SECONDS = 300;
const PREFIX = "whsec_";

/** The headers of a request: of `fetch`, of Node, or a plain record. */
export type WebhookHeaders =
  | { get(name: string): string | null }
  | Readonly<Record<string, string | readonly string[] | undefined>>;

export interface WebhookOptions {
  /** How far the time of the delivery may lie from now, either way, in seconds: 300 unless told otherwise. */
  toleranceSeconds?: number | undefined;
  /** The time that is now, in milliseconds. */
  now?: number | undefined;
}

/**
 * The event that a webhook was called with, once it is proven to be by the service and recent. `body` is the request's
 * own bytes or text, not parsed; `secret` is `WEBHOOK_SECRET`, or several while one takes another's place, as a list or
 * separated by spaces. Rejects with a `RollcallError` whose code begins with `webhook_`, and trusts nothing before.
 */
export async function verifyWebhook(
  headers: WebhookHeaders,
  body: string | Uint8Array | ArrayBuffer,
  secret: string | readonly string[],
  { toleranceSeconds = TOLERANCE_SECONDS, now = Date.now() }: WebhookOptions = {},
): Promise<WebhookEvent> {
  const id = required(headers, "webhook-id");
  const timestamp = required(headers, "webhook-timestamp");
  const signatures = required(headers, "webhook-signature");
  const aheadSeconds = Number(timestamp) - now / 1000;
  if (!/^\d{1,12}$/.test(timestamp)) throw refused("webhook_unsigned", "webhook-timestamp is no time");
  if (Math.abs(aheadSeconds) > toleranceSeconds) {
    const where = aheadSeconds < 0 ? "ago" : "ahead";
    throw refused("webhook_expired", `signed ${Math.round(Math.abs(aheadSeconds))} s ${where}`);
  }
  const text = typeof body === "string" ? body : new TextDecoder().decode(body);
  const signed = new TextEncoder().encode(`${id}.${timestamp}.`);
  const content = joined(signed, typeof body === "string" ? new TextEncoder().encode(body) : bytesOf(body));
  if (!(await isSigned(content, signatures, secretsIn(secret))))
    throw refused("webhook_forged", "no signature is by one of the secrets");
  return {
    ...eventIn(text),
    id,
    hop: hopIn(headers),
    isRedriven: header(headers, "rollcall-redriven") === "true",
  } as WebhookEvent; // what the service has signed is what it says of itself
}

/** Whether one of the signatures is by one of the secrets. `verify` compares in constant time. */
async function isSigned(content: Bytes, signatures: string, secrets: readonly Bytes[]): Promise<boolean> {
  const given = signatures
    .split(" ")
    .filter((signature) => signature.startsWith("v1,"))
    .map((signature) => decoded(signature.slice("v1,".length)))
    .filter((signature) => signature !== undefined);
  const algorithm = { name: "HMAC", hash: "SHA-256" };
  for (const secret of secrets) {
    const key = await crypto.subtle.importKey("raw", secret, algorithm, false, ["verify"]);
    for (const signature of given) {
      if (await crypto.subtle.verify("HMAC", key, signature, content)) return true;
    }
  }
  return false;
}

/** Bytes in memory of their own: what WebCrypto takes. */
type Bytes = Uint8Array<ArrayBuffer>;

function secretsIn(secret: string | readonly string[]): Bytes[] {
  const texts = [secret].flat().flatMap((one) => String(one).split(/\s+/));
  const secrets = texts
    .filter((text) => text !== "")
    .map((text) => {
      const bytes = text.startsWith(PREFIX) ? decoded(text.slice(PREFIX.length)) : undefined;
      if (bytes === undefined || bytes.length === 0)
        throw refused("webhook_secret", `a secret must read ${PREFIX} and base64`);
      return bytes;
    });
  if (secrets.length === 0) throw refused("webhook_secret", "there is no secret");
  return secrets;
}

function eventIn(text: string): { type: string; timestamp: number; data: object } {
  let event: unknown;
  try {
    event = JSON.parse(text);
  } catch (cause) {
    throw new RollcallError("webhook_unreadable", "the body is no JSON", { cause });
  }
  if (!isEvent(event)) throw refused("webhook_unreadable", "the body is no event: {type, timestamp, data}");
  const { type, timestamp, data } = event;
  return { type, timestamp, data };
}

function isEvent(value: unknown): value is { type: string; timestamp: number; data: object } {
  if (typeof value !== "object" || value === null) return false;
  const { type, timestamp, data } = value as Record<string, unknown>;
  return (
    typeof type === "string" && typeof timestamp === "number" && typeof data === "object" && data !== null
  );
}

/** No signature is over it: what is no count begins at 1. */
function hopIn(headers: WebhookHeaders): number {
  const text = header(headers, "rollcall-hop") ?? "";
  return /^[1-9]\d{0,3}$/.test(text) ? Number(text) : 1;
}

function required(headers: WebhookHeaders, name: string): string {
  const value = header(headers, name);
  if (value === undefined || value === "") throw refused("webhook_unsigned", `the header ${name} is missing`);
  return value;
}

/** A record's names may be written in any case; a header that came several times counts for nothing. */
function header(headers: WebhookHeaders, name: string): string | undefined {
  if (typeof headers.get === "function") return headers.get(name) ?? undefined;
  const [value] = Object.entries(headers)
    .filter(([given]) => given.toLowerCase() === name)
    .map(([, given]) => given);
  return typeof value === "string" ? value : undefined;
}

function decoded(base64: string): Bytes | undefined {
  try {
    return Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
  } catch {
    return undefined; // no base64: as good as none
  }
}

function bytesOf(body: Uint8Array | ArrayBuffer): Uint8Array {
  return body instanceof Uint8Array ? body : new Uint8Array(body);
}

function joined(first: Uint8Array, second: Uint8Array): Bytes {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

function refused(code: WebhookErrorCode, message: string): RollcallError {
  return new RollcallError(code, message);
}
