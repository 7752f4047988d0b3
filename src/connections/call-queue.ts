import type { Connection } from "./connection.ts";

/** Messages of one connection that may wait for an object that does not answer. */
const MOST_WAITING = 256;

/**
 * One call to another object at a time for each connection, so that what a client says arrives in the order
 * in which it was said: calls on stubs of their own could overtake one another.
 */
export class CallQueue {
  /** Lost with the object, as the calls themselves are: then no answer comes, and the connection is cut too. */
  readonly #queues = new WeakMap<Connection, { length: number; last: Promise<void> }>();

  /** Nothing of this connection is under way or waits. */
  isIdle(connection: Connection): boolean {
    return (this.#queues.get(connection)?.length ?? 0) === 0;
  }

  /** Runs `call` after all that this connection asked for before. Undefined, and nothing runs, where too many wait. */
  add(connection: Connection, call: () => Promise<void>): Promise<void> | undefined {
    const queue = this.#queues.get(connection) ?? { length: 0, last: Promise.resolve() };
    this.#queues.set(connection, queue);
    if (queue.length >= MOST_WAITING) return undefined;
    queue.length += 1;
    const turn = queue.last.then(call).finally(() => (queue.length -= 1));
    queue.last = turn.catch(() => undefined); // whoever asked hears of it; the next one is called all the same
    return turn;
  }
}
