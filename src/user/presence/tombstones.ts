import type { Tombstones } from "./user-table.ts";

/** As long as a call between objects may be late, and as long as any ticket lives (the contract: 300 s). */
const TOMBSTONE_MS = 300_000;
/** More in five minutes push out the oldest: the row must stay small. */
const MOST = 128;

/** Whether this session is over, or this ticket used. */
export function isBuried(tombstones: Tombstones, id: string): boolean {
  return tombstones.some(([buried]) => buried === id);
}

/** What is left of sessions that go: their ids, and those of their tickets. */
export function remainsOf(ended: readonly { session: string; ticketId?: string }[]): string[] {
  return ended.flatMap(({ session, ticketId }) => (ticketId === undefined ? [session] : [session, ticketId]));
}

/** With these buried now, and without those too old to be asked for. */
export function bury(tombstones: Tombstones, ids: readonly string[], now: number): Tombstones {
  const added = ids.map((id): [string, number] => [id, now]);
  return [...tombstones, ...added].filter(([, at]) => at > now - TOMBSTONE_MS).slice(-MOST);
}
