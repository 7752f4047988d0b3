import type { RelayMember } from "./relaying.ts";

/**
 * 30 bits of what a relay reports of one member; how the user appears is not among it, because the channel may
 * know that better. The same on both sides whatever was stored in between. By chance two agree once in 1e9.
 */
export function memberDigest({ user, live, types, info, joinedAt, endedAt, regions }: RelayMember): number {
  return digestOfText(JSON.stringify([user, live, types, info ?? null, joinedAt, endedAt, regions]));
}

/** FNV-1a, 32 bit, folded to 30: a small integer, so that the XOR of any number of them is one too. */
export function digestOfText(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return (hash ^ (hash >>> 16)) & 0x3fffffff;
}
