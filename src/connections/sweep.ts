import type { Duty } from "../objects/due-times.ts";
import type { Alarm, Clock } from "../objects/ports.ts";
import type { Connection } from "./connection.ts";
import type { Connections, Ended } from "./connections.ts";

/**
 * The duty that finds dead connections: one sweep over all sockets per interval, and a second one only while
 * somebody who was probed has not answered, or when a token ends. The interval is asked for at each sweep.
 */
export class Sweep implements Duty {
  readonly name = "sweep";
  readonly #connections: Connections;
  readonly #clock: Clock;
  readonly #intervalMs: () => number;
  readonly #onEnded: (ended: Ended[]) => void;
  #regularAt: number | null;
  #earlyAt = Number.POSITIVE_INFINITY;

  /** On wake-up nothing is known of the last sweep but the alarm that it left behind: that one is the next. */
  constructor(
    ports: { clock: Clock; alarm: Alarm },
    connections: Connections,
    intervalMs: () => number,
    onEnded: (ended: Ended[]) => void,
  ) {
    this.#clock = ports.clock;
    this.#connections = connections;
    this.#intervalMs = intervalMs;
    this.#onEnded = onEnded;
    this.#regularAt = connections.size === 0 ? null : (ports.alarm.at() ?? ports.clock.now());
  }

  /** A connection was opened. The first one starts the interval anew: what was planned for others is past. */
  watch(connection: Connection): void {
    if (this.#connections.size === 1) {
      this.#regularAt = this.#clock.now() + this.#intervalMs();
      this.#earlyAt = Number.POSITIVE_INFINITY;
    }
    this.#earlyAt = Math.min(this.#earlyAt, this.#connections.expiryOf(connection));
  }

  /** The interval has become shorter: the next sweep is no further away than that. */
  quicken(): void {
    if (this.#regularAt === null) return;
    this.#regularAt = Math.min(this.#regularAt, this.#clock.now() + this.#intervalMs());
  }

  nextAt(): number | null {
    if (this.#connections.size === 0 || this.#regularAt === null) return null;
    return Math.min(this.#regularAt, this.#earlyAt);
  }

  run(now: number): void {
    const { ended, next } = this.#connections.sweep();
    this.#earlyAt = next ?? Number.POSITIVE_INFINITY;
    this.#regularAt = this.#connections.size === 0 ? null : now + this.#intervalMs();
    this.#onEnded(ended);
  }
}
