import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Sweep } from "../connections/sweep.ts";
import type { Clock } from "../objects/ports.ts";
import type { SessionRow } from "./presence/session-table.ts";
import type { Sessions } from "./presence/sessions.ts";

interface Rooms {
  clock: Clock;
  connections: Connections;
  sessions: Sessions;
  sweep: Sweep;
}

/** Whom a read may count: never an own connection that has been silent for the TTL, which is asked at once. */
export class Counting {
  readonly #rooms: Rooms;
  readonly #turn: { ready(): void; settle(): void };

  constructor(rooms: Rooms, turn: { ready(): void; settle(): void }) {
    this.#rooms = rooms;
    this.#turn = turn;
  }

  /** Live sessions that a read may count. */
  live(): SessionRow[] {
    const silent = this.silent();
    return this.#rooms.sessions.live().filter(({ session }) => !silent.has(session));
  }

  /** Before a read: what is due is done, and who fell silent is asked. Sessions that no read may count. */
  silent(): ReadonlySet<string> {
    const { clock, connections, sweep } = this.#rooms;
    this.#turn.ready();
    const isSilent = (connection: Connection) => !connections.isHeard(connection);
    if ([...connections.all()].some(isSilent)) sweep.run(clock.now());
    this.#turn.settle();
    return new Set([...connections.all()].filter(isSilent).map(({ session }) => session));
  }
}
