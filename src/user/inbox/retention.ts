import type { Settings } from "../../config.ts";
import type { InboxMessageTable, QueuedMessage } from "./inbox-message-table.ts";
import { givesWay } from "./share.ts";

/** Messages deleted in one turn because they are over; the rest waits for the next. */
const MOST_AT_ONCE = 1000;
/** More than one, so that an inbox whose size was lowered shrinks to it. */
const MOST_PUSHED_OUT = 2;

/** Read at once, to be shown before they go. */
const SHOWN_AT_ONCE = 50;

type Unfetched = (messages: readonly QueuedMessage[]) => void;

/** How long and how much an inbox keeps: `INBOX_TTL_SECONDS`, less where a message says so, and `INBOX_SIZE`. */
export class Retention {
  readonly #messages: InboxMessageTable;
  readonly #size: number;
  readonly #ttlMs: number;
  readonly #unfetched: Unfetched | undefined;

  /** `unfetched` is shown what goes and was never fetched. */
  constructor(messages: InboxMessageTable, settings: Settings, unfetched?: Unfetched) {
    this.#unfetched = unfetched;
    this.#messages = messages;
    this.#size = settings.INBOX_SIZE;
    this.#ttlMs = settings.INBOX_TTL_SECONDS * 1000;
  }

  /** When a message ends that was stored at `at`; null where that is as long as the inbox keeps anything. */
  endOf(at: number, ttlSeconds: number | undefined): number | null {
    const isSooner = ttlSeconds !== undefined && ttlSeconds * 1000 < this.#ttlMs;
    return isSooner ? at + ttlSeconds * 1000 : null;
  }

  isOver({ at, expiresAt }: QueuedMessage, now: number): boolean {
    return (expiresAt ?? at + this.#ttlMs) <= now;
  }

  /** When the next message is over; null without any. */
  nextEnd(): number | null {
    const oldest = this.#messages.oldest();
    if (oldest === undefined) return null;
    return Math.min(oldest.at + this.#ttlMs, this.#messages.soonestEnd() ?? Number.POSITIVE_INFINITY);
  }

  /**
   * Before a message of `sender` is stored. Dense numbers say without counting that there is room. How many of
   * those that went are above `fetched`.
   */
  makeRoom(sender: string, fetched: number): number {
    const oldest = this.#messages.oldest();
    if (oldest === undefined || this.#messages.top() - oldest.seq + 1 < this.#size) return 0;
    let unfetched = 0;
    for (let i = 0; i < MOST_PUSHED_OUT; i++) {
      const shares = this.#messages.shares();
      const waiting = shares.reduce((sum, { messages }) => sum + messages, 0);
      const seq = waiting < this.#size ? undefined : givesWay(shares, sender);
      if (seq === undefined) break;
      if (seq > fetched) {
        unfetched++;
        this.#show(seq - 1, seq);
      }
      this.#messages.delete(seq);
    }
    return unfetched;
  }

  /** Deletes what is over: how many, and how many of it are above `fetched`; `isDone` is false where some is left. */
  deleteEnded(now: number, fetched: number): { deleted: number; unfetched: number; isDone: boolean } {
    const before = (this.#messages.oldest()?.seq ?? 1) - 1;
    const kept = this.#messages.firstSince(now - this.#ttlMs) ?? this.#messages.top() + 1;
    const until = Math.min(kept - 1, before + MOST_AT_ONCE);
    let unfetched = 0;
    let deleted = 0;
    if (until > before) {
      deleted = this.#messages.count(before, until);
      unfetched = fetched > before ? this.#messages.count(Math.max(fetched, before), until) : deleted;
      this.#show(Math.max(fetched, before), until);
      this.#messages.deleteUpTo(until);
    }
    const ended = this.#messages.ended(now, MOST_AT_ONCE);
    const unseen = ended.filter((seq) => seq > fetched);
    this.#showEach(unseen);
    for (const seq of ended) this.#messages.delete(seq);
    unfetched += unseen.length;
    deleted += ended.length;
    return { deleted, unfetched, isDone: until >= kept - 1 && ended.length < MOST_AT_ONCE };
  }

  /** Those after `from`, up to `until`. */
  #show(from: number, until: number): void {
    if (this.#unfetched === undefined) return;
    for (let reached = from; reached < until; ) {
      const most = Math.min(SHOWN_AT_ONCE, until - reached);
      const rows = this.#messages.after(reached, most);
      const going = rows.filter(({ seq }) => seq <= until);
      if (going.length > 0) this.#unfetched(going);
      reached = rows.length < most ? until : (rows.at(-1)?.seq ?? until);
    }
  }

  /** These, wherever they stand: one row is read for each. */
  #showEach(seqs: readonly number[]): void {
    if (this.#unfetched === undefined) return;
    for (let i = 0; i < seqs.length; i += SHOWN_AT_ONCE) {
      const some = seqs.slice(i, i + SHOWN_AT_ONCE);
      this.#unfetched(some.flatMap((seq) => this.#messages.after(seq - 1, 1)));
    }
  }
}
