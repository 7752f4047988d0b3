import type { Settings } from "../config.ts";
import type { Connection } from "../connections/connection.ts";
import { Connections } from "../connections/connections.ts";
import { answerHeartbeat, sendError } from "../connections/incoming.ts";
import { Renewals } from "../connections/renewals.ts";
import { Sweep } from "../connections/sweep.ts";
import { welcomeFrame } from "../connections/welcome.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import { FIRST_RETRY_MS, Outbox } from "../objects/outbox.ts";
import type {
  Admission,
  AdmitRequest,
  Allowance,
  AllowRequest,
  ConnectRequest,
  EndReason,
  Keeper,
  Ports,
  SessionEnd,
  Socket,
  UserPort,
} from "../objects/ports.ts";
import type { Presence, Session } from "../protocol/bodies.ts";
import type { ClientFrame } from "../protocol/client-frames.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { notAvailable } from "../protocol/later.ts";
import { ChannelFrames } from "./channel-frames.ts";
import { END_DEBT_MIGRATION, type EndDebt, EndDebtTable } from "./end-debt-table.ts";
import { forOthers } from "./presence.ts";
import { listSessions } from "./session-list.ts";
import { SESSION_MIGRATION, SESSION_TICKET_MIGRATION, type SessionRow } from "./session-table.ts";
import { Sessions } from "./sessions.ts";
import { USER_MIGRATION } from "./user-table.ts";

const MIGRATIONS = [
  [...SESSION_MIGRATION, ...USER_MIGRATION, ...END_DEBT_MIGRATION],
  [...SESSION_TICKET_MIGRATION],
];
/** While nobody can see the user, a wake-up per TTL would be paid for nothing: ten times slower. */
const UNSEEN_SWEEP_FACTOR = 10;

/**
 * One user: the truth about whether this user is online, on what, since when, and whether a session may
 * begin. It also keeps the sockets of the user's own connections.
 */
