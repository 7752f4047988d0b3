import type { Backlog } from "../objects/backlog.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Background, Clock, EventQueue, Log } from "../objects/ports.ts";
import { batchesOf } from "./queue-text.ts";

/**
 * How long an event waits that a crash has cut off between its row and the queue. Sooner would set an alarm for nearly
 * every event, and that is a row: within a minute most objects that anybody sees have one to wake for anyway.
 */
export const LOOK_AFTER_MS = 60_000;
/** After a failure the pause is as long as the oldest event has waited, so that it doubles without any row that counts. */
const SHORTEST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 600_000;
/** Taken at once: about what one batch of the queue holds. */
const MOST_AT_ONCE = 100;

/** Something that keeps events until the queue has them. */
export interface EventSource {
  /** When the first that waits came about, in milliseconds; null where none waits. Cheap: asked often. */
  waitingSince(): number | null;
  /** The first that wait, in order, about so many. `sent` is called once the queue has them. */
  next(most: number): { texts: readonly string[]; sent(): void };
}

/**
 * Sends what one object exports to the queue, one call at a time: what happens meanwhile leaves with the next. It
 * runs beside the object: a queue that fails or is slow holds up nothing else, and no event is forgotten for it.
 */
export class Exports implements Duty {
  readonly name = "events";
  readonly #ports: { clock: Clock; background: Background; log: Log; events?: EventQueue };
  readonly #rows: readonly EventSource[];
  readonly #more: readonly EventSource[];
  readonly #due: () => void;
  /** When the try under way began; null where there is none. Lost on sleep: whoever wakes tries at once. */
  #sendingSince: number | null = null;
  /** After a failure. */
  #retryAt: number | null = null;
  /** Counts tries: what one that was given up brings is of no interest. */
  #attempt = 0;
  #hasWarned = false;

  /** `due` is called when it has another due time. Into `more` sources may come later. */
  constructor(
    ports: { clock: Clock; background: Background; log: Log; events?: EventQueue },
    sources: readonly EventSource[],
    due: () => void,
    more: readonly EventSource[] = [],
  ) {
    this.#ports = ports;
    this.#rows = sources;
    this.#more = more;
    this.#due = due;
  }

  /** Something was added in this turn: it leaves once the turn is over, unless a pause has to pass first. */
  kick(): void {
    if (this.#sendingSince !== null || this.#retryAt !== null) return;
    const { events: queue } = this.#ports;
    if (queue === undefined) return this.#warnOnce();
    this.#sendingSince = this.#ports.clock.now();
    this.#attempt += 1;
    this.#ports.background.run(this.#send(queue, this.#attempt));
  }

  /** One where any event waits: to count them would read them all. */
  backlog(): Backlog {
    const oldestAt = this.#waitingSince();
    return { debts: oldestAt === null ? 0 : 1, oldestAt };
  }

  nextAt(): number | null {
    const since = this.#waitingSince();
    if (since === null || this.#ports.events === undefined) return null; // who has no queue waits for a deploy
    if (this.#sendingSince !== null) return this.#sendingSince + LOOK_AFTER_MS;
    return this.#retryAt ?? since;
  }

  /** A try that has no answer after so long is given up: to send twice is harmless. */
  run(): void {
    this.#retryAt = null;
    this.#sendingSince = null;
    this.kick();
  }

  async #send(queue: EventQueue, attempt: number): Promise<void> {
    await Promise.resolve(); // what the turn has yet to write, or to take back
    this.#due();
    try {
      for (;;) {
        const source = this.#sources.find((one) => one.waitingSince() !== null);
        if (source === undefined) break;
        const { texts, sent } = source.next(MOST_AT_ONCE);
        for (const batch of batchesOf(texts)) await queue.sendBatch(batch);
        if (attempt !== this.#attempt) return;
        sent();
      }
    } catch (cause) {
      if (attempt !== this.#attempt) return;
      this.#failed(cause);
    }
    this.#sendingSince = null;
    this.#due();
  }

  #failed(cause: unknown): void {
    const now = this.#ports.clock.now();
    const waitingMs = now - (this.#waitingSince() ?? now);
    this.#retryAt = now + Math.min(LONGEST_PAUSE_MS, Math.max(SHORTEST_PAUSE_MS, waitingMs));
    this.#ports.log.warn("events not sent", { waitingMs }, cause);
  }

  get #sources(): readonly EventSource[] {
    return this.#more.length === 0 ? this.#rows : [...this.#rows, ...this.#more];
  }

  #waitingSince(): number | null {
    let since: number | null = null;
    for (const source of this.#sources) {
      const at = source.waitingSince();
      if (at !== null && (since === null || at < since)) since = at;
    }
    return since;
  }

  #warnOnce(): void {
    if (this.#hasWarned) return;
    this.#hasWarned = true;
    const reason = "WEBHOOK_URL is set, but EVENT_QUEUE is not bound";
    this.#ports.log.warn("no queue for events", { reason });
  }
}
