import { mayUseChannel } from "../auth/grants.ts";
import type { Settings } from "../config.ts";
import type { Connection } from "../connections/connection.ts";
import { Connections } from "../connections/connections.ts";
import { sendError } from "../connections/incoming.ts";
import { Renewals } from "../connections/renewals.ts";
import { Sweep } from "../connections/sweep.ts";
import { welcomeFrame } from "../connections/welcome.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import {
  type Caller,
  type ChannelPort,
  type ConnectRequest,
  type EndReason,
  type Keeper,
  type LogPage,
  type LogPosition,
  type Ports,
  type PublishRequest,
  type SignalRequest,
  type Socket,
  WITHOUT_GRACE,
} from "../objects/ports.ts";
import type { ChannelSummary, MemberPage, MemberQuery, MessageQuery, Published } from "../protocol/bodies.ts";
import type { Capability } from "../protocol/claims.ts";
import type { AuthFrame, ClientFrame } from "../protocol/client-frames.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { Admissions, type Refused } from "./admissions.ts";
import { CHANNEL_MIGRATION } from "./channel-table.ts";
import { Departures } from "./departures.ts";
import { ChannelFrames } from "./frames.ts";
import { KeptSessions } from "./kept-sessions.ts";
import { Listing } from "./listing.ts";
import { Members } from "./members.ts";
import { MessageLog } from "./message-log.ts";
import { MESSAGE_MIGRATION } from "./message-table.ts";
import { Messages } from "./messages.ts";
import { REMOVAL_MIGRATION } from "./removal-table.ts";
import { Removals } from "./removals.ts";
import { SESSION_MIGRATION } from "./session-table.ts";

const MIGRATIONS = [
  [...SESSION_MIGRATION, ...MESSAGE_MIGRATION, ...CHANNEL_MIGRATION],
  [...REMOVAL_MIGRATION],
];

/** The contract: recovery without the grant `history` reaches back so far. */
const REACH_WITHOUT_HISTORY_MS = 120_000;

