import type { Connection } from "../connections/connection.ts";
import type { Connections } from "../connections/connections.ts";
import { FIRST_RETRY_MS, Outbox } from "../objects/outbox.ts";
import type { Background, Clock, EndReason, Log, Objects, Sql } from "../objects/ports.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { type EndDebt, EndDebtTable } from "./end-debt-table.ts";
import { keeperOf } from "./presence/keepers.ts";
import type { SessionRow } from "./presence/session-table.ts";
import type { Sessions } from "./presence/sessions.ts";

/** Ends sessions of the user wherever they are kept: here at once, elsewhere by a debt to their keeper. */
export class Endings {
  readonly outbox: Outbox<EndDebt>;
  /** Since this object woke. */
  endedSoFar = 0;
  readonly #clock: Clock;
  readonly #sessions: Sessions;
  readonly #connections: Connections;
  readonly #debts: EndDebtTable;
  readonly #onEnd: (row: SessionRow) => void;

  /** `onEnd` hears of every live session that ends here. */
  constructor(
    ports: { clock: Clock; background: Background; log: Log; objects: Objects; sql: Sql },
    sessions: Sessions,
    connections: Connections,
    onEnd: (row: SessionRow) => void,
  ) {
    this.#clock = ports.clock;
    this.#sessions = sessions;
    this.#connections = connections;
    this.#onEnd = onEnd;
    this.#debts = new EndDebtTable(ports.sql);
    this.outbox = new Outbox(
      ports,
      this.#debts,
      ({ id, channel, relay, code, reason }) => {
        const keeper = { kind: "channel" as const, channel, ...(relay !== null && { relay }) };
        return keeperOf(ports.objects, keeper).end(id, code, reason);
      },
      (id) => {
        this.#debts.settle(id);
        this.outbox.forget(id); // the same session may become a debt again: ended, then erased
      },
    );
  }

  /** In one transaction. Other keepers of some are told by the outbox until they confirm. */
  endAll(rows: readonly SessionRow[], code: CloseCode, reason: EndReason): void {
    if (rows.length === 0) return; // a transaction would make tables for a user who never was
    this.#sessions.change(() => {
      for (const row of rows) this.#endByUs(row, code, reason);
    });
  }

  /** The end of a connection that is kept here. */
  endOwn(connection: Connection, code: CloseCode, text: string, reason: EndReason): void {
    this.#connections.end(connection, code, text);
    this.end(connection.session, reason);
  }

  /** The session is over, whatever keeps it. */
  end(session: string, reason: EndReason): void {
    const row = this.#sessions.findLive(session);
    this.#sessions.end(session, this.#clock.now(), reason);
    if (row === undefined) return;
    this.endedSoFar += 1;
    this.#onEnd(row);
  }

  /** Whether its keeper has yet to hear that this session is over. */
  owes(session: string): boolean {
    return this.#debts.owes(session);
  }

  /** What a crash or deploy cut off gave no close event: a row without a socket is over, and the reverse. */
  reconcile(): void {
    const own = this.#sessions.live().filter(({ keeper }) => keeper.kind === "user");
    const rows = new Set(own.map(({ session }) => session));
    for (const connection of [...this.#connections.all()]) {
      if (!rows.has(connection.session)) this.#connections.end(connection, CLOSE.tryAgain, "session unknown");
    }
    for (const { session } of own) {
      if (this.#connections.find(session) === undefined) this.end(session, "lost");
    }
  }

  #endByUs(row: SessionRow, code: CloseCode, reason: EndReason): void {
    const connection = this.#connections.find(row.session);
    if (row.keeper.kind === "channel") {
      const dueAt = this.#clock.now() + FIRST_RETRY_MS;
      this.#debts.owe(row.session, row.keeper, { code, reason, dueAt });
    } else if (connection !== undefined) this.#connections.end(connection, code, reason);
    this.end(row.session, reason);
  }
}
