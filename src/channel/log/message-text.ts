import { spliced } from "../../objects/spliced.ts";
import type { StoredMessage } from "./message-table.ts";

/** The JSON text of the messages of one channel. Data was encoded when it was published, and is never parsed here. */
export class MessageText {
  readonly #channel: string;

  constructor(channel: string) {
    this.#channel = channel;
  }

  message(epoch: string, { offset, event, dataJson, from, at }: StoredMessage): string {
    const head = { id: messageId(epoch, offset), channel: this.#channel, offset, event };
    return spliced(head, "data", dataJson, from === undefined ? { at } : { from, at });
  }

  /** In place of one message, or of a run of them that ends at `offset`. */
  skipped(offset: number): string {
    return JSON.stringify({ channel: this.#channel, offset, skipped: true });
  }
}

/** A message as the frame that tells it. */
export function frameOf(messageText: string): string {
  return `{"type":"message",${messageText.slice(1)}`;
}

/** Unique over all channels and all time, because the epoch is. */
export function messageId(epoch: string, offset: number): string {
  return `${epoch}-${offset}`;
}