/** One channel: the truth about who is here and what was said, in which order. It keeps its own sockets. */
export class Channel implements Keeper, ChannelPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #name: string;
  readonly #sessions: KeptSessions;
  readonly #members: Members;
  readonly #log: MessageLog;
  readonly #removals: Removals;
  readonly #renewals: Renewals;
  readonly #messages: Messages;
  readonly #connections: Connections;
  readonly #admissions: Admissions;
  readonly #sweep: Sweep;
  readonly #departures: Departures;
  readonly #listing: Listing;
  readonly #due: DueTimes;
  readonly #frames: ChannelFrames;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    this.#name = name;
    const sql = new Database(ports.sql, MIGRATIONS);
    this.#sessions = new KeptSessions(sql);
    this.#log = new MessageLog(name, { ...ports, sql });
    this.#removals = new Removals(sql, ports.clock, settings);
    this.#connections = new Connections(ports.sockets, ports.clock, settings);
    this.#renewals = new Renewals(ports, this.#connections, {
      allow: async (user, request) => {
        const refused = this.#removals.refusalOf({ user, issuedAt: request.issuedAt });
        return refused ? { allowed: false, refused } : ports.objects.user(user).allow(request);
      },
      renewed: (connection) => this.#renewed(connection),
    });
    const about = { channel: name, sessions: this.#sessions, settings };
    this.#members = new Members(ports, about, (text) => this.#tellOfMembers(text));
    this.#messages = new Messages(name, this.#log, this.#connections);
    this.#frames = new ChannelFrames(name, settings, { messages: this.#messages, members: this.#members });
    this.#admissions = new Admissions(ports, settings, (session) => this.#end(session, "lost"));
    this.#sweep = new Sweep(ports, this.#connections, settings.SESSION_TTL_SECONDS * 1000, (ended) => {
      for (const { connection, reason } of ended) this.#markEnded(connection.session, reason);
      this.#listing.swept();
      this.#tellEnds();
    });
    this.#listing = new Listing(ports, settings, { channel: name, members: this.#members }, () => {
      this.#departures.run(); // rows that were kept until the directory knew that nobody is left
      this.#tellEnds();
    });
    this.#departures = new Departures(ports, this.#sessions, this.#members, {
      isOwed: () => this.#listing.isOwed(),
      tell: () => this.#tellEnds(),
    });
    this.#due = new DueTimes(ports, [
      this.#admissions,
      this.#sweep,
      this.#departures,
      this.#departures.outbox,
      this.#listing.telling,
    ]);
    this.#reconcile();
    this.#carryOn();
  }

  /**
   * The order of connecting. The row and the alarm come first, then the user's object admits, then the
   * socket is accepted, welcomed and counted in one turn. So whatever dies in between leaves a row without a
   * socket and without an admission under way, and such a row is over: its user is told by outbox.
   */
  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | undefined> {
    if (this.#sessions.isFullOf(request.user)) {
      return refusal("unavailable", "too many sessions of this user ended a moment ago");
    }
    const removed = this.#removals.refusalOf({ user: request.user, issuedAt: request.claims.iat ?? null });
    if (removed !== undefined) return removed;
    const session = this.#begin(request);
    const refused = await this.#admissions.ask(session, this.#name, request);
    if (refused !== undefined) return this.#refuse(session, refused);
    const row = this.#sessions.live(session);
    if (row === undefined) return refusal("session_gone", "ended while it was connecting");
    const socket = this.#accepted(accept);
    if (socket === undefined) {
      this.#end(session, "refused");
      return refusal("unavailable", "no room for another connection");
    }
    this.#admissions.finish(session);
    this.#members.put(row);
    const connection = this.#connections.open(socket, session, request);
    this.#sweep.watch(connection);
    this.#listing.kick();
    this.#due.arm();
    const { standing, rest } = this.#standing(connection, request.recover);
    connection.send({ ...welcomeFrame(connection, this.#settings), ...standing });
    for (const frame of rest) connection.socket.send(frame);
    return undefined;
  }

  async received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    const connection = this.#connections.of(socket);
    if (connection === undefined) return; // ended by us while this frame was on its way
    const { messages, end } = this.#connections.read(connection, data);
    const renewals: Promise<void>[] = [];
    for (const frame of messages) {
      if (frame.type === "auth") renewals.push(this.#renewals.answer(connection, frame));
      else this.#answer(connection, frame);
    }
    if (end !== undefined) this.#endConnection(connection, end.code, end.text, "protocol");
    await Promise.all(renewals);
  }

  closed(socket: Socket): void {
    const connection = this.#connections.of(socket);
    if (connection === undefined) return; // its session ended before, by a sweep, an operator or an error
    this.#connections.drop(connection);
    this.#end(connection.session, "closed");
  }

  alarm(): void {
    this.#carryOn();
  }

  async end(session: string, code: CloseCode, reason: EndReason): Promise<void> {
    const connection = this.#connections.find(session);
    if (connection !== undefined) this.#connections.end(connection, code, reason);
    this.#end(session, reason);
    if (!WITHOUT_GRACE.has(reason)) return;
    const user = this.#sessions.userOf(session);
    if (user !== undefined) this.#sessions.endGrace(user);
    this.#carryOn();
  }

  async removeMember(user: string): Promise<void> {
    this.#removals.add(user);
    for (const row of [...this.#sessions.all()]) {
      if (row.user === user && row.end === null) await this.end(row.session, CLOSE.ended, "removed");
    }
    this.#sessions.endGrace(user);
    this.#carryOn(); // who is sent away leaves at once
  }

  async publish(request: PublishRequest, caller?: Caller): Promise<Published | Refusal> {
    return this.#removals.refusalOf(caller) ?? this.#messages.publish(request);
  }

  async signal(request: SignalRequest, caller?: Caller): Promise<Refusal | undefined> {
    const removed = this.#removals.refusalOf(caller);
    if (removed === undefined) this.#messages.signal(request);
    return removed;
  }

  async members(query: MemberQuery, caller?: Caller): Promise<MemberPage | Refusal> {
    this.#carryOn();
    return this.#removals.refusalOf(caller) ?? this.#members.page(query);
  }

  async history(query: MessageQuery, caller?: Caller): Promise<LogPage | Refusal> {
    return this.#removals.refusalOf(caller) ?? this.#messages.history(query);
  }

  async summary(): Promise<ChannelSummary> {
    this.#carryOn();
    return {
      channel: this.#name,
      members: this.#members.count,
      sessions: this.#members.liveSessions,
      subscribers: 0,
      epoch: this.#log.knownEpoch,
      offset: this.#log.top,
      relays: 0,
      createdAt: this.#log.createdAt,
    };
  }

  async list(): Promise<void> {
    this.#due.fire();
    this.#listing.telling.confirm();
    this.#tellEnds();
  }

  async lastSeen(sessions: string[]): Promise<Record<string, number>> {
    const heard: Record<string, number> = {};
    for (const session of sessions) {
      const connection = this.#connections.find(session);
      if (connection !== undefined) heard[session] = connection.heardAt;
    }
    return heard;
  }

  /** Where a new session stands: the roster's first page, and what it missed or only the top of the log. */
  #standing(connection: Connection, recover: LogPosition | undefined) {
    const { count, ...detail } = this.#members.firstPage();
    const { first, rest, ...position } = this.#log.standing(recover, this.#reachOf(connection));
    const mayHear = this.#mayUse(connection, "members") ? detail : {};
    return { standing: { channel: this.#name, ...position, messages: first, count, ...mayHear }, rest };
  }

  /** How far back recovery may reach: as far as the log, or two minutes without the grant to read it. */
  #reachOf(connection: Connection): number {
    return this.#mayUse(connection, "history") ? 0 : this.#ports.clock.now() - REACH_WITHOUT_HISTORY_MS;
  }

  /** New claims: a connection whose user may not subscribe any more ends. */
  #renewed(connection: Connection): void {
    this.#sweep.watch(connection);
    if (!this.#mayUse(connection, "subscribe"))
      this.#endConnection(connection, CLOSE.ended, "access withdrawn", "ended");
    this.#due.arm();
  }

  /** One message that fails takes nothing else with it: the client learns which, the others go on. */
  #answer(connection: Connection, frame: Exclude<ClientFrame, AuthFrame>): void {
    try {
      this.#frames.answer(connection, frame);
    } catch (cause) {
      this.#ports.log.warn("message failed", { frame: frame.type }, cause);
      sendError(connection, refusal("internal", "something went wrong here"), frame.ref);
    }
  }

  #endConnection(connection: Connection, code: CloseCode, text: string, reason: EndReason): void {
    this.#connections.end(connection, code, text);
    this.#end(connection.session, reason);
  }

  #begin({ user, device, claims }: ConnectRequest): string {
    const session = this.#ports.random.id();
    const connectedAt = this.#ports.clock.now();
    const joinedAt = this.#members.joinedAt(user) ?? connectedAt;
    const info = claims.info === undefined ? {} : { info: claims.info };
    this.#sessions.begin({ session, user, device, ...info, connectedAt, joinedAt, end: null });
    this.#admissions.begin(session, connectedAt);
    this.#due.arm();
    return session;
  }

  /** Where the user's object did not answer it may have admitted: the debt of an ended row undoes that. */
  #refuse(session: string, refused: Refused): Refusal {
    if (refused.is === "unknown") this.#end(session, "refused");
    else if (this.#sessions.live(session) !== undefined) {
      this.#admissions.finish(session);
      this.#sessions.delete(session);
    }
    return refused.refusal;
  }

  #accepted(accept: () => Socket): Socket | undefined {
    try {
      return accept();
    } catch (cause) {
      this.#ports.log.warn("socket not accepted", { sockets: this.#connections.size }, cause);
      return undefined;
    }
  }

  /** What a crash or deploy cut off gave no close event: a row without a socket is over, and the reverse. */
  #reconcile(): void {
    for (const connection of [...this.#connections.all()]) {
      if (this.#sessions.live(connection.session) !== undefined) continue;
      this.#connections.end(connection, CLOSE.tryAgain, "session unknown");
    }
    for (const { session, end } of [...this.#sessions.all()]) {
      if (end === null && this.#connections.find(session) === undefined) this.#markEnded(session, "lost");
    }
  }

  #end(session: string, reason: EndReason): void {
    this.#markEnded(session, reason);
    this.#tellEnds();
  }

  /** What is due is done, and what follows from it told. */
  #carryOn(): void {
    this.#due.fire();
    this.#tellEnds();
  }

  /** After one end or many: the alarm for their grace and debts, and the first try of the debts. */
  #tellEnds(): void {
    this.#listing.kick();
    this.#due.arm();
    this.#departures.outbox.kick();
  }

  #markEnded(session: string, reason: EndReason): void {
    const isMember = !this.#admissions.finish(session);
    const row = this.#sessions.end(session, this.#ports.clock.now(), isMember ? reason : "refused");
    if (row !== undefined && isMember) this.#members.put(row);
  }

  #tellOfMembers(text: string): void {
    for (const connection of this.#connections.all()) {
      if (this.#mayUse(connection, "members")) connection.socket.send(text);
    }
  }

  #mayUse({ state }: Connection, capability: Capability): boolean {
    return mayUseChannel(state.claims, capability, this.#name, this.#settings.DEFAULT_GRANTS);
  }
}
