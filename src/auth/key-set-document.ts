import * as z from "zod";
import { readJson } from "./compact.ts";

const TIMEOUT_MS = 5000;
const MAX_BYTES = 256 * 1024;
const MAX_KEYS = 100;

/** RFC 7517, section 5. What each member is, `public-key.ts` decides: one odd key does not spoil the others. */
const KeySetDocument = z.object({ keys: z.array(z.unknown()).max(MAX_KEYS) });

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

/**
 * The members of the key set at `url`, within 5 s and 256 KiB. Throws, with a sentence that holds neither the
 * address nor anything that was received, where there is no key set. Redirects are refused: the settings name
 * the one place that is trusted (the platform does not know `redirect: "error"`).
 */
export async function fetchKeySet(url: string, fetch: Fetch): Promise<unknown[]> {
  const response = await fetch(url, {
    headers: { Accept: "application/jwk-set+json, application/json" },
    redirect: "manual",
    cache: "no-store", // who asks has just met a key that older copies do not hold
    signal: AbortSignal.timeout(TIMEOUT_MS),
  });
  if (response.status !== 200) {
    await response.body?.cancel();
    throw new Error(`the key set answered with status ${response.status}`);
  }
  const document = KeySetDocument.safeParse(readJson(await bytesOf(response)));
  if (!document.success) throw new Error(`not a key set of at most ${MAX_KEYS} keys`);
  return document.data.keys;
}

/** Reads no further than the limit, whatever the headers say of the length. */
async function bytesOf(response: Response): Promise<Uint8Array> {
  const bytes = new Uint8Array(MAX_BYTES);
  let length = 0;
  for await (const chunk of response.body ?? []) {
    if (length + chunk.byteLength > MAX_BYTES) throw new Error(`a key set of more than ${MAX_BYTES} bytes`);
    bytes.set(chunk, length);
    length += chunk.byteLength;
  }
  return bytes.subarray(0, length);
}
