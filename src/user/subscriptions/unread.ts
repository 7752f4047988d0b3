import type { Connection } from "../../connections/connection.ts";
import type { Clock, Timers } from "../../objects/ports.ts";

/** So often it is looked whether a client has said `ping`, which wakes nobody. */
const LOOK_AGAIN_MS = 250;

/**
 * Asks clients that were sent a lot whether they have read it: by the probe that finds the dead anyway, answered
 * with its number or with `ping`. While somebody is waited for the object stays awake; who keeps silent is ended.
 */
export class Reading {
  readonly #ports: { clock: Clock; timers: Timers };
  /** The last probe that each has answered. */
  readonly #answered = new WeakMap<Connection, number>();

  constructor(ports: { clock: Clock; timers: Timers }) {
    this.#ports = ports;
  }

  /** An answer to the probe `n`. */
  answered(connection: Connection, n: number): void {
    this.#answered.set(connection, Math.max(n, this.#answered.get(connection) ?? 0));
  }

  /** Resolves once the client has read all that it was sent until now, or is gone. */
  hasRead(connection: Connection, isLive: () => boolean): Promise<void> {
    const n = this.#ports.clock.now();
    connection.update({ probedAt: n });
    connection.send({ type: "probe", n });
    return new Promise((resolve) => this.#look(connection, n, { isLive, resolve }));
  }

  #look(connection: Connection, n: number, wait: { isLive(): boolean; resolve(): void }): void {
    const heardAt = Math.max(this.#answered.get(connection) ?? 0, connection.socket.pingedAt() ?? 0);
    if (heardAt >= n || !wait.isLive()) return wait.resolve();
    this.#ports.timers.after(LOOK_AGAIN_MS, () => this.#look(connection, n, wait));
  }
}
