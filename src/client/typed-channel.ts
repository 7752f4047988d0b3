import type { Published } from "../protocol/bodies.ts";
import type { LiveChannel } from "./channel.ts";
import type { ChannelEvents } from "./channel-events.ts";
import type { PublishOptions } from "./publish-options.ts";
import type { AnyEvents, DefaultEvent, EventOf, MessageOf } from "./typed-events.ts";

type Plain = Pick<LiveChannel, "name" | "state" | "members" | "count" | "history" | "listMembers" | "leave">;

/**
 * One channel: who is there, and what is said. The same on whatever connection, and across reconnects. `E` is what
 * the application says in it: of each event the type of its data.
 */
export interface Channel<E = AnyEvents> extends Plain {
  /** Calls `handler` on each `event` until the returned function is called. */
  on<K extends keyof ChannelEvents>(event: K, handler: (payload: ChannelEvents<E>[K]) => void): () => void;

  /** As `client.publish`, to this channel. */
  publish<K extends EventOf<E> = DefaultEvent<E>>(
    data: E[K],
    options?: Omit<PublishOptions<K>, "channel">,
  ): Promise<Omit<Published, "at">>;

  /** As `client.signal`, to this channel. */
  signal<K extends EventOf<E>>(event: K, data?: E[K]): boolean;

  /**
   * Messages from now on, for `for await`: each once and in order, however slow the loop, until `leave` or `close`.
   * Throws why the channel was closed where nobody here did so, `too_slow` where the log does not reach back any more
   * to where the loop is, and what `history` is refused with.
   */
  [Symbol.asyncIterator](): AsyncGenerator<MessageOf<E>, void, undefined>;
}
