import type { ApiKey, Scope, Settings } from "../config.ts";

/**
 * The configured key that a back end presents, by its secret or whole as it is written in `API_KEYS`.
 * Every key is compared, found or not: the time tells neither which key came close nor how many there are
 * before it.
 */
export async function findKey(presented: string, settings: Settings): Promise<ApiKey | undefined> {
  const [digest, digests] = await Promise.all([sha256(presented), digestsOf(settings)]);
  let found: ApiKey | undefined;
  for (const { key, secret, written } of digests) {
    const bySecret = sameDigest(digest, secret);
    const asWritten = sameDigest(digest, written);
    if (bySecret || asWritten) found ??= key;
  }
  return found;
}

interface Digests {
  key: ApiKey;
  secret: Uint8Array;
  written: Uint8Array;
}

/** Of all configured keys, made once for as long as the settings are the same. */
const known = new WeakMap<Settings, Promise<Digests[]>>();

function digestsOf(settings: Settings): Promise<Digests[]> {
  const digests = known.get(settings) ?? Promise.all(settings.API_KEYS.map(digested));
  known.set(settings, digests);
  return digests;
}

async function digested(key: ApiKey): Promise<Digests> {
  const [secret, written] = await Promise.all([sha256(key.secret), sha256(key.written)]);
  return { key, secret, written };
}

export function mayKey(key: ApiKey, scope: Scope): boolean {
  return key.scopes.includes(scope);
}

/** Both sides are hashed first, so all that is ever compared has 32 bytes, whatever was presented. */
async function sha256(text: string): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
}

/**
 * Constant time: every byte of both is read, and no branch or index depends on one. `timingSafeEqual` is
 * not in web crypto: workerd has it and Node has not. Even a leak here would show how far two *digests* agree,
 * which nobody can steer byte by byte without inverting SHA-256.
 */
function sameDigest(one: Uint8Array, other: Uint8Array): boolean {
  let difference = 0;
  for (let i = 0; i < one.length; i++) difference |= (one[i] ?? 0) ^ (other[i] ?? 0);
  return difference === 0;
}
