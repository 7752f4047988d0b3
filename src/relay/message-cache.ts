import { isTold } from "../connections/kept/audience.ts";
import type { FramedPiece } from "../connections/kept/catch-up.ts";
import type { SaidMessage } from "../objects/relaying.ts";
import { skippedFrame } from "../objects/skipped-frame.ts";
import type { From } from "../protocol/bodies.ts";
import { utf8Length } from "../protocol/utf8.ts";

/** Enough that a reconnect storm within a minute or so of chatter costs the channel nothing. */
const MOST_MESSAGES = 512;
const MOST_CHARACTERS = 1_048_576;

/**
 * The newest messages that this relay has told, without a gap up to the last: in memory, because the channel's log
 * has them all. Who returns reads from here what it missed, and so does who begins between two pushes.
 */
export class MessageCache {
  readonly #channel: string;
  #messages: SaidMessage[] = [];
  #characters = 0;

  constructor(channel: string) {
    this.#channel = channel;
  }

  /** The one that follows the last. */
  add(message: SaidMessage): void {
    this.#messages.push(message);
    this.#characters += message.text.length;
    while (this.#messages.length > MOST_MESSAGES || this.#characters > MOST_CHARACTERS) {
      this.#characters -= this.#messages.shift()?.text.length ?? 0;
    }
  }

  clear(): void {
    this.#messages = [];
    this.#characters = 0;
  }

  /** Whether everything after this offset is here, of which there is at least one message. */
  holds(after: number): boolean {
    const first = this.#messages[0]?.offset;
    const last = this.#messages.at(-1)?.offset;
    return first !== undefined && last !== undefined && first <= after + 1 && after < last;
  }

  /** When the first message after this offset, which is here, was stored; undefined where that is not known. */
  timeOfFirst(after: number): number | undefined {
    return this.#messages[this.#indexOf(after)]?.at;
  }

  /** What comes after an offset that it `holds`, as this reader is told it, by at most so many messages and bytes (but always one). */
  after(
    after: number,
    most: { rows: number; bytes: number },
    reader: From,
    now: number,
  ): Omit<FramedPiece, "isLast"> {
    const frames: string[] = [];
    let bytes = 0;
    let offset = after;
    let isInRun = false;
    const add = (frame: string) => {
      frames.push(frame);
      bytes += utf8Length(frame);
    };
    const start = this.#indexOf(after);
    for (const message of this.#messages.slice(start, start + most.rows)) {
      if (isTold(message, now, reader)) {
        if (bytes > 0 && bytes + utf8Length(message.text) > most.bytes) break;
        if (isInRun) add(skippedFrame(this.#channel, offset));
        add(message.text);
        isInRun = false;
      } else isInRun = true;
      offset = message.offset;
    }
    if (isInRun) add(skippedFrame(this.#channel, offset));
    return { frames, offset, bytes };
  }

  #indexOf(after: number): number {
    return after + 1 - (this.#messages[0]?.offset ?? 0);
  }
}
