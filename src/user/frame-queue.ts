import type { Connection } from "../connections/connection.ts";

/** Messages of one connection that may wait for an object that does not answer. */
const MOST_WAITING = 256;

/**
 * One call at a time for each connection, so that what it says takes effect in the order in which it said it:
 * calls on stubs of their own could overtake one another.
 */
export class FrameQueue {
  /** Lost with the object, as the calls themselves are: then no answer comes, and the connection is cut too. */
  readonly #queues = new WeakMap<Connection, { length: number; last: Promise<void> }>();

  /** Resolves when `work` is done; undefined where too much waits already. */
  add(connection: Connection, work: () => Promise<void>): Promise<void> | undefined {
    const queue = this.#queues.get(connection) ?? { length: 0, last: Promise.resolve() };
    this.#queues.set(connection, queue);
    if (queue.length >= MOST_WAITING) return undefined;
    queue.length += 1;
    queue.last = queue.last.then(work).finally(() => (queue.length -= 1));
    return queue.last;
  }
}
