import type { Settings } from "../config.ts";
import type { Background, Clock, EventQueue, Log, Sql } from "../objects/ports.ts";
import { type EventType, isMeant } from "../protocol/events.ts";
import { type EventSource, Exports } from "./exports.ts";
import { OutgoingEventTable } from "./outgoing-event-table.ts";
import { type NewEvent, queueText } from "./queue-text.ts";

/** So many rows are read at once, and so much stands in one: a row holds at most 2 MB. */
const ROWS_AT_ONCE = 20;
const MAX_ROW_CHARACTERS = 250_000;

interface OutgoingPorts {
  sql: Sql;
  clock: Clock;
  background: Background;
  log: Log;
  events?: EventQueue;
}

/**
 * What leaves one object for back ends. An event is a row, written in the turn and, where there is one, in the
 * transaction of the change that it tells; once the queue has it the row goes.
 */
export class Outgoing {
  /** Sends what waits. */
  readonly exports: Exports;
  readonly #clock: Clock;
  readonly #table: OutgoingEventTable;
  readonly #patterns: readonly string[];

  /** `more` are sources besides the rows. */
  constructor(
    ports: OutgoingPorts,
    patterns: readonly string[],
    due: () => void,
    more: readonly EventSource[] = [],
  ) {
    this.#clock = ports.clock;
    this.#table = new OutgoingEventTable(ports.sql);
    this.#patterns = patterns;
    this.exports = new Exports(ports, [rowsOf(this.#table)], due, more);
  }

  /** Whether back ends are told of these. */
  wants(type: EventType): boolean {
    return isExported(type, this.#patterns);
  }

  /** Those that nobody wants are left out; the others, of one change, are one row. */
  add(events: readonly NewEvent[]): void {
    const texts = events.filter(({ type }) => this.wants(type)).map(queueText);
    if (texts.length === 0) return;
    const at = this.#clock.now();
    for (const row of rowTexts(texts)) this.#table.insert(at, row);
    this.exports.kick();
  }
}

/** The patterns of what leaves; undefined where there is nowhere to send it, and so nothing to write. */
export function exportedBy({ WEBHOOK_URL, EVENTS }: Settings): readonly string[] | undefined {
  return WEBHOOK_URL === undefined || EVENTS.length === 0 ? undefined : EVENTS;
}

/** Whether these patterns stand for this type. */
export function isExported(type: EventType, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => isMeant(type, pattern));
}

function rowsOf(table: OutgoingEventTable): EventSource {
  return {
    waitingSince: () => table.oldestAt(),
    next(most) {
      const texts: string[] = [];
      let last = 0;
      for (const row of table.first(ROWS_AT_ONCE)) {
        if (texts.length > 0 && texts.length + row.texts.length > most) break;
        texts.push(...row.texts);
        last = row.seq;
      }
      return { texts, sent: () => table.deleteUpTo(last) };
    },
  };
}

function rowTexts(texts: readonly string[]): string[][] {
  const rows: string[][] = [];
  let characters = 0;
  for (const text of texts) {
    const row = rows.at(-1);
    if (row === undefined || characters + text.length > MAX_ROW_CHARACTERS) {
      rows.push([text]);
      characters = text.length;
    } else {
      row.push(text);
      characters += text.length;
    }
  }
  return rows;
}
