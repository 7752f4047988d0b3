import { HeldOff, tooManyConnects } from "../../objects/held-off.ts";
import type {
  Clock,
  ConnectRequest,
  KeeperName,
  Log,
  MemberState,
  Random,
  Socket,
} from "../../objects/ports.ts";
import { isRefusal, type Refusal, refusal } from "../../protocol/codes.ts";
import type { Connection } from "../connection.ts";
import type { Connections } from "../connections.ts";
import type { Admissions, Refused } from "./admissions.ts";
import type { Endings } from "./endings.ts";
import type { KeptMembers } from "./kept-members.ts";
import type { KeptSessions } from "./kept-sessions.ts";
import type { SessionRow } from "./session-table.ts";

interface Rooms {
  sessions: KeptSessions;
  members: KeptMembers;
  admissions: Admissions;
  endings: Endings;
  connections: Connections;
}

/** A session that its user's object has admitted and that has no socket yet. */
export interface Admitted {
  row: SessionRow;
  member: MemberState;
}

/**
 * How a connection begins. The row and the alarm come first, then the user's object admits, then the socket is
 * accepted and counted in one turn. So whatever dies in between leaves a row without a socket and without an
 * admission under way, and such a row is over: its user is told by outbox. A keeper that has to ask another
 * object besides does so between `ask` and `open`.
 */
export class Entrance {
  readonly #ports: { clock: Clock; random: Random; log: Log };
  readonly #keeper: KeeperName;
  readonly #rooms: Rooms;
  readonly #due: () => void;
  /** Users whose object refused them a moment ago: until then they cost no row and no call. */
  readonly #heldOff = new HeldOff();

  constructor(
    ports: { clock: Clock; random: Random; log: Log },
    keeper: KeeperName,
    rooms: Rooms,
    due: () => void,
  ) {
    this.#ports = ports;
    this.#keeper = keeper;
    this.#rooms = rooms;
    this.#due = due;
  }

  /** The connection, counted and not yet welcomed; or why not. */
  async enter(request: ConnectRequest, accept: () => Socket): Promise<Connection | Refusal> {
    const admitted = await this.ask(request);
    return isRefusal(admitted) ? admitted : this.open(admitted, request, accept);
  }

  /** Begins a session, which then waits to be opened; or why not. */
  async ask(request: ConnectRequest): Promise<Admitted | Refusal> {
    const { sessions, admissions } = this.#rooms;
    const heldMs = this.#heldOff.waitMs(request.user, this.#ports.clock.now());
    if (heldMs > 0) return tooManyConnects(heldMs);
    const session = this.#begin(request);
    const admission = await admissions.ask(session, this.#keeper, request);
    if (admission.is !== "admitted") return this.#refuse(session, request.user, admission);
    const row = sessions.live(session);
    return row === undefined ? ended() : { row, member: admission.member };
  }

  /** Accepts the socket of a session that waits, and counts it, in one turn. */
  open(admitted: Admitted, request: ConnectRequest, accept: () => Socket): Connection | Refusal {
    const { sessions, members, admissions, endings, connections } = this.#rooms;
    const { session } = admitted.row;
    const row = sessions.live(session);
    if (row === undefined) return ended();
    const socket = this.#accepted(accept);
    if (socket === undefined) {
      endings.end(session, "refused");
      return refusal("unavailable", "no room for another connection");
    }
    admissions.finish(session);
    members.admitted(row.user, admitted.member);
    members.put(row);
    return connections.open(socket, session, request);
  }

  #begin({ user, device, claims }: ConnectRequest): string {
    const { sessions, members, admissions } = this.#rooms;
    const session = this.#ports.random.id();
    const connectedAt = this.#ports.clock.now();
    const joinedAt = members.joinedAt(user) ?? connectedAt;
    const info = claims.info === undefined ? {} : { info: claims.info };
    sessions.begin({ session, user, device, ...info, connectedAt, joinedAt, end: null });
    admissions.begin(session, connectedAt);
    this.#due();
    return session;
  }

  /** Where the user's object did not answer it may have admitted: the debt of an ended row undoes that. */
  #refuse(session: string, user: string, refused: Refused): Refusal {
    const { sessions, admissions, endings } = this.#rooms;
    const { limit, retryAfterMs = 0 } = refused.refusal;
    if (limit === "connects") this.#heldOff.hold(user, this.#ports.clock.now() + retryAfterMs);
    if (refused.is === "unknown") endings.end(session, "refused");
    else if (sessions.live(session) !== undefined) {
      admissions.finish(session);
      sessions.delete(session);
    }
    return refused.refusal;
  }

  #accepted(accept: () => Socket): Socket | undefined {
    try {
      return accept();
    } catch (cause) {
      this.#ports.log.warn("socket not accepted", { sockets: this.#rooms.connections.size }, cause);
      return undefined;
    }
  }
}

function ended(): Refusal {
  return refusal("session_gone", "ended while it was connecting");
}
