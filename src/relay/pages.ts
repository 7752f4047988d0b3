import { type Connection, fromConnection } from "../connections/connection.ts";
import { type FramedPiece, LATER, type Pages } from "../connections/kept/catch-up.ts";
import type { Background, Clock, Log } from "../objects/ports.ts";
import type { LogFrames } from "../objects/subscribing.ts";
import type { Feed } from "./feed.ts";
import type { Upward } from "./upward.ts";

/** A page that the channel has brought for one connection; null where it can't go on from there. */
interface Brought {
  after: { epoch: string; offset: number };
  page: LogFrames | null;
}

/**
 * Where connections of a relay read what they missed: from its cache, and what is older from the channel, page by
 * page. Who has reached the relay's own position is live from there on; who is beyond it, because an answer of the
 * channel was faster than its push, waits until the push has come.
 */
export class RelayPages implements Pages {
  readonly #ports: { clock: Clock; background: Background; log: Log };
  readonly #feed: Feed;
  readonly #upward: Upward;
  readonly #onBrought: (connection: Connection) => void;
  readonly #reading = new WeakSet<Connection>();
  readonly #brought = new WeakMap<Connection, Brought>();

  constructor(
    ports: { clock: Clock; background: Background; log: Log },
    rooms: { feed: Feed; upward: Upward },
    onBrought: (connection: Connection) => void,
  ) {
    this.#ports = ports;
    this.#feed = rooms.feed;
    this.#upward = rooms.upward;
    this.#onBrought = onBrought;
  }

  after(
    connection: Connection,
    offset: number,
    most: { rows: number; bytes: number },
  ): FramedPiece | undefined | typeof LATER {
    const { at, cache } = this.#feed;
    if (at === undefined || offset > at.offset) return LATER;
    if (offset === at.offset) return { frames: [], offset, bytes: 0, isLast: true };
    if (cache.holds(offset)) {
      const piece = cache.after(offset, most, fromConnection(connection), this.#ports.clock.now());
      return { ...piece, isLast: piece.offset === at.offset };
    }
    const brought = this.#brought.get(connection);
    this.#brought.delete(connection);
    if (brought?.after.offset === offset && brought.after.epoch === at.epoch) {
      if (brought.page === null) return undefined;
      const { frames, bytes, after } = brought.page;
      return { frames, bytes, offset: after.offset, isLast: after.offset === at.offset };
    }
    this.#read(connection, { epoch: at.epoch, offset }, most.bytes);
    return LATER;
  }

  #read(connection: Connection, after: { epoch: string; offset: number }, maxBytes: number): void {
    if (this.#reading.has(connection)) return;
    this.#reading.add(connection);
    this.#ports.background.run(this.#bring(connection, after, maxBytes));
  }

  async #bring(
    connection: Connection,
    after: { epoch: string; offset: number },
    maxBytes: number,
  ): Promise<void> {
    const { user, session, state } = connection;
    const reader = { user, session, ...(state.device.id !== undefined && { device: state.device.id }) };
    try {
      const { frames } = await this.#upward.ask<"read">({ is: "read", reader, after, maxBytes });
      this.#brought.set(connection, { after, page: frames });
      this.#reading.delete(connection);
      this.#onBrought(connection);
    } catch (cause) {
      this.#reading.delete(connection); // who waits is looked after again in a while
      this.#ports.log.warn("missed messages not read", { session: connection.session }, cause);
    }
  }
}
