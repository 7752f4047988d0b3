import type { Settings } from "../config.ts";
import { tellOnce } from "../connections/broadcasts.ts";
import type { Connection } from "../connections/connection.ts";
import { Connections } from "../connections/connections.ts";
import { Admissions } from "../connections/kept/admissions.ts";
import { ChannelGrants } from "../connections/kept/channel-grants.ts";
import { Departures } from "../connections/kept/departures.ts";
import { Endings } from "../connections/kept/endings.ts";
import { Entrance } from "../connections/kept/entrance.ts";
import { KeptSessions } from "../connections/kept/kept-sessions.ts";
import { lastActive, lastSeen } from "../connections/kept/last-heard.ts";
import { MemberStates } from "../connections/kept/member-states.ts";
import { Reception } from "../connections/kept/reception.ts";
import { Sweep } from "../connections/sweep.ts";
import type { Backlog } from "../objects/backlog.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import type { Elsewhere } from "../objects/placement.ts";
import type {
  Allowance,
  AllowRequest,
  ConnectRequest,
  EndReason,
  Keeper,
  Ports,
  Socket,
} from "../objects/ports.ts";
import {
  type Push,
  type PushAnswer,
  parseRelayName,
  type RelayAnswer,
  type RelayPort,
  type RelayReport,
} from "../objects/relaying.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { Arrivals } from "./arrivals.ts";
import { carryOn } from "./carrying.ts";
import { RelayFrames } from "./frames.ts";
import { Hearing } from "./hearing.ts";
import { Membership } from "./membership.ts";
import { MIGRATIONS } from "./schema.ts";
import { Upward } from "./upward.ts";