export class User implements Keeper, UserPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #name: string;
  readonly #sessions: Sessions;
  readonly #debts: EndDebtTable;
  readonly #connections: Connections;
  readonly #sweep: Sweep;
  readonly #outbox: Outbox<EndDebt>;
  readonly #due: DueTimes;
  readonly #channelFrames: ChannelFrames;
  readonly #renewals: Renewals;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    this.#name = name;
    const sql = new Database(ports.sql, MIGRATIONS);
    this.#sessions = new Sessions(name, sql, ports.clock, settings);
    this.#debts = new EndDebtTable(sql);
    this.#connections = new Connections(ports.sockets, ports.clock, settings);
    this.#channelFrames = new ChannelFrames(
      ports,
      settings,
      (connection) => this.#connections.find(connection.session) === connection,
    );
    this.#renewals = new Renewals(ports, this.#connections, {
      allow: (_, request) => this.allow(request),
      renewed: (connection) => {
        this.#sweep.watch(connection);
        this.#due.arm();
      },
    });
    const interval = settings.SESSION_TTL_SECONDS * 1000 * UNSEEN_SWEEP_FACTOR;
    this.#sweep = new Sweep(ports, this.#connections, interval, (ended) => {
      for (const { connection, reason } of ended) this.#end(connection.session, reason);
    });
    this.#outbox = new Outbox(
      ports,
      this.#debts,
      ({ id, channel, code, reason }) => ports.objects.channel(channel).end(id, code, reason),
      (id) => {
        this.#debts.settle(id);
        this.#outbox.forget(id); // the same session may become a debt again: ended, then erased
      },
    );
    const grace = {
      name: "grace",
      nextAt: () => this.#sessions.offlineAt(),
      run: () => this.#sessions.passGrace(),
    };
    this.#due = new DueTimes(ports, [this.#sweep, grace, this.#outbox]);
    this.#reconcile();
    this.#due.fire();
  }

  /** Row, admission, socket and welcome in one turn: this object is its own keeper, so nothing lies between. */
  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | undefined> {
    const session = this.#ports.random.id();
    const { claims, user: _, ...rest } = request;
    const connectedAt = this.#ports.clock.now();
    const keeper = { kind: "user" } as const;
    const admission = this.#admit({ ...rest, session, keeper, connectedAt, issuedAt: claims.iat ?? null });
    if (!admission.admitted) return admission.refused;
    const connection = this.#connections.open(accept(), session, request);
    this.#sweep.watch(connection);
    this.#due.arm();
    connection.send({ ...welcomeFrame(connection, this.#settings), inbox: { latest: 0, acked: 0 } });
    return undefined;
  }

  async admit(request: AdmitRequest): Promise<Admission> {
    return this.#admit(request);
  }

  async ended({ session, at, reason }: SessionEnd): Promise<void> {
    this.#sessions.end(session, Math.min(at, this.#ports.clock.now()), reason);
    this.#outbox.confirm(session);
    this.#due.arm();
  }

  async presence({ exact }: { exact: boolean }): Promise<Presence> {
    const presence = this.#sessions.presence(this.#freshSilent());
    return exact ? presence : forOthers(presence);
  }

  async sessions(): Promise<Session[]> {
    return listSessions(this.#name, this.#counted(), this.#connections, this.#ports.objects);
  }

  async allow({ issuedAt, ticket, session }: AllowRequest): Promise<Allowance> {
    const refused = this.#sessions.refusalOf(issuedAt, ticket);
    if (refused !== undefined) return { allowed: false, refused };
    const row = session === undefined ? undefined : this.#counted().find((live) => live.session === session);
    if (session !== undefined && row === undefined) {
      return { allowed: false, refused: refusal("session_gone", "no live session of this user") };
    }
    if (ticket !== undefined) this.#sessions.useUp(ticket);
    const device = row?.device.id;
    return device === undefined ? { allowed: true } : { allowed: true, device };
  }

  async endSession(session: string): Promise<boolean> {
    const row = this.#sessions.live().find((live) => live.session === session);
    if (row !== undefined) this.#endAll([row], CLOSE.ended, "ended");
    return row !== undefined;
  }

  async endAll({ revoke }: { revoke: boolean }): Promise<void> {
    if (revoke) this.#sessions.revoke();
    const [code, reason] = revoke
      ? ([CLOSE.tokenRevoked, "revoked"] as const)
      : ([CLOSE.ended, "ended"] as const);
    this.#endAll(this.#sessions.live(), code, reason);
  }

  async erase(): Promise<void> {
    this.#endAll(this.#sessions.all(), CLOSE.ended, "erased"); // also who is in a grace leaves at once
    this.#sessions.erase();
  }

  async received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    const connection = this.#connections.of(socket);
    if (connection === undefined) return; // ended by us while this frame was on its way
    const { messages, end } = this.#connections.read(connection, data);
    const answers = messages.map((frame) => this.#answer(connection, frame));
    if (end !== undefined) this.#endOwn(connection, end.code, end.text, "protocol");
    this.#due.arm();
    await Promise.all(answers);
  }

  closed(socket: Socket): void {
    const connection = this.#connections.of(socket);
    if (connection === undefined) return; // its session ended before, by a sweep, a replacement or an error
    this.#connections.drop(connection);
    this.#end(connection.session, "closed");
    this.#due.arm();
  }

  alarm(): void {
    this.#due.fire();
  }

  async #answer(connection: Connection, frame: ClientFrame): Promise<void> {
    switch (frame.type) {
      case "heartbeat":
        return answerHeartbeat(connection, frame);
      case "auth":
        return this.#renewals.answer(connection, frame);
      case "publish":
      case "signal":
      case "history":
      case "members":
        return this.#channelFrames.answer(connection, frame);
      default:
        return sendError(connection, notAvailable(frame.type), frame.ref);
    }
  }

  #admit(request: AdmitRequest): Admission {
    this.#sessions.passGrace();
    const refused = this.#sessions.refusalFor(request);
    if (refused !== undefined) return { admitted: false, refused };
    if (this.#sessions.live().some(({ session }) => session === request.session)) return { admitted: true };
    this.#sessions.change(() => {
      for (const row of this.#sessions.surplus()) this.#endByUs(row, CLOSE.replaced, "replaced");
      this.#sessions.begin(request);
    });
    this.#due.arm();
    this.#outbox.kick();
    return { admitted: true };
  }

  /** What a crash or deploy cut off gave no close event: a row without a socket is over, and the reverse. */
  #reconcile(): void {
    const own = this.#sessions.live().filter(({ keeper }) => keeper.kind === "user");
    const rows = new Set(own.map(({ session }) => session));
    for (const connection of [...this.#connections.all()]) {
      if (!rows.has(connection.session)) this.#connections.end(connection, CLOSE.tryAgain, "session unknown");
    }
    for (const { session } of own) {
      if (this.#connections.find(session) === undefined) this.#end(session, "lost");
    }
  }

  /** In one transaction; the channels that keep some are told at once, and again until they confirm. */
  #endAll(rows: readonly SessionRow[], code: CloseCode, reason: EndReason): void {
    this.#sessions.change(() => {
      for (const row of rows) this.#endByUs(row, code, reason);
    });
    this.#due.arm();
    this.#outbox.kick();
  }

  /** Live sessions that a read may count. */
  #counted(): SessionRow[] {
    const silent = this.#freshSilent();
    return this.#sessions.live().filter(({ session }) => !silent.has(session));
  }

  /** Ends a session wherever it is kept: here at once, elsewhere by a debt to its keeper. */
  #endByUs(row: SessionRow, code: CloseCode, reason: EndReason): void {
    const connection = this.#connections.find(row.session);
    if (row.keeper.kind === "channel") {
      const dueAt = this.#ports.clock.now() + FIRST_RETRY_MS;
      this.#debts.owe({ session: row.session, channel: row.keeper.channel, code, reason, dueAt });
    } else if (connection !== undefined) this.#connections.end(connection, code, reason);
    this.#end(row.session, reason);
  }

  #endOwn(connection: Connection, code: CloseCode, text: string, reason: EndReason): void {
    this.#connections.end(connection, code, text);
    this.#end(connection.session, reason);
  }

  #end(session: string, reason: EndReason): void {
    this.#sessions.end(session, this.#ports.clock.now(), reason);
  }

  /** Before a read: what is due is done, and who fell silent is asked at once. Whom no read may count. */
  #freshSilent(): ReadonlySet<string> {
    this.#due.fire();
    const isSilent = (connection: Connection) => !this.#connections.isHeard(connection);
    if ([...this.#connections.all()].some(isSilent)) this.#sweep.run(this.#ports.clock.now());
    this.#due.arm();
    return new Set([...this.#connections.all()].filter(isSilent).map(({ session }) => session));
  }
}
