import { addNumbers, nothingRemoved, SWEEP_PARTS, type SweepPage } from "../objects/auditing.ts";
import type { Objects } from "../objects/ports.ts";
import { shardNames } from "../objects/shards.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import type { Cleaned } from "../protocol/maintenance.ts";
import { TooLate, within } from "./within.ts";

/** Users and channels asked by one call to a shard. */
const PAGE = 50;

/** Where a cleanup goes on: in this shard, behind this entry. */
interface Place {
  index: number;
  after: string;
}

/** What a cleanup needs to know of time, in milliseconds. */
export interface CleanupTime {
  now(): number;
  /** How long it may take. */
  budgetMs: number;
}

/**
 * The periodic sweep over all who are listed, now: page by page, one shard after the other, until the time is over. Two
 * at once do the same twice, which does no harm. Refuses a cursor that is not ours. Throws where a shard fails.
 */
export async function cleanup(
  objects: Objects,
  shards: number,
  cursor: string | undefined,
  { now, budgetMs }: CleanupTime,
): Promise<Cleaned | Refusal> {
  let place: Place | undefined = cursor === undefined ? { index: 0, after: "" } : placeOf(cursor, shards);
  if (place === undefined) return wrongCursor();
  const names = shardNames(shards);
  const until = now() + budgetMs;
  const counts = { ...nothingRemoved(), presences: 0, asked: 0, unanswered: 0 };
  for (let leftMs = budgetMs; place !== undefined && leftMs > 0; leftMs = until - now()) {
    const request = { parts: SWEEP_PARTS, turn: Math.floor(now() / 1000), limit: PAGE, after: place.after };
    try {
      const sweep: Promise<SweepPage> = objects.directory(names[place.index] ?? "").sweep(request);
      const { removed, presences, asked, unanswered, next }: SweepPage = await within(leftMs, sweep);
      addNumbers(counts, { ...removed, presences, asked, unanswered });
      place = next === undefined ? shardAfter(place, names.length) : { ...place, after: next };
    } catch (cause) {
      if (!(cause instanceof TooLate)) throw cause;
      break;
    }
  }
  if (place === undefined) return { ...counts, more: false };
  return { ...counts, more: true, cursor: btoa(`${shards} ${place.index} ${place.after}`) };
}

function shardAfter({ index }: Place, shards: number): Place | undefined {
  return index + 1 < shards ? { index: index + 1, after: "" } : undefined;
}

function placeOf(cursor: string, shards: number): Place | undefined {
  const [, count, index, after = ""] = /^(\d+) (\d+) ((?:user|channel) [!-~]+)?$/.exec(decoded(cursor)) ?? [];
  if (Number(count) !== shards || Number(index) >= shards) return undefined;
  return { index: Number(index), after };
}

function decoded(cursor: string): string {
  try {
    return atob(cursor);
  } catch {
    return "";
  }
}

function wrongCursor(): Refusal {
  const message = "not a cursor of a cleanup, or from before the directory was split anew: begin again";
  return refusal("bad_request", `cursor: ${message}`, [{ path: "cursor", message }]);
}
