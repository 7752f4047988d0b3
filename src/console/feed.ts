export const FEED_KINDS = ["connection", "fault", "people", "status", "message", "typing", "error"] as const;
export type FeedKind = (typeof FEED_KINDS)[number];

/** Something that happened, as one person on the page saw it. */
export interface Happening {
  kind: FeedKind;
  /** Whom it is about. */
  who: string;
  words: string;
  /** The person whose card saw it. */
  by: string;
  /** The same for all who see the same; without one nobody else can. */
  key?: string;
}

/** An entry: what happened, when first seen (milliseconds), and by whom. */
export interface FeedEntry {
  id: number;
  at: number;
  kind: FeedKind;
  who: string;
  words: string;
  seenBy: readonly string[];
}

/** Older ones are forgotten. */
const MAX_KEPT = 300;
/** What looks the same and comes later is something else. */
const SAME_WITHIN_MS = 5_000;

/** Everything that happened on the page, the newest last, and each thing once, however many saw it. Pure but for its memory. */
export class Feed {
  readonly #entries: FeedEntry[] = [];
  readonly #byKey = new Map<string, FeedEntry>();
  #lastId = 0;

  /** The oldest first. */
  get entries(): readonly FeedEntry[] {
    return this.#entries;
  }

  /** Takes it in. Answers the entry, new or seen by one more; `undefined` where that is known. */
  add(
    { kind, who, words, by, key }: Happening,
    now: number,
  ): { entry: FeedEntry; isNew: boolean } | undefined {
    const known = key === undefined ? undefined : this.#byKey.get(key);
    if (known !== undefined && now - known.at < SAME_WITHIN_MS) {
      if (known.seenBy.includes(by)) return undefined;
      known.seenBy = [...known.seenBy, by];
      return { entry: known, isNew: false };
    }
    const entry = { id: ++this.#lastId, at: now, kind, who, words, seenBy: [by] };
    this.#entries.push(entry);
    if (key !== undefined) this.#byKey.set(key, entry);
    if (this.#entries.length > MAX_KEPT) this.#forget(this.#entries.shift());
    return { entry, isNew: true };
  }

  clear(): void {
    this.#entries.length = 0;
    this.#byKey.clear();
  }

  #forget(entry: FeedEntry | undefined): void {
    for (const [key, kept] of this.#byKey) {
      if (kept === entry) this.#byKey.delete(key);
    }
  }
}

/** What a reader wants to see: of one person, of one kind; an empty one is all. */
export interface FeedFilter {
  who: string;
  kind: string;
}

/** Whether an entry passes: who saw it counts like whom it is about. */
export function passes({ who, kind, seenBy }: FeedEntry, filter: FeedFilter): boolean {
  const isOfPerson = filter.who === "" || who === filter.who || seenBy.includes(filter.who);
  return isOfPerson && (filter.kind === "" || kind === filter.kind);
}
