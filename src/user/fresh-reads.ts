import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Sweep } from "../connections/sweep.ts";
import type { Clock, Objects } from "../objects/ports.ts";
import type { Session } from "../protocol/bodies.ts";
import { listSessions } from "./presence/session-list.ts";
import type { SessionRow } from "./presence/session-table.ts";
import type { Sessions } from "./presence/sessions.ts";

interface Of {
  name: string;
  sessions: Sessions;
  connections: Connections;
  sweep: Sweep;
}

/** Reads are about who is there now: what is due is done before, and no read counts who has fallen silent. */
export class FreshReads {
  readonly #ports: { clock: Clock; objects: Objects };
  readonly #of: Of;
  readonly #turn: { ready(): void; settle(): void };

  constructor(ports: { clock: Clock; objects: Objects }, of: Of, turn: { ready(): void; settle(): void }) {
    this.#ports = ports;
    this.#of = of;
    this.#turn = turn;
  }

  /** Live sessions that a read may count. */
  counted(): SessionRow[] {
    const silent = this.silent();
    return this.#of.sessions.live().filter(({ session }) => !silent.has(session));
  }

  /** The same, as the user and keys may see them. */
  list(): Promise<Session[]> {
    const { name, connections } = this.#of;
    return listSessions(name, this.counted(), connections, this.#ports.objects);
  }

  /** Whom no read may count: they are asked at once. */
  silent(): ReadonlySet<string> {
    const { connections, sweep } = this.#of;
    this.#turn.ready();
    const isSilent = (connection: Connection) => !connections.isHeard(connection);
    if ([...connections.all()].some(isSilent)) sweep.run(this.#ports.clock.now());
    this.#turn.settle();
    return new Set([...connections.all()].filter(isSilent).map(({ session }) => session));
  }
}
