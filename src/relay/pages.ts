import { type Connection, fromConnection } from "../connections/connection.ts";
import { type FramedPiece, LATER, type Pages } from "../connections/kept/catch-up.ts";
import type { Background, Clock, Log } from "../objects/ports.ts";
import type { LogFrames } from "../objects/subscribing.ts";
import type { Feed } from "./feed.ts";
import type { Upward } from "./upward.ts";

/** As many as one call to the channel carries: whoever else reads waits, so that what is asked besides need not. */
const MOST_READS = 8;

/** A page that the channel has brought for one connection; null where it can't go on from there. */
interface Brought {
  after: { epoch: string; offset: number };
  page: LogFrames | null;
}

interface PagesRules {
  isLive(connection: Connection): boolean;
  /** Its page is here, or it may ask once more. */
  brought(connection: Connection): void;
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
  readonly #rules: PagesRules;
  readonly #reading = new Set<Connection>();
  /** Those who read next. */
  readonly #waiting = new Set<Connection>();
  readonly #brought = new WeakMap<Connection, Brought>();

  constructor(
    ports: { clock: Clock; background: Background; log: Log },
    rooms: { feed: Feed; upward: Upward },
    rules: PagesRules,
  ) {
    this.#ports = ports;
    this.#feed = rooms.feed;
    this.#upward = rooms.upward;
    this.#rules = rules;
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
    if (this.#reading.size >= MOST_READS) {
      this.#waiting.add(connection);
      return;
    }
    this.#waiting.delete(connection);
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
      this.#rules.brought(connection);
      this.#next();
    } catch (cause) {
      this.#reading.delete(connection); // who waits is looked after again in a while
      this.#ports.log.warn("missed messages not read", { session: connection.session }, cause);
    }
  }
  /** After a failure nobody is next: all are looked after again in a while. */
  #next(): void {
    let free = MOST_READS - this.#reading.size;
    for (const connection of this.#waiting) {
      if (free <= 0) return;
      this.#waiting.delete(connection);
      if (!this.#rules.isLive(connection)) continue;
      this.#rules.brought(connection);
      free -= 1;
    }
  }
}
