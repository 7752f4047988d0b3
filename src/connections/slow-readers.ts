import type { Clock } from "../objects/ports.ts";
import type { Connection } from "./connection.ts";

/** What was sent on a connection without being known to be read: then it is asked. */
const ASK_BYTES = 1_048_576;
/** The contract: a slow reader is one that was sent so much since it last answered a `probe`. */
const MAX_UNREAD_BYTES = 4 * ASK_BYTES;
/** What all were sent is counted once, and added to what each was sent so often. */
const STEP_BYTES = ASK_BYTES / 4;

/** A question that was not answered yet. */
interface Asked {
  /** When, and its number. */
  n: number;
  /** What was unread then: so much has been read by whoever answers. */
  bytes: number;
}

/**
 * How much each connection was sent that it is not known to have read. What goes to everybody is one addition,
 * however many they are. In memory: what sleep forgets, the platform had ten quiet seconds to get rid of.
 */
export class SlowReaders {
  readonly #clock: Clock;
  readonly #group: { all(): Iterable<Connection> };
  readonly #onSlow: (connection: Connection) => void;
  readonly #asked = new Map<Connection, Asked>();
  /** A client that answers by number does so always: a `ping` of it is its heartbeat. */
  readonly #exact = new WeakSet<Connection>();
  #toAll = 0;

  /** `onSlow` hears of a connection that must end; it may be told more than once. */
  constructor(
    clock: Clock,
    group: { all(): Iterable<Connection> },
    onSlow: (connection: Connection) => void,
  ) {
    this.#clock = clock;
    this.#group = group;
    this.#onSlow = onSlow;
  }

  /** It is here from now on: what all were sent before was not for it. */
  opened(connection: Connection): void {
    connection.unreadBytes = -this.#toAll;
  }

  forget(connection: Connection): void {
    this.#asked.delete(connection);
  }

  /** Bytes that it has been sent and is not known to have read. */
  unreadOf(connection: Connection): number {
    return connection.unreadBytes + this.#toAll;
  }

  /** This one alone was sent so many bytes. */
  sent(connection: Connection, bytes: number): void {
    connection.unreadBytes += bytes;
    this.#judge(connection);
  }

  /** Of what all are being sent, this one is not. */
  missed(connection: Connection, bytes: number): void {
    connection.unreadBytes -= bytes;
  }

  /** All were sent so many bytes. */
  sentToAll(bytes: number): void {
    this.#toAll += bytes;
    if (this.#toAll < STEP_BYTES) return;
    const step = this.#toAll;
    this.#toAll = 0;
    for (const connection of this.#group.all()) {
      connection.unreadBytes += step;
      this.#judge(connection);
    }
  }

  /** It is being asked whether it is there, by the probe `n`. */
  asked(connection: Connection, n: number): void {
    const bytes = this.unreadOf(connection);
    if (bytes >= STEP_BYTES) this.#asked.set(connection, { n, bytes });
  }

  /** It has answered the probe `n`. */
  answered(connection: Connection, n: number): void {
    this.#exact.add(connection);
    const asked = this.#asked.get(connection);
    if (asked !== undefined && n >= asked.n) this.#hasRead(connection, asked);
  }

  #judge(connection: Connection): void {
    if (this.unreadOf(connection) < ASK_BYTES) return;
    const asked = this.#asked.get(connection);
    if (asked === undefined) return connection.ask(this.#clock.now());
    if (!this.#exact.has(connection) && (connection.socket.pingedAt() ?? 0) >= asked.n) {
      this.#hasRead(connection, asked);
      return this.#judge(connection);
    }
    if (this.unreadOf(connection) >= MAX_UNREAD_BYTES) this.#onSlow(connection);
  }

  #hasRead(connection: Connection, { bytes }: Asked): void {
    this.#asked.delete(connection);
    connection.unreadBytes -= bytes;
  }
}
