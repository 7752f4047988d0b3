/* How what objects know of one another is compared, and what is over is removed: part of the ports. */

/** What a sweep looks at; `presences` is what the directory lists. */
export const SWEEP_PARTS = ["presences", "sessions", "watches", "subscriptions"] as const;
export type SweepPart = (typeof SWEEP_PARTS)[number];

/** An object is to do what is due, and to compare these parts with some of the others that they concern. */
export interface AuditRequest {
  parts: readonly SweepPart[];
  /** Another number each time: which of many others it is follows from it. */
  turn: number;
}

/** How often two objects did not agree, by what it was about; `entries` are those of the directory. */
export interface Differences {
  entries: number;
  sessions: number;
  watches: number;
  subscriptions: number;
}

/** What was over and is removed. */
export interface RemovedCounts {
  sessions: number;
  watches: number;
  subscriptions: number;
  messages: number;
}

/** What came of a comparison with others. */
export interface Compared {
  differences: number;
  /** Of these, what is removed by that and not told anew. */
  removed: number;
  /** Others that did not answer. */
  unanswered: number;
}

/** What came of an audit of one object. */
export interface Audited {
  /** Whether the directory has to list it. */
  isHere: boolean;
  removed: RemovedCounts;
  differences: Omit<Differences, "entries">;
  unanswered: number;
  /** Since when it owes something to another object, in milliseconds; null where it owes nothing. */
  owedSince: number | null;
}

/** What one user says of itself and another: whether it watches that one, and whether it is watched by it. */
export interface PairClaim {
  isWatching: boolean;
  isWatched: boolean;
}

/** Likewise, and what the one who answers had to put right. */
export interface PairAnswer extends PairClaim, Omit<Compared, "unanswered"> {}

/** Sessions of one user that a channel keeps, and those that are subscribed to it with the order of the last word. */
export interface KeptForUser {
  channel: string;
  sessions: string[];
  subscribed: Record<string, number>;
}

/** Some of what a shard lists: those behind `after` by kind and name, or else the stretch whose turn it is. */
export interface SweepRequest extends AuditRequest {
  limit: number;
  /** Of a page before; the empty one is the beginning. */
  after?: string;
}

/** What came of asking some that a shard lists. */
export interface SweepPage {
  asked: number;
  /** Objects that did not answer, or could not ask others. */
  unanswered: number;
  removed: RemovedCounts;
  /** Listed by the shard, and not there any more. */
  presences: number;
  differences: Omit<Differences, "entries">;
  owedSince: number | null;
  /** Where the next page begins; absent after the last. */
  next?: string;
}

/** The last sample that a shard took of those whom it lists. */
export interface Sample {
  /** Milliseconds. */
  at: number;
  asked: number;
  unanswered: number;
  differences: Differences;
  /** All samples together, since the shard exists. */
  total: Differences;
  /** Of those asked, and of the shard itself. */
  owedSince: number | null;
}

/** How a shard is. */
export interface ShardHealth {
  listed: number;
  /** Null where none was taken yet. */
  sample: Sample | null;
  /** It should have taken one long ago. */
  isLate: boolean;
}

/** Nothing was removed. */
export function nothingRemoved(): RemovedCounts {
  return { sessions: 0, watches: 0, subscriptions: 0, messages: 0 };
}

/** All agree. */
export function noDifferences(): Differences {
  return { entries: 0, sessions: 0, watches: 0, subscriptions: 0 };
}

/** Adds `more` to `sum`, number by number. */
export function addNumbers<Counts extends object>(sum: Counts, more: Partial<Counts>): void {
  const numbers = sum as Record<string, number>;
  for (const [kind, count] of Object.entries(more as Record<string, number>)) {
    numbers[kind] = (numbers[kind] ?? 0) + count;
  }
}

/** The earlier of two times; null where there is none. */
export function earlier(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}

/**
 * Some of `count`, from a place on that differs from turn to turn, whichever of the turns are taken: by steps of
 * one size a rhythm of the caller could pass over the same ones for ever. Indexes; all where they are no more than `most`.
 */
export function someOf(count: number, most: number, turn: number): number[] {
  const start = count <= most ? 0 : Math.imul(turn, GOLDEN) >>> 0;
  return Array.from({ length: Math.min(most, count) }, (_, i) => (start + i) % count);
}

/** 2^32 by the golden ratio (Knuth, TAOCP 3, 6.4): neighbours land far apart. */
const GOLDEN = 0x9e3779b1;
