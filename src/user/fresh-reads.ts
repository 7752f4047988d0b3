import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import type { Sweep } from "../connections/sweep.ts";
import type { Clock } from "../objects/ports.ts";
import type { SessionRow } from "./presence/session-table.ts";
import type { Sessions } from "./presence/sessions.ts";

/** Reads are about who is there now: what is due is done before, and no read counts who has fallen silent. */
export class FreshReads {
  readonly #clock: Clock;
  readonly #of: { sessions: Sessions; connections: Connections; sweep: Sweep };
  readonly #turn: { ready(): void; settle(): void };

  constructor(
    clock: Clock,
    of: { sessions: Sessions; connections: Connections; sweep: Sweep },
    turn: { ready(): void; settle(): void },
  ) {
    this.#clock = clock;
    this.#of = of;
    this.#turn = turn;
  }

  /** Live sessions that a read may count. */
  counted(): SessionRow[] {
    const silent = this.silent();
    return this.#of.sessions.live().filter(({ session }) => !silent.has(session));
  }

  /** Whom no read may count: they are asked at once. */
  silent(): ReadonlySet<string> {
    const { connections, sweep } = this.#of;
    this.#turn.ready();
    const isSilent = (connection: Connection) => !connections.isHeard(connection);
    if ([...connections.all()].some(isSilent)) sweep.run(this.#clock.now());
    this.#turn.settle();
    return new Set([...connections.all()].filter(isSilent).map(({ session }) => session));
  }
}