/** One relay: the truth about who is connected to it, and about nothing else. Its channel knows the rest. */
export class Relay implements Keeper, RelayPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #sessions: KeptSessions;
  readonly #connections: Connections;
  readonly #membership: Membership;
  readonly #upward: Upward;
  readonly #hearing: Hearing;
  readonly #arrivals: Arrivals;
  readonly #endings: Endings;
  readonly #departures: Departures;
  readonly #reception: Reception;
  readonly #sweep: Sweep;
  readonly #due: DueTimes;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    const { channel } = parseRelayName(name);
    const sql = new Database(ports.sql, MIGRATIONS);
    const states = new MemberStates(sql, ports.clock);
    this.#sessions = new KeptSessions(sql, (user) => states.forget(user));
    const sessions = this.#sessions;
    this.#connections = new Connections(ports, settings, {
      slow: (connection) => this.#endings.cut(connection, CLOSE.slowReader, "slow reader", "slow"),
      lost: (connection) => this.#endings.cut(connection, CLOSE.tryAgain, "something was lost", "lost"),
    });
    const connections = this.#connections;
    const grants = new ChannelGrants(channel, settings);
    const graceMs = settings.OFFLINE_GRACE_SECONDS * 1000;
    this.#membership = new Membership(
      ports.clock,
      graceMs,
      { sessions, states },
      [...connections.all()].flatMap(({ session, state }) => (state.hint ? [[session, state.hint]] : [])),
    );
    const members = this.#membership;
    const due = () => this.#due.arm();
    this.#upward = new Upward(ports, { relay: name, channel }, members, {
      answered: (answer) => this.#answered(answer),
      due,
    });
    const upward = this.#upward;
    this.#hearing = new Hearing(
      ports,
      { channel, settings, connections, grants, upward },
      {
        isNeeded: () => this.#isHeard,
        lost: (connection, text) => this.#endings.endConnection(connection, CLOSE.tryAgain, text, "lost"),
        due,
      },
    );
    const { stands, catchUp } = this.#hearing;
    const lost = (connection: Connection) =>
      this.#endings.endConnection(connection, CLOSE.tryAgain, "fell behind", "lost");
    const isLive = (connection: Connection) => connections.find(connection.session) === connection;
    const admissions = new Admissions(ports, settings, (session) => this.#endings.end(session, "lost"));
    const ofEndings = { sessions, members, admissions, connections };
    this.#endings = new Endings(ports.clock, ofEndings, () => this.#settle());
    const ofEntrance = { ...ofEndings, endings: this.#endings };
    const keeper = { kind: "channel", channel, relay: name } as const;
    const entrance = new Entrance(ports, keeper, ofEntrance, due);
    const ofArrivals = { entrance, endings: this.#endings, membership: members, upward, stands, grants };
    this.#arrivals = new Arrivals(ports, settings, ofArrivals, lost);
    const ttlMs = settings.SESSION_TTL_SECONDS * 1000;
    this.#sweep = new Sweep(
      ports,
      connections,
      () => ttlMs,
      (ended) => {
        this.#endings.endAll(ended);
        upward.lease();
      },
    );
    const frames = new RelayFrames(ports.log, settings, { grants, upward, stands }, { isLive, lost });
    const ofReception = { ...ofEntrance, grants, catchUp, sweep: this.#sweep, frames };
    this.#reception = new Reception(ports, settings, ofReception, {
      allow: (user, request) => this.#allow(user, request),
      settle: () => {
        upward.go();
        due();
      },
    });
    this.#departures = new Departures(
      ports,
      { channel, sessions, members },
      { isOwed: ({ user }) => members.owes(user), tell: () => upward.go(), holdMs: () => 0 },
    );
    const duties = [
      admissions,
      this.#sweep,
      this.#departures,
      this.#departures.outbox,
      upward,
      catchUp,
      this.#hearing.repairs,
    ];
    this.#due = new DueTimes(ports, duties);
    this.#endings.reconcile();
    this.#hearing.awake();
    this.#carryOn();
  }

  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | Elsewhere | undefined> {
    if (this.#sessions.liveSize >= this.#settings.RELAY_CAPACITY) return { relays: [] };
    if (this.#sessions.isFullOf(request.user)) {
      return refusal("unavailable", "too many sessions of this user ended a moment ago");
    }
    if (!this.#isHeard) this.#hearing.forget();
    const refused = await this.#arrivals.arrive(request, accept, (connection) => {
      this.#sweep.watch(connection);
      this.#hearing.opened();
      this.#due.arm();
    });
    if (refused !== undefined) this.#settle();
    return refused;
  }

  received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    return this.#reception.received(socket, data);
  }

  closed(socket: Socket): void {
    this.#reception.closed(socket);
  }

  backlog(): Backlog {
    return this.#due.backlog();
  }

  alarm(): void {
    this.#carryOn();
  }

  async push(push: Push): Promise<PushAnswer> {
    this.#hearing.push(push);
    const failed = await carryOn(push, this.#ports);
    return { failed, isEmpty: this.#sessions.isEmpty };
  }

  async report(): Promise<RelayReport> {
    this.#carryOn();
    return this.#membership.whole();
  }

  async remove(user: string, second?: number): Promise<void> {
    this.#endings.remove(user, ({ state }) => second !== undefined && (state.claims.iat ?? 0) > second);
    this.#carryOn(); // some leave at once
  }

  async dissolve(code: CloseCode): Promise<void> {
    this.#endings.forgetAll(code);
    this.#hearing.forget();
    this.#carryOn();
  }

  async end(session: string, code: CloseCode, reason: EndReason): Promise<void> {
    this.#endings.order(session, code, reason);
    this.#carryOn(); // some leave at once
  }

  async broadcast(broadcast: Broadcast, sessions: string[]): Promise<void> {
    tellOnce(this.#connections, sessions, broadcast);
  }

  async lastSeen(sessions: string[]): Promise<Record<string, number>> {
    return lastSeen(sessions, this.#connections);
  }

  async lastActive(sessions: string[]): Promise<Record<string, number>> {
    return lastActive(sessions, { sessions: this.#sessions, connections: this.#connections });
  }

  /** A new token: not of one who was sent away, which the channel knows. */
  async #allow(user: string, request: AllowRequest): Promise<Allowance> {
    const caller = { user, issuedAt: request.issuedAt };
    const { refused } = await this.#upward.ask<"allow">({ is: "allow", caller });
    if (refused !== null) return { allowed: false, refused };
    return this.#ports.objects.user(user).allow(request);
  }

  /** The channel has answered: what it knows by now need not be kept, and where it stands shows what was missed. */
  #answered({ standing }: RelayAnswer): void {
    this.#hearing.answered(standing);
    this.#departures.run();
    this.#due.arm();
  }

  /** Somebody is here, or about to be, who hears what is said. */
  get #isHeard(): boolean {
    return this.#connections.size > 0 || this.#arrivals.isAnyUnderWay;
  }

  /** What is due is done, and what follows from it told. */
  #carryOn(): void {
    this.#due.fire();
    this.#settle();
  }

  /** After ends: the alarm for their grace and debts, and the first try of the debts. */
  #settle(): void {
    this.#hearing.ended();
    this.#departures.outbox.kick();
    this.#upward.go();
    this.#due.arm();
  }
}
