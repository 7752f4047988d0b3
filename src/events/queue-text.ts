import { spliced } from "../objects/spliced.ts";
import type { EventType } from "../protocol/events.ts";
import { utf8Length } from "../protocol/utf8.ts";

/** Something that happened here and that back ends are told of. */
export interface NewEvent {
  /** By `eventId`. */
  id: string;
  type: EventType;
  /** When it happened, in milliseconds. */
  at: number;
  /** JSON text of an object. */
  dataJson: string;
  hop?: number;
}

/** Bounds of Cloudflare Queues (limits of November 2026): 128 KB a message, 256 KB and 100 messages a batch, its own part included. */
export const MAX_EVENT_BYTES = 120_000;
const MAX_BATCH_BYTES = 240_000;
const MAX_BATCH_EVENTS = 100;
/** A field of an event that is too large is left out if it holds more. */
const SMALL_BYTES = 1024;

/** An event as the queue carries it. Its data was encoded where it came in, and stays as it is. */
export function queueText({ id, type, at, dataJson, hop }: NewEvent): string {
  const head = { id, type, at, ...(hop !== undefined && { hop }) };
  const text = spliced(head, "data", dataJson);
  // A character is at most three bytes: most need not be measured.
  if (text.length * 3 <= MAX_EVENT_BYTES || utf8Length(text) <= MAX_EVENT_BYTES) return text;
  return spliced(head, "data", pointerJson(dataJson));
}

/** What says where the rest is to be read, for an event that the queue would not carry: what is small, and `truncated`. */
function pointerJson(dataJson: string): string {
  const data = JSON.parse(dataJson) as Record<string, unknown>;
  const isSmall = ([, value]: [string, unknown]) => utf8Length(JSON.stringify(value)) <= SMALL_BYTES;
  return JSON.stringify({ ...Object.fromEntries(Object.entries(data).filter(isSmall)), truncated: true });
}

/** In order, as few batches as the queue takes. */
export function batchesOf(texts: readonly string[]): string[][] {
  const batches: string[][] = [];
  let bytes = 0;
  for (const text of texts) {
    const length = utf8Length(text);
    const batch = batches.at(-1);
    if (batch === undefined || batch.length === MAX_BATCH_EVENTS || bytes + length > MAX_BATCH_BYTES) {
      batches.push([text]);
      bytes = length;
    } else {
      batch.push(text);
      bytes += length;
    }
  }
  return batches;
}
