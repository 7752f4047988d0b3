import type { Tombstones } from "./user-table.ts";

/** As long as a call between objects may be late. */
const TOMBSTONE_MS = 300_000;
/** More ends than this in five minutes push out the oldest: the row must stay small. */
const MOST = 64;

export function isBuried(tombstones: Tombstones, session: string): boolean {
  return tombstones.some(([buried]) => buried === session);
}

/** With these ended sessions added, and without those too old for a late `admit` to come. */
export function addTombstones(
  tombstones: Tombstones,
  ended: readonly { session: string; endedAt: number | null }[],
  now: number,
): Tombstones {
  const added = ended.map(({ session, endedAt }): [string, number] => [session, endedAt ?? now]);
  return [...tombstones, ...added].filter(([, at]) => at > now - TOMBSTONE_MS).slice(-MOST);
}
