import type { Connection, PresenceChange } from "../client/index.ts";

/**
 * A second connection of a card that sits in a channel: the person's own, while something needs it. It is the
 * same device, so what the card says of its session is said here too: a session that says nothing is online.
 */
export class SideConnection {
  readonly #connect: () => Connection;
  #connection: Connection | undefined;
  #said: { change: PresenceChange; at: number } | undefined;

  constructor(connect: () => Connection) {
    this.#connect = connect;
  }

  /** The one that is open, or a new one. */
  open(): Connection {
    if (this.#connection !== undefined) return this.#connection;
    const connection = this.#connect();
    this.#connection = connection;
    const forget = connection.on("welcome", () => {
      forget(); // a reconnect says it again by itself
      const change = this.#left();
      if (change !== undefined) this.#repeat(connection, change);
    });
    return connection;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  /** The card has said this, and the service took it. */
  took(change: PresenceChange): void {
    if (change.scope === "user") return;
    this.#said = { change: { ...change, visibility: undefined }, at: Date.now() };
    if (this.#connection?.state.name === "open") this.#repeat(this.#connection, this.#said.change);
  }

  /** The card's session is over, and what it said with it. */
  forget(): void {
    this.#said = undefined;
  }

  #left(): PresenceChange | undefined {
    if (this.#said === undefined) return undefined;
    const { change, at } = this.#said;
    if (change.expiresInSeconds === undefined) return change;
    const expiresInSeconds = change.expiresInSeconds - (Date.now() - at) / 1000;
    return expiresInSeconds > 0 ? { ...change, expiresInSeconds } : undefined;
  }

  /** The service took the same from the card; what goes wrong here is told by the connection's state. */
  #repeat(connection: Connection, change: PresenceChange): void {
    connection.presence.set(change).catch(() => undefined);
  }
}
