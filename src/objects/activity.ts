import type { ErrorCode } from "../protocol/codes.ts";

/** What is said, by what becomes of it: stored in a channel, stored for a user, or not at all. */
export type Spoken = "message" | "direct" | "signal";
/** What reaches connections. */
export type Delivered = Spoken | "broadcast";

/** In seconds: up to where a silence counts. The client is asked to speak every 25 s, and is over after 60. */
export const SILENCES = [5, 15, 25, 40, 60, 90, 120, 300, 600] as const;
type Silence = (typeof SILENCES)[number] | "longer";

/**
 * What an object or the Worker does, in numbers that only grow. A new one needs a name here, a place where it is
 * counted, and a family in `http/metric-families.ts`: what lies between carries any.
 */
export type ActivityName =
  | `said ${Spoken}`
  | `delivered ${Delivered}`
  | "frames out"
  | `refused ${ErrorCode}`
  | `silence ${Silence}`
  | "silence seconds"
  | "sweeps"
  | "ghosts"
  | `http ${number}`
  | `http refused ${ErrorCode}`;

/** Counts by name, without those that are zero. Other versions may know other names. */
export type Activity = Partial<Record<ActivityName, number>>;

/** What an object counts of itself, in memory; only where the moment is a sample it goes anywhere. Cheap, but not for each socket. */
export interface Tally {
  count(name: ActivityName, times?: number): void;
}

/** Adds `more` to `sum`, so many times. */
export function addActivity(sum: Activity, more: Activity, times: number): void {
  for (const [name, count] of Object.entries(more) as [ActivityName, number][]) {
    sum[name] = (sum[name] ?? 0) + count * times;
  }
}

/** How long the clients of one keeper were silent, as one sweep finds it: counted together, not one by one. */
export class Silences {
  readonly #counts = new Map<Silence, number>();
  #seconds = 0;

  add(ms: number): void {
    const seconds = Math.max(0, ms) / 1000;
    const silence = SILENCES.find((bound) => seconds <= bound) ?? "longer";
    this.#counts.set(silence, (this.#counts.get(silence) ?? 0) + 1);
    this.#seconds += seconds;
  }

  tell(tally: Tally): void {
    for (const [silence, count] of this.#counts) tally.count(`silence ${silence}`, count);
    if (this.#seconds > 0) tally.count("silence seconds", this.#seconds);
  }
}

const DELIVERED: readonly (readonly [opening: string, what: Delivered])[] = [
  ['{"type":"message","id"', "message"], // one that is skipped has no id
  ['{"type":"direct"', "direct"],
  ['{"type":"signal"', "signal"],
  ['{"type":"broadcast"', "broadcast"],
];

/** What this text frame of ours delivers, by how it begins; undefined where it is an answer or tells of something else. */
export function deliveredBy(text: string): Delivered | undefined {
  return DELIVERED.find(([opening]) => text.startsWith(opening))?.[1];
}
