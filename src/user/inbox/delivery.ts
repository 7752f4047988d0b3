import { type Connection, fromConnection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import type { Log } from "../../objects/ports.ts";
import { MAX_DIRECTS_IN_FLIGHT } from "../../protocol/limits.ts";
import { NO_DEVICE } from "./devices.ts";
import { directFrame } from "./direct-text.ts";
import type { Inbox } from "./inbox.ts";

/** The device whose cursor a connection moves. */
export function deviceOf({ state }: Connection): string {
  return state.device.id ?? NO_DEVICE;
}

/**
 * Sends what waits to the user's own connections, to each in the order of `seq` and at most a hundred that its
 * device has not acknowledged: the rest follows as acknowledgements come. How far a connection was told stands in
 * its attachment, so that sleep repeats nothing.
 */
export class Delivery {
  readonly #inbox: Inbox;
  readonly #connections: Connections;
  readonly #log: Log;

  constructor(inbox: Inbox, connections: Connections, log: Log) {
    this.#inbox = inbox;
    this.#connections = connections;
    this.#log = log;
  }

  /** A connection begins: after what its device has acknowledged, or what it says that it has seen. */
  begin(connection: Connection, seen = 0): void {
    if (seen > 0 && seen <= this.#inbox.latest) connection.update({ sentSeq: seen });
    this.fill(connection);
  }

  /** The connection is on another device now: it is told what waits for that one. */
  begunAnew(connection: Connection): void {
    connection.update({ sentSeq: 0 });
    this.fill(connection);
  }

  /** To how many connections something went. */
  fillAll(): number {
    let told = 0;
    for (const connection of this.#connections.all()) if (this.fill(connection)) told++;
    return told;
  }

  /** Whether something went to it. */
  fill(connection: Connection): boolean {
    const { inbox, from } = { inbox: this.#inbox, from: fromConnection(connection) };
    const acked = inbox.ackedOf(deviceOf(connection));
    const before = Math.max(connection.state.sentSeq, acked);
    const most = MAX_DIRECTS_IN_FLIGHT;
    const room = most - inbox.waitingFor(from, acked, before, most);
    let reached = before;
    let told = 0;
    for (const message of room > 0 ? inbox.after(before, room) : []) {
      if (inbox.isTold(message, from)) {
        if (told === room || !this.#send(connection, directFrame(inbox.epoch, message))) break;
        told++;
      }
      reached = message.seq;
    }
    if (reached > connection.state.sentSeq) connection.update({ sentSeq: reached });
    return told > 0;
  }

  /** A socket that fails takes nobody else's message with it; what it was not sent it gets when it comes back. */
  #send(connection: Connection, text: string): boolean {
    try {
      connection.tell(text);
      return true;
    } catch (cause) {
      this.#log.warn("direct message not sent", { session: connection.session }, cause);
      return false;
    }
  }
}
