import { Database } from "../objects/migrations.ts";
import type { BasicPorts, Woken } from "../objects/ports.ts";
import { spliced } from "../objects/spliced.ts";
import type {
  DeliveryReport,
  Gate,
  LetterPage,
  ParkedLetter,
  WebhookPort,
  WebhookStats,
} from "../objects/webhook-port.ts";
import type { LetterQuery } from "../protocol/events.ts";
import { admitted, CLOSED, disabled, reported } from "./breaker.ts";
import { type KeptLetter, LETTER_MIGRATION, LetterTable } from "./letter-table.ts";
import { WEBHOOK_MIGRATION, type WebhookState, WebhookTable } from "./webhook-table.ts";

/** Append-only: each entry is applied once. */
const MIGRATIONS = [[...WEBHOOK_MIGRATION, ...LETTER_MIGRATION]];
/** Dead letters that are kept; beyond these the oldest go, and are counted. Of 120 KB at most: within 10 GB for sure. */
export const MAX_LETTERS = 10_000;
/** A page ends early where it would hold more: a call between objects carries at most 32 MiB. */
const PAGE_CHARACTERS = 1_048_576;
const READ_AT_ONCE = 20;
/** Figures are written once in this time: a row for every delivery would cost more than the delivery. */
const GATHER_MS = 1000;
/** Milliseconds: deliveries are given up after fifteen seconds. */
const BUCKETS_MS = [50, 100, 250, 500, 1000, 2500, 5000, 15_000];

const NOTHING_YET: WebhookState = {
  breaker: CLOSED,
  delivered: 0,
  failed: 0,
  opened: 0,
  parked: 0,
  redriven: 0,
  dropped: 0,
  latency: BUCKETS_MS.map(() => 0).concat(0),
  latencySumMs: 0,
};

/** One webhook target: whether it is worth trying, what it did not take, and its figures. It sends nothing itself. */
export class Webhook implements WebhookPort, Woken {
  readonly #ports: BasicPorts;
  readonly #sql: Database;
  readonly #table: WebhookTable;
  readonly #letters: LetterTable;
  #state: WebhookState;
  /** Counting reads every row, so it is done once and then kept up. Lost on sleep, counted again. */
  #kept: number | undefined;
  #isGathering = false;

  constructor(ports: BasicPorts) {
    this.#ports = ports;
    this.#sql = new Database(ports.sql, MIGRATIONS);
    this.#table = new WebhookTable(this.#sql);
    this.#letters = new LetterTable(this.#sql);
    this.#state = { ...NOTHING_YET, ...this.#table.read() };
  }

