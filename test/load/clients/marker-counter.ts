/**
 * What stands before a message's number, without its first letters: a search goes by the first byte, and quotes are
 * everywhere in JSON. From `f` on it takes half the time, 0.15 µs a message.
 */
export const OFFSET = 'ffset":';

const ZERO = 0x30;
const NINE = 0x39;

/** What is told of each number: for publishes whose way is timed one by one. */
export type OnNumber = (number: number) => void;

/**
 * Counts messages in a stream of bytes without making strings of them, wherever the stream is cut. A message is where
 * the marker stands, followed by a number; numbers go up by one, and where they do not, that is counted too.
 */
export class MarkerCounter {
  count = 0;
  /** Numbers that were not the one after the last: lost, doubled or out of order. */
  disorder = 0;
  #last: number | undefined;
  /** What may be the beginning of a marker or of its number, until more comes. */
  #carried: Buffer | undefined;
  readonly #marker: Buffer;

  constructor(marker: Buffer) {
    this.#marker = marker;
  }

  /** Begins anew: whatever number comes next is the first. */
  reset(): void {
    this.count = 0;
    this.disorder = 0;
    this.#last = undefined;
  }

  /** How many messages ended in this chunk. The chunk may be reused afterwards. */
  feed(chunk: Buffer, onNumber?: OnNumber): number {
    const bytes = this.#carried === undefined ? chunk : Buffer.concat([this.#carried, chunk]);
    this.#carried = undefined;
    const before = this.count;
    let from = 0;
    for (;;) {
      const at = bytes.indexOf(this.#marker, from);
      if (at === -1) break;
      let end = at + this.#marker.length;
      let number = 0;
      for (; end < bytes.length; end++) {
        const byte = bytes[end] as number;
        if (byte < ZERO || byte > NINE) break;
        number = number * 10 + byte - ZERO;
      }
      if (end === bytes.length) {
        this.#carried = Buffer.from(bytes.subarray(at));
        return this.count - before;
      }
      this.#note(number);
      onNumber?.(number);
      from = end;
    }
    this.#carry(bytes, from);
    return this.count - before;
  }

  #note(number: number): void {
    this.count += 1;
    if (this.#last !== undefined && number !== this.#last + 1) this.disorder += 1;
    this.#last = number;
  }

  /** Without the first byte of a marker at the very end there is nothing to carry. */
  #carry(bytes: Buffer, from: number): void {
    const first = Math.max(from, bytes.length - this.#marker.length + 1);
    const at = bytes.indexOf(this.#marker[0] as number, first);
    if (at !== -1) this.#carried = Buffer.from(bytes.subarray(at));
  }
}
