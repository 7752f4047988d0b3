import { type ChannelOptions, type ChannelSetup, LiveChannel } from "./channel.ts";
import type { Emit } from "./connection-events.ts";
import { RollcallError } from "./errors.ts";
import type { IncomingFrame } from "./frames.ts";
import type { ConnectionState } from "./state.ts";
import { patiently, Turns } from "./turns.ts";

/** So many channels have a connection of their own: each is a session, of which the service allows a user twenty. */
const MOST_OWN = 8;

/** The connection, as its channels need it; `Own` is one that is to a single channel. */
export interface ChannelsSetup<Own> extends Pick<ChannelSetup, "timers" | "ask" | "say" | "signal"> {
  emit: Emit;
  /** Another connection, to this channel alone. */
  connect(channel: LiveChannel): Own;
  /** Ends this connection. */
  close(): void;
}

/** The channels of one connection, by name: each is there once, for as long as it is open. */
export class Channels<Own extends { close(): void }> {
  /** The one that this connection is to, where it is to one. */
  readonly home: LiveChannel | undefined;
  /** Connections of those that can't be subscribed to here, or shall not be. */
  readonly own = new Map<string | undefined, Own>();
  readonly #byName = new Map<string, LiveChannel>();
  readonly #connection: ChannelsSetup<Own>;
  readonly #setup: ChannelSetup;

  /** With a `name` the connection is to that channel, which `moved` here if it was another connection's. */
  constructor(connection: ChannelsSetup<Own>, name?: string, rewind?: number, moved?: LiveChannel) {
    const turns = new Turns();
    this.#connection = connection;
    this.#setup = {
      ...connection,
      inTurn: (work) => turns.take(() => patiently(connection.timers, work)),
      tell: (event, payload, channel) => {
        if (event === "message" || event === "signal" || channel === this.home)
          connection.emit(event, payload);
      },
      move: (channel) => this.#move(channel),
      over: (channel, error) => this.#over(channel, error),
    };
    if (name === undefined) return;
    this.home = moved ?? new LiveChannel(name, { rewind }, this.#setup);
    this.home.isCarried = true;
    this.#byName.set(name, this.home);
  }

  /** The channel of this name, begun now if there is none. */
  open(name: string, options: ChannelOptions): LiveChannel {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const channel = new LiveChannel(name, options, this.#setup);
    this.#byName.set(name, channel);
    if (options.connection || this.home) this.#move(channel);
    else channel.join();
    return channel;
  }

  /** Whether a frame was about a channel, and about nothing else. */
  received(frame: IncomingFrame): boolean {
    return this.#byName.get("channel" in frame ? String(frame.channel) : "")?.received(frame) === true;
  }

  /** A new session, which is subscribed to nothing. */
  opened(): void {
    for (const channel of this.#byName.values()) if (!channel.isCarried) channel.join();
  }

  /** The session is over. */
  lost(reason: string): void {
    for (const channel of this.#byName.values()) {
      if (channel === this.home || !channel.isCarried) channel.change({ type: "lost", reason });
    }
  }

  /** The connection will never be open again. */
  closed({ code, reason, error }: ConnectionState & { name: "closed" }): void {
    const cause = code === 1000 ? undefined : new RollcallError(error ?? "connection_lost", reason);
    for (const channel of this.#byName.values()) channel.end(cause);
  }

  #move(channel: LiveChannel): void {
    const { name } = channel;
    if (this.own.size < MOST_OWN) this.own.set(name, this.#connection.connect(channel));
    else channel.end(new RollcallError("too_many_subscriptions", "too many of them"));
  }

  #over(channel: LiveChannel, error: RollcallError | undefined): void {
    const { name } = channel;
    const carrier = channel === this.home ? this.#connection : this.own.get(name);
    this.#byName.delete(name);
    this.own.delete(name);
    if (error !== undefined) this.#connection.emit("error", error);
    carrier?.close();
  }
}
