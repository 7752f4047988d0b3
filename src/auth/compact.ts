import { base64url } from "jose";
import { parseJson } from "../protocol/codec.ts";

/** Longest token we look at: 8 KB of claims are 10,923 characters; the rest is for header and signature. */
export const MAX_TOKEN_CHARACTERS = 16_384;

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** A token in JWS compact serialisation (RFC 7515, section 7.1), opened but not believed. */
export interface CompactToken {
  header: unknown;
  payload: Uint8Array;
}

/**
 * Opens a token that has exactly one spelling: three segments, each in canonical base64url. Libraries also
 * read a token with `=`, white space or other tail bits in it (RFC 4648, sections 3.3 and 3.5), so that
 * one signature would pass as many strings.
 */
export function openCompact(token: string): CompactToken | undefined {
  if (token.length > MAX_TOKEN_CHARACTERS) return undefined;
  const segments = token.split(".");
  if (segments.length !== 3) return undefined;
  const [header, payload, signature] = segments.map(decodeSegment);
  if (header === undefined || payload === undefined || signature === undefined) return undefined;
  return { header: readJson(header), payload };
}

/** The JSON in these bytes, or `undefined` where they are not UTF-8, not JSON, or nested too deep. */
export function readJson(bytes: Uint8Array): unknown {
  try {
    const parsed = parseJson(utf8.decode(bytes));
    return "value" in parsed ? parsed.value : undefined;
  } catch {
    return undefined; // the decoder throws where bytes are not UTF-8
  }
}

/** The bytes of canonical base64url, which are spelled in no other way; at least one character. */
export function decodeSegment(text: string): Uint8Array | undefined {
  if (!/^[A-Za-z0-9_-]+$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = base64url.decode(text);
  return base64url.encode(bytes) === text ? bytes : undefined;
}
