import * as z from "zod";

/* Where newcomers of a channel connect: what a keeper that has no room tells the Worker. Part of the ports. */

/** Where a client is, as the platform places objects: its location hints. */
export const LocationHint = z.enum(["wnam", "enam", "sam", "weur", "eeur", "apac", "oc", "afr", "me"]);
export type LocationHint = z.infer<typeof LocationHint>;

/** A keeper's answer to who is to connect elsewhere: relays that have room, for everybody in the same region. */
export const Elsewhere = z.object({
  /** In the order in which they were opened. Empty where the channel itself has to be asked. */
  relays: z.array(z.string()),
});
export type Elsewhere = z.infer<typeof Elsewhere>;

/**
 * The relay of a user among these, by rendezvous hashing: all who ask find the same one, and where one is added or
 * taken away, only those move whom it takes or had. Undefined where there is none.
 */
export function relayOf(user: string, relays: readonly string[]): string | undefined {
  let best: string | undefined;
  let highest = -1;
  for (const relay of relays) {
    const weight = weightOf(`${user} ${relay}`);
    if (weight > highest) [best, highest] = [relay, weight];
  }
  return best;
}

/** FNV-1a of 32 bits, mixed once more (the finalizer of MurmurHash3): names that differ at their end only must not follow one another. */
function weightOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
