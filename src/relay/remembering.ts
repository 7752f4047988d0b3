import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Clock, Timers } from "../objects/ports.ts";
import type { Remembered } from "./feed.ts";

/** An object sleeps after ten seconds of quiet at the earliest: long before, its position is remembered. */
const QUIET_MS = 2_000;
/** All of them would have to close at once for the position to be lost; then the others come back, and recover. */
const SOCKETS = 8;

/**
 * Carries a relay's position through sleep, without a row: a few of its sockets hold it in their attachments. A
 * crash takes the sockets too. While much is said nothing is written; in the quiet after it, once.
 */
export class Remembering {
  readonly #ports: { clock: Clock; timers: Timers };
  readonly #connections: Connections;
  readonly #current: () => Remembered | undefined;
  /** Who holds it. */
  #holders: Connection[];
  #changedAt = 0;
  #isTimerSet = false;

  constructor(
    ports: { clock: Clock; timers: Timers },
    connections: Connections,
    current: () => Remembered | undefined,
  ) {
    this.#ports = ports;
    this.#connections = connections;
    this.#current = current;
    this.#holders = [...connections.all()].filter(({ state }) => state.relayed !== undefined);
  }

  /** Connections have closed or were ended: if any of them held the position, others have to. */
  ended(): void {
    const isLive = (one: Connection) => this.#connections.find(one.session) === one;
    if (!this.#holders.every(isLive)) this.soon();
  }

  /** The position has moved. */
  soon(): void {
    this.#changedAt = this.#ports.clock.now();
    this.#wait(QUIET_MS);
  }

  #wait(ms: number): void {
    if (this.#isTimerSet) return;
    this.#isTimerSet = true;
    this.#ports.timers.after(ms, () => {
      this.#isTimerSet = false;
      const quietMs = this.#ports.clock.now() - this.#changedAt;
      if (quietMs >= 0 && quietMs < QUIET_MS) this.#wait(QUIET_MS - quietMs);
      else this.#write();
    });
  }

  /** Whoever held an older one forgets it: were it found alone, what came after it would be told twice. */
  #write(): void {
    const remembered = this.#current();
    if (remembered === undefined) return;
    const at = this.#ports.clock.now();
    this.#holders = [];
    for (const connection of this.#connections.all()) {
      if (this.#holders.length < SOCKETS) {
        connection.update({ relayed: { ...remembered, at } });
        this.#holders.push(connection);
      } else if (connection.state.relayed !== undefined) connection.update({ relayed: undefined });
    }
  }
}

/** What these sockets remember, the latest; undefined where none does. */
export function rememberedBy(connections: Connections): Remembered | undefined {
  let latest: (Remembered & { at: number }) | undefined;
  for (const { state } of connections.all()) {
    if (state.relayed !== undefined && state.relayed.at >= (latest?.at ?? 0)) latest = state.relayed;
  }
  if (latest === undefined) return undefined;
  const { at: _, ...remembered } = latest;
  return remembered;
}