  async begin(): Promise<Gate> {
    const { breaker, gate } = admitted(this.#state.breaker, this.#ports.clock.now());
    this.#become({ breaker });
    return gate;
  }

  async report({ deliveries, isGone }: DeliveryReport): Promise<void> {
    const now = this.#ports.clock.now();
    const { delivered, failed, latencySumMs } = this.#state;
    const taken = deliveries.filter(({ isDelivered }) => isDelivered).length;
    const latency = [...this.#state.latency];
    for (const { ms } of deliveries) latency[bucketOf(ms)] = (latency[bucketOf(ms)] ?? 0) + 1;
    const results = deliveries.map(({ isDelivered }) => isDelivered);
    this.#become({
      breaker: isGone ? disabled(now) : reported(this.#state.breaker, results, now),
      delivered: delivered + taken,
      failed: failed + deliveries.length - taken,
      latency,
      latencySumMs: latencySumMs + deliveries.reduce((sum, { ms }) => sum + ms, 0),
    });
  }

  async park(letters: ParkedLetter[]): Promise<void> {
    const now = this.#ports.clock.now();
    const kept = this.#keptLetters();
    const [state, letterCount] = this.#sql.transaction(() => {
      const fresh = new Set(letters.map(({ id }) => id).filter((id) => this.#letters.find(id) === undefined))
        .size;
      for (const letter of letters) this.#letters.write(letter, now);
      const over = Math.max(0, kept + fresh - MAX_LETTERS);
      if (over > 0) this.#letters.deleteOldest(over);
      const { parked, dropped } = this.#state;
      const next = { ...this.#state, parked: parked + fresh, dropped: dropped + over };
      this.#table.write(next);
      return [next, kept + fresh - over] as const;
    });
    this.#state = state;
    this.#kept = letterCount;
    const [first] = letters;
    if (first !== undefined) {
      const { type, lastError: reason } = first;
      this.#ports.log.warn("events given up", { events: letters.length, type, reason });
    }
  }

  async letters({ cursor = "0", limit }: LetterQuery): Promise<LetterPage> {
    const texts: string[] = [];
    let characters = 0;
    let last: string | undefined;
    for (const { seq, dataJson, hop: _, ...letter } of this.#after(Number(cursor))) {
      const text = spliced(letter, "data", dataJson);
      characters += text.length;
      const isFull = texts.length === limit || (texts.length > 0 && characters > PAGE_CHARACTERS);
      if (isFull && last !== undefined) return { lettersJson: `[${texts.join(",")}]`, cursor: last };
      texts.push(text);
      last = String(seq);
    }
    return { lettersJson: `[${texts.join(",")}]` };
  }

  /** A few at a time: so many as fill a page are never held at once. */
  *#after(seq: number): Generator<KeptLetter> {
    for (let letters = this.#letters.after(seq, READ_AT_ONCE); letters.length > 0; ) {
      yield* letters;
      letters = this.#letters.after(letters.at(-1)?.seq ?? seq, READ_AT_ONCE);
    }
  }

  async replay(id: string): Promise<boolean> {
    const letter = this.#letters.find(id);
    if (letter === undefined) return false;
    const { events } = this.#ports;
    if (events === undefined) throw new Error("EVENT_QUEUE is not bound");
    const { type, at, hop, dataJson } = letter;
    const head = { id, type, at, ...(hop !== undefined && { hop }), redriven: true };
    await events.sendBatch([spliced(head, "data", dataJson)]);
    // A crash before this sends it twice, under the same id. One that was given up again meanwhile is another letter.
    if (this.#letters.find(id)?.seq === letter.seq) {
      this.#letters.delete(letter.seq);
      if (this.#kept !== undefined) this.#kept -= 1;
    }
    const { redriven, breaker } = this.#state;
    this.#become({ redriven: redriven + 1, breaker: breaker.is === "disabled" ? CLOSED : breaker });
    return true;
  }

  async stats(): Promise<WebhookStats> {
    const { breaker, latency, ...figures } = this.#state;
    return {
      state: breaker.is,
      ...figures,
      letters: this.#keptLetters(),
      oldestLetterAt: this.#letters.oldestAt(),
      latency: latency.map((tries, i) => ({ leMs: BUCKETS_MS[i] ?? null, tries })),
    };
  }

  /** It sets none. */
  alarm(): void {}

  #keptLetters(): number {
    this.#kept ??= this.#letters.count();
    return this.#kept;
  }

  /** What the circuit does is written at once, figures when some have gathered. */
  #become(change: Partial<WebhookState>): void {
    const before = this.#state.breaker;
    const after = change.breaker ?? before;
    const hasOpened = after.is === "open" && before.is !== "open";
    this.#state = { ...this.#state, ...change, opened: this.#state.opened + (hasOpened ? 1 : 0) };
    if (after.is !== before.is) {
      this.#table.write(this.#state);
      if (after.is !== "half-open") this.#ports.log.warn("webhook", { state: after.is });
    } else if (after !== before || Object.keys(change).length > 1) this.#gather();
  }

  #gather(): void {
    if (this.#isGathering) return;
    this.#isGathering = true;
    this.#ports.timers.after(GATHER_MS, () => {
      this.#isGathering = false;
      this.#table.write(this.#state);
    });
  }
}

function bucketOf(ms: number): number {
  const index = BUCKETS_MS.findIndex((leMs) => ms <= leMs);
  return index < 0 ? BUCKETS_MS.length : index;
}
