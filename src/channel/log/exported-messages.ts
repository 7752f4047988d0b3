import { eventId } from "../../events/event-id.ts";
import type { EventSource } from "../../events/exports.ts";
import { queueText } from "../../events/queue-text.ts";
import type { Clock, Log, Sql } from "../../objects/ports.ts";
import { ExportedTable } from "./exported-table.ts";
import type { MessageLog } from "./message-log.ts";

/** While the queue takes nothing, so many messages stay in the log beyond what retention keeps; then the oldest go. */
const MOST_HELD = 10_000;

/**
 * Messages on their way to back ends. They are read from the log, so one that is published costs no row besides; one
 * row says how far the queue is, written after each batch. What a log held before messages were exported is not.
 */
export class ExportedMessages implements EventSource {
  readonly #clock: Clock;
  readonly #warn: Log["warn"];
  readonly #log: MessageLog;
  readonly #table: ExportedTable;
  readonly #kick: () => void;
  /** The row, as last read or written; null where there is none. */
  #offset: number | null | undefined;
  /** When the first that waits was published, as far as known. */
  #since: number | undefined;

  constructor(ports: { sql: Sql; clock: Clock; log: Log }, log: MessageLog, kick: () => void) {
    this.#clock = ports.clock;
    this.#warn = ports.log.warn.bind(ports.log);
    this.#log = log;
    this.#table = new ExportedTable(ports.sql);
    this.#kick = kick;
    log.retention.heldFrom = () => this.#heldFrom();
  }

  /** A message was published, in this turn. */
  stored(offset: number): void {
    if (this.#reached === null) this.#write(offset - 1);
    this.#since ??= this.#clock.now();
    this.#kick();
  }

  waitingSince(): number | null {
    const reached = this.#reached;
    if (reached === null || this.#log.top <= reached) return null;
    this.#since ??= this.#log.whole(reached, 1)[0]?.at ?? this.#clock.now();
    return this.#since;
  }

  next(most: number): { texts: readonly string[]; sent(): void } {
    const reached = this.#reached ?? this.#log.top;
    const epoch = this.#log.knownEpoch ?? "";
    const messages = this.#log.whole(reached, most);
    const missing = (messages[0]?.offset ?? this.#log.top + 1) - reached - 1;
    if (missing > 0) this.#warn("messages gone before they were exported", { messages: missing });
    const type = "message.published";
    const texts = messages.map(({ offset, at, text, hop }) =>
      queueText({
        ...{ id: eventId(type, epoch, offset), type, at, dataJson: text },
        ...(hop !== undefined && { hop: hop + 1 }),
      }),
    );
    const last = messages.at(-1)?.offset ?? this.#log.top;
    const sent = () => {
      if (this.#log.knownEpoch === epoch) this.#write(last); // else all of that was deleted meanwhile
      this.#since = undefined;
    };
    return { texts, sent };
  }

  /** The log is empty, and what comes next begins at 1. */
  forget(): void {
    this.#table.clear();
    this.#offset = null;
    this.#since = undefined;
  }

  get #reached(): number | null {
    if (this.#offset === undefined) this.#offset = this.#table.read() ?? null;
    return this.#offset;
  }

  #write(offset: number): void {
    this.#table.write(offset);
    this.#offset = offset;
  }

  #heldFrom(): number {
    const reached = this.#reached;
    const { top } = this.#log;
    return reached === null || top <= reached
      ? Number.POSITIVE_INFINITY
      : Math.max(reached + 1, top - MOST_HELD);
  }
}

/** Where messages are not exported: how far the queue was says nothing of what is exported one day. Mostly writes nothing. */
export function forgetExported(sql: Sql): void {
  const table = new ExportedTable(sql);
  if (table.read() !== undefined) table.clear();
}
