import { spliced } from "../../objects/spliced.ts";
import type { QueuedMessage } from "./inbox-message-table.ts";

/** The JSON text of a direct message. Its data was encoded when it was sent, and is never parsed here. */
export function directText(epoch: string, { seq, event, dataJson, from, at }: QueuedMessage): string {
  const head = { seq, id: directId(epoch, seq), event };
  return spliced(head, "data", dataJson, from === undefined ? { at } : { from, at });
}

/** The frame that tells it. */
export function directFrame(epoch: string, message: QueuedMessage): string {
  return `{"type":"direct",${directText(epoch, message).slice(1)}`;
}

/** Unique over all users and all time, because the epoch is. */
export function directId(epoch: string, seq: number): string {
  return `${epoch}-${seq}`;
}
