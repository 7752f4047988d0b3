import { type Clock, type EndReason, WITHOUT_GRACE } from "../../objects/ports.ts";
import { CLOSE, type CloseCode } from "../../protocol/close-codes.ts";
import type { Connection } from "../connection.ts";
import type { Connections } from "../connections.ts";
import type { Admissions } from "./admissions.ts";
import type { KeptMembers } from "./kept-members.ts";
import type { KeptSessions } from "./kept-sessions.ts";

/**
 * Ends sessions that this keeper keeps, whoever wants them to end: the row says so, and with it the debt to
 * tell the user. `onEnded` is called after one end or many: to set the alarm for grace and debts, and to pay.
 */
export class Endings {
  readonly #clock: Clock;
  readonly #sessions: KeptSessions;
  readonly #members: KeptMembers;
  readonly #admissions: Admissions;
  readonly #connections: Connections;
  readonly #onEnded: () => void;

  constructor(
    clock: Clock,
    of: { sessions: KeptSessions; members: KeptMembers; admissions: Admissions; connections: Connections },
    onEnded: () => void,
  ) {
    this.#clock = clock;
    this.#sessions = of.sessions;
    this.#members = of.members;
    this.#admissions = of.admissions;
    this.#connections = of.connections;
    this.#onEnded = onEnded;
  }

  end(session: string, reason: EndReason): void {
    this.#mark(session, reason);
    this.#onEnded();
  }

  /** A subscription is over, as its user's object said: nobody has to be told. */
  endSubscription(session: string, at: number, reason: EndReason): void {
    const row = this.#sessions.endAsTold(session, Math.min(at, this.#clock.now()), reason);
    if (row !== undefined) this.#members.put(row);
    this.#onEnded();
  }

  /** Those whose connections a sweep has ended. */
  endAll(ended: readonly { connection: Connection; reason: EndReason }[]): void {
    for (const { connection, reason } of ended) this.#mark(connection.session, reason);
    this.#onEnded();
  }

  /** Likewise one that can't be told any more, if it has not ended meanwhile. */
  cut(connection: Connection, code: CloseCode, text: string, reason: EndReason): void {
    if (this.#connections.find(connection.session) === connection)
      this.endConnection(connection, code, text, reason);
  }

  endConnection(connection: Connection, code: CloseCode, text: string, reason: EndReason): void {
    this.#connections.end(connection, code, text);
    this.end(connection.session, reason);
  }

  /** Ends a session with its connection, if it has one by now. Some reasons allow no grace, also to what ended before. */
  order(session: string, code: CloseCode, reason: EndReason): void {
    const connection = this.#connections.find(session);
    if (connection !== undefined) this.#connections.end(connection, code, reason);
    this.end(session, reason);
    const user = WITHOUT_GRACE.has(reason) ? this.#sessions.userOf(session) : undefined;
    if (user !== undefined) this.#sessions.endGrace(user);
  }

  /** Sends a user away, who leaves at once; but for connections that are back by then. */
  remove(user: string, isBack: (connection: Connection) => boolean = () => false): void {
    for (const row of [...this.#sessions.all()]) {
      if (row.user !== user || row.end !== null) continue;
      const connection = this.#connections.find(row.session);
      if (connection === undefined || !isBack(connection)) this.order(row.session, CLOSE.ended, "removed");
    }
    this.#sessions.endGrace(user);
  }

  /** The channel is forgotten: nobody is a member any more, and whoever comes back is new. */
  forgetAll(code: CloseCode = CLOSE.tryAgain): void {
    for (const connection of [...this.#connections.all()])
      this.#connections.end(connection, code, "channel deleted");
    for (const { session, user, order, end } of [...this.#sessions.all()]) {
      if (end === null) this.#mark(session, order === undefined ? "removed" : "deleted");
      else this.#sessions.endGrace(user);
    }
    this.#onEnded();
  }

  /** What a crash or deploy cut off gave no close event: a row without a socket is over, and the reverse. */
  reconcile(): void {
    const unknown: Connection[] = [];
    for (const connection of [...this.#connections.all()]) {
      if (this.#sessions.live(connection.session) !== undefined) continue;
      this.#connections.end(connection, CLOSE.tryAgain, "session unknown");
      if (this.#sessions.userOf(connection.session) === undefined) unknown.push(connection);
    }
    for (const connection of unknown) this.#recall(connection);
    for (const { session, order, end } of [...this.#sessions.all()]) {
      if (order !== undefined) continue; // it has no socket here: its user's object says when it is over
      if (end === null && this.#connections.find(session) === undefined) this.#mark(session, "lost");
    }
  }

  /**
   * A socket whose row is lost, and with it the whole storage: the user's object counts its session as live.
   * The row comes back from the attachment, to end at once, so that the debt is kept and a return unnoticed.
   */
  #recall({ session, user, state: { device, claims, connectedAt } }: Connection): void {
    const info = claims.info === undefined ? {} : { info: claims.info };
    const row = { session, user, device, ...info, connectedAt, joinedAt: connectedAt, end: null };
    this.#sessions.begin(row);
    this.#mark(session, "lost");
  }

  #mark(session: string, reason: EndReason): void {
    const isMember = !this.#admissions.finish(session);
    const row = this.#sessions.end(session, this.#clock.now(), isMember ? reason : "refused");
    if (row !== undefined && (isMember || this.#members.isCounted(row))) this.#members.put(row);
  }
}
