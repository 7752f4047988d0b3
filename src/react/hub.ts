import { type Connection, type ConnectionState, RollcallError, type Timers } from "../client/index.ts";
import { Cell } from "./cell.ts";
import { type Held, Lingering } from "./lingering.ts";
import { Room } from "./room.ts";
import { pageTimers } from "./timers.ts";
import { WatchedUsers } from "./watched-users.ts";

/** How the connection stands. The same object until that is another. */
export interface ConnectionStatus {
  /** The SDK's own, for all that there is no hook for; undefined on a server and before the first effect. */
  client: Connection | undefined;
  state: ConnectionState;
  /** Whose it is: known from the first welcome on, and while it is lost. */
  user: string | undefined;
}

/** Before there is a connection, and on a server. */
export const NOT_CONNECTED: ConnectionStatus = {
  client: undefined,
  state: { name: "connecting", failures: 0 },
  user: undefined,
};

export interface HubSetup {
  connect(): Connection;
  /** Whose connection it is to close: not the hub's where the application has made it. */
  isOwner: boolean;
  failed(error: RollcallError): void;
  timers?: Timers;
}

/** What the hooks below one provider share: a connection, the channels and the people that something is shown of. */
export class Hub {
  readonly status = new Cell(NOT_CONNECTED);
  readonly users: WatchedUsers;
  readonly #setup: HubSetup;
  readonly #timers: Timers;
  readonly #connection: Lingering<Connection>;
  readonly #rooms = new Map<string, Lingering<Room>>();
  #stops: (() => void)[] = [];

  constructor(setup: HubSetup) {
    this.#setup = setup;
    this.#timers = setup.timers ?? pageTimers;
    this.users = new WatchedUsers({ timers: this.#timers, failed: setup.failed });
    this.#connection = new Lingering<Connection>({
      timers: this.#timers,
      begin: () => this.#begin(),
      end: (connection) => this.#end(connection),
      // Closed by the application or by the service: components that come later shall see that, not undo it.
      isOver: () => false,
    });
  }

  get timers(): Timers {
    return this.#timers;
  }

  /** Connects if nobody has yet. */
  hold(): Held<Connection> {
    return this.#connection.hold();
  }

  /** The channel as it is known now, if it is. */
  room(name: string): Room | undefined {
    return this.#rooms.get(name)?.current;
  }

  /** Joins the channel if nobody has yet. Throws what `client.channel` throws. */
  holdRoom(name: string): Held<Room> {
    const connection = this.hold();
    try {
      const lingering = this.#rooms.get(name) ?? this.#lingeringRoom(name);
      const room = lingering.hold();
      this.#rooms.set(name, lingering); // also where what it held had ended by itself
      const release = () => {
        room.release(); // first: it leaves before the connection closes
        connection.release();
      };
      return { value: room.value, release };
    } catch (error) {
      connection.release();
      throw error;
    }
  }

  /** Resolves once there is an open connection. Rejects with `not_connected` where there is none to wait for. */
  async opened(): Promise<Connection> {
    for (;;) {
      const { client, state } = this.status.get();
      if (client === undefined || state.name === "closed")
        throw new RollcallError("not_connected", "the connection is closed");
      if (state.name === "open") return client;
      await new Promise<void>((resolve) => {
        const stop = this.status.subscribe(() => {
          stop();
          resolve();
        });
      });
    }
  }

  #lingeringRoom(name: string): Lingering<Room> {
    return new Lingering<Room>({
      timers: this.#timers,
      begin: () => this.#join(name),
      end: (room) => {
        this.#rooms.delete(name);
        room.end();
      },
      isOver: (room) => room.channel.state.name === "closed",
    });
  }

  #join(name: string): Room {
    const connection = this.#connection.current;
    if (connection === undefined) throw new Error("a channel without a connection");
    return new Room({
      timers: this.#timers,
      channel: connection.channel(name),
      isOwn: (user) => user === this.status.get().user,
      failed: this.#setup.failed,
    });
  }

  #begin(): Connection {
    const client = this.#setup.connect();
    const tell = (state: ConnectionState) => {
      const user = state.name === "open" ? state.user : this.status.get().user;
      this.status.set({ client, state, user });
      if (state.name === "open") this.users.opened(client);
    };
    this.#stops = [
      client.on("status", tell),
      client.on("presence", (presence) => this.users.heard(presence)),
      client.on("error", this.#setup.failed),
    ];
    tell(client.state);
    return client;
  }

  #end(connection: Connection): void {
    for (const stop of this.#stops.splice(0)) stop();
    this.users.closed();
    if (this.#setup.isOwner) connection.close("the page has no more use for it");
    this.status.set(NOT_CONNECTED);
  }
}
