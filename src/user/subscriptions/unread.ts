import type { Connection } from "../../connections/connection.ts";
import type { Clock, Timers } from "../../objects/ports.ts";

/** What a socket may be sent of logs without being known to have read it: then it is asked. */
const MAX_UNREAD_BYTES = 1_048_576;
/** One page takes so much of it at most: several channels are read at once. */
const MAX_PAGE_BYTES = MAX_UNREAD_BYTES / 8;
/** So often it is looked whether a client has said `ping`, which wakes nobody. */
const LOOK_AGAIN_MS = 250;

/** Of one connection, over all channels that it reads. */
interface Unread {
  sent: number;
  /** What the pages that are being read may hold. */
  coming: number;
  readonly pages: Set<Promise<unknown>>;
  /** Whoever needs an answer of the client waits for the same one. */
  asked: Promise<void> | undefined;
  /** The last probe that it has answered. */
  answered: number;
}

/**
 * Asks clients that were sent a lot whether they have read it: by the probe that finds the dead anyway, answered
 * with its number or with `ping`. While somebody is waited for the object stays awake; who keeps silent is ended.
 */
export class Reading {
  readonly #ports: { clock: Clock; timers: Timers };
  readonly #unread = new WeakMap<Connection, Unread>();

  constructor(ports: { clock: Clock; timers: Timers }) {
    this.#ports = ports;
  }

  /** An answer to the probe `n`. */
  answered(connection: Connection, n: number): void {
    const unread = this.#of(connection);
    unread.answered = Math.max(n, unread.answered);
  }

  /** It is sent so many bytes of a log. */
  sent(connection: Connection, bytes: number): void {
    this.#of(connection).sent += bytes;
  }

  /** Reads a page of at most `maxBytes` once there is room for it, and counts it; undefined if none is wanted by then. */
  async page<P extends { bytes: number } | null | undefined>(
    connection: Connection,
    rules: { isLive(): boolean; isWanted(): boolean },
    read: (maxBytes: number) => Promise<P>,
  ): Promise<P | undefined> {
    const unread = this.#of(connection);
    const room = () => MAX_UNREAD_BYTES - unread.sent - unread.coming;
    while (rules.isWanted() && room() < MAX_PAGE_BYTES * 0.9) {
      if (unread.sent < MAX_UNREAD_BYTES / 2) await Promise.race(unread.pages).catch(() => undefined);
      else await this.#hasRead(connection, unread, rules.isLive);
    }
    if (!rules.isWanted()) return undefined;
    const most = Math.min(room(), MAX_PAGE_BYTES);
    unread.coming += most;
    const reading = read(most);
    unread.pages.add(reading);
    try {
      const page = await reading;
      unread.sent += page?.bytes ?? 0;
      return page;
    } finally {
      unread.coming -= most;
      unread.pages.delete(reading);
    }
  }

  /** Resolves once the client has read all that it was sent until it was asked, or is gone. */
  #hasRead(connection: Connection, unread: Unread, isLive: () => boolean): Promise<void> {
    unread.asked ??= this.#ask(connection, unread, isLive);
    return unread.asked;
  }

  async #ask(connection: Connection, unread: Unread, isLive: () => boolean): Promise<void> {
    const n = this.#ports.clock.now();
    const { sent } = unread;
    connection.ask(n);
    await new Promise<void>((resolve) => this.#look(connection, n, { isLive, resolve }));
    unread.sent -= sent;
    unread.asked = undefined;
  }

  #look(connection: Connection, n: number, wait: { isLive(): boolean; resolve(): void }): void {
    const heardAt = Math.max(this.#of(connection).answered, connection.socket.pingedAt() ?? 0);
    if (heardAt >= n || !wait.isLive()) return wait.resolve();
    this.#ports.timers.after(LOOK_AGAIN_MS, () => this.#look(connection, n, wait));
  }

  #of(connection: Connection): Unread {
    const known = this.#unread.get(connection);
    const unread = known ?? { sent: 0, coming: 0, pages: new Set(), asked: undefined, answered: 0 };
    if (known === undefined) this.#unread.set(connection, unread);
    return unread;
  }
}
