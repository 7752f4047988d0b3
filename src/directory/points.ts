import type { Activity, ActivityName } from "../objects/activity.ts";
import { addReport, type CostReport, type CostSums, type Counts, requestsOf } from "../objects/costs.ts";
import type { Counted } from "../protocol/directory.ts";

/** How many are listed is written so often at most. */
const LISTED_EVERY_MS = 60_000;

/** One point of a dataset of Workers Analytics Engine: at most 20 numbers, and one index. */
export interface Point {
  indexes: [string];
  blobs: string[];
  doubles: number[];
}

/** Takes a point. The platform writes it later, and says nothing about it. */
export type Points = (point: Point) => void;

/**
 * What one shard is told, for Analytics Engine: gathered, and written when the shard writes its row, a point for each
 * kind of which there is news. What the doubles are stands in docs/operations.md, in this order.
 */
export class PointBook {
  readonly #write: Points;
  #news: Pick<CostSums, "kinds"> = { kinds: {} };
  #listedAt = Number.NEGATIVE_INFINITY;

  constructor(write: Points) {
    this.#write = write;
  }

  add(report: CostReport): void {
    addReport(this.#news, report);
  }

  /** `listed` is asked once a minute at most. */
  write(now: number, listed: () => Counted): void {
    for (const [kind, counts] of Object.entries(this.#news.kinds)) {
      this.#write({ indexes: [kind], blobs: [kind], doubles: doublesOf(counts) });
    }
    this.#news = { kinds: {} };
    if (now - this.#listedAt < LISTED_EVERY_MS) return;
    this.#listedAt = now;
    const { usersOnline, sessions, channels } = listed();
    this.#write({ indexes: ["listed"], blobs: ["listed"], doubles: [usersOnline, sessions, channels] });
  }
}

function doublesOf({ events, wakes, rowsWritten, rowsRead, alarms, activity = {} }: Counts): number[] {
  const wakings = Object.values(wakes).reduce((sum, count) => sum + count, 0);
  return [
    ...[requestsOf(events), wakings, rowsWritten, rowsRead, alarms],
    ...[activity["said message"], activity["said direct"], activity["said signal"]],
    ...[activity["delivered message"], activity["delivered direct"], activity["delivered signal"]],
    ...[activity["delivered broadcast"], events.frame, activity["frames out"]],
    ...[sumOf(activity, "refused "), activity.sweeps, activity.ghosts, activity["silence seconds"]],
    ...[sumOf(activity, "http refused "), sumOf(activity, "http ") - sumOf(activity, "http refused ")],
  ].map((count = 0) => count);
}

function sumOf(activity: Activity, opening: string): number {
  const named = (Object.entries(activity) as [ActivityName, number][]).filter(([name]) =>
    name.startsWith(opening),
  );
  return named.reduce((sum, [, count]) => sum + count, 0);
}
