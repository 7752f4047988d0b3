import type { Published } from "../protocol/bodies.ts";
import type { ChannelOptions } from "./channel.ts";
import type { LiveConnection } from "./connection.ts";
import type { ConnectionEvents } from "./connection-events.ts";
import type { PublishOptions } from "./publish-options.ts";
import type { Channel } from "./typed-channel.ts";
import type { AnyEvents, DefaultEvent, EventOf } from "./typed-events.ts";

type Plain = Omit<LiveConnection, "on" | "channel" | "subscribe" | "publish" | "signal">;

/**
 * A connection that keeps itself alive until `close()` or until the service says to stay away. `E` is what the
 * application says in channels: of each event the type of its data.
 */
export interface Connection<E = AnyEvents> extends Plain {
  /** Calls `handler` on each `event` until the returned function is called. */
  on<K extends keyof ConnectionEvents>(
    event: K,
    handler: (payload: ConnectionEvents<E>[K]) => void,
  ): () => void;

  /**
   * A channel, joined until its `leave`, across reconnects; the same object while it is open, with the options that
   * it began with. Where the service wants a connection of its own for it, or `options` do, it gets one, eight at
   * most. On a connection to a channel that very channel is there already, and leaving it closes the connection.
   */
  channel(name: string, options?: ChannelOptions): Channel<E>;

  /** The same as `channel`. */
  subscribe(name: string, options?: ChannelOptions): Channel<E>;

  /**
   * Publishes `data`, any JSON, to a channel; resolves once it is stored. Until then it is said again under its key,
   * through lost connections too, and what is published to the channel later waits for it. Rejects with a code of the
   * service that refuses it, with the last error of ten tries, with `too_many_pending` where 256 wait already, or with
   * `connection_lost` where the connection is closed.
   */
  publish<K extends EventOf<E> = DefaultEvent<E>>(
    data: E[K],
    options?: PublishOptions<K>,
  ): Promise<Omit<Published, "at">>;

  /**
   * Sends something ephemeral to whoever is there: never stored, never answered, and worth nothing later. So where
   * the connection is not open, or does not keep up, it is dropped, and the answer is `false`.
   */
  signal<K extends EventOf<E>>(event: K, data?: E[K], to?: { channel?: string; user?: string }): boolean;
}
