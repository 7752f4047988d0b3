import type { Message, MessagePage } from "../protocol/bodies.ts";
import type { ChannelState } from "./channel-state.ts";
import { RollcallError } from "./errors.ts";

/** So many messages wait for a reader. What comes while there are as many it reads from the log, when it gets there. */
export const MOST_WAITING = 256;

/** A channel, as its readers need it. */
export interface Readable {
  readonly state: ChannelState;
  on(event: "message", told: (message: Message) => void): () => void;
  on(event: "status", told: () => void): () => void;
  /** Whether it is one of those that are told. */
  isWanted(message: Message): boolean;
}

/** A page of the log, as soon as it can be had. Rejects with a `RollcallError` where it is refused. */
export type ReadPage = (query: { after: number; limit: number }) => Promise<MessagePage>;

/**
 * Messages from now on, each once and in order, however slow the reader; ends when the channel is closed. Throws
 * why it was closed where nobody here did so, `too_slow` where the log does not hold any more what the reader has
 * not seen, and what `history` is refused with.
 */
export async function* read(channel: Readable, readPage: ReadPage): AsyncGenerator<Message, void, undefined> {
  const queue: Message[] = [];
  /** The newest one that was in the queue: while the log has it, it has all that came after it. */
  let anchor: Message | undefined;
  /** The offset of the newest that found no place; 0 where all did. */
  let missed = 0;
  /** Those of the last page, by id: what the log had before it was told is told still. */
  let read = new Set<string>();
  let wake = () => {};
  const stops = [
    channel.on("status", () => wake()),
    channel.on("message", (message) => {
      if (read.delete(message.id)) return;
      if (missed > 0 || queue.length >= MOST_WAITING) missed = message.offset;
      else {
        anchor = message;
        queue.push(message);
      }
      wake();
    }),
  ];
  try {
    for (;;) {
      const next = queue.shift();
      const { state } = channel;
      if (next !== undefined) yield next;
      else if (state.name === "closed") {
        if (state.error !== undefined) throw state.error;
        return;
      } else if (anchor !== undefined && missed > 0) {
        const { messages, offset } = await readPage({ after: anchor.offset - 1, limit: MOST_WAITING });
        const [first, ...rest] = messages;
        if (first?.id !== anchor.id) throw new RollcallError("too_slow", "too slow for the log");
        // What is over by now is on no page: an empty one has seen everything up to the top of the log.
        const { offset: seen } = rest.at(-1) ?? { offset };
        if (seen >= missed) missed = 0;
        anchor = rest.at(-1) ?? anchor;
        read = new Set(rest.map(({ id }) => id));
        queue.push(...rest.filter((message) => channel.isWanted(message)));
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    for (const stop of stops) stop();
  }
}
