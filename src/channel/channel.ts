import type { Settings } from "../config.ts";
import { tellOnce } from "../connections/broadcasts.ts";
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
import { welcomeFrame } from "../connections/welcome.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import type { Elsewhere } from "../objects/placement.ts";
import type {
  Caller,
  ChannelPort,
  ConnectRequest,
  EndReason,
  Keeper,
  LogPage,
  MemberState,
  Ports,
  PublishRequest,
  SignalRequest,
  Socket,
} from "../objects/ports.ts";
import type { RelayAnswer, RelayCall } from "../objects/relaying.ts";
import type {
  LogFrames,
  ReadRequest,
  Subscribed,
  SubscribeRequest,
  SubscriberDevice,
  UnsubscribeRequest,
} from "../objects/subscribing.ts";
import type { ChannelSummary, MemberPage, MemberQuery, MessageQuery, Published } from "../protocol/bodies.ts";
import { CLOSE, type CloseCode } from "../protocol/close-codes.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { ChannelEvents } from "./channel-events.ts";
import { ChannelFrames } from "./frames.ts";
import { Listing } from "./listing.ts";
import { Relays } from "./relays/relays.ts";
import { Removals } from "./removals.ts";
import { Members } from "./roster/members.ts";
import { MIGRATIONS } from "./schema.ts";
import { summaryOf } from "./summary.ts";
import { Talk } from "./talk.ts";

/** What is told to subscribers is confirmed by then, or a debt of its own. */
const HEARD_WITHIN_MS = 5_000;

/** One channel: the truth about who is here and what was said, in which order. It keeps its own sockets. */
export class Channel implements Keeper, ChannelPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #name: string;
  readonly #sessions: KeptSessions;
  readonly #members: Members;
  readonly #grants: ChannelGrants;
  readonly #removals: Removals;
  readonly #relays: Relays;
  readonly #talk: Talk;
  readonly #connections: Connections;
  readonly #admissions: Admissions;
  readonly #endings: Endings;
  readonly #entrance: Entrance;
  readonly #sweep: Sweep;
  readonly #departures: Departures;
  readonly #listing: Listing;
  readonly #due: DueTimes;
  readonly #reception: Reception;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    this.#name = name;
    const sql = new Database(ports.sql, MIGRATIONS);
    const states = new MemberStates(sql, ports.clock);
    this.#sessions = new KeptSessions(sql, (user) => {
      if (!this.#relays.isAnywhere(user)) states.forget(user);
    });
    this.#grants = new ChannelGrants(name, settings);
    this.#removals = new Removals(sql, ports.clock, settings);
    this.#connections = new Connections(ports, settings, {
      slow: (connection) => this.#endings.cut(connection, CLOSE.slowReader, "slow reader", "slow"),
      lost: (connection) => this.#endings.cut(connection, CLOSE.tryAgain, "something was lost", "lost"),
    });
    const own = {
      count: () => this.#connections.size + this.#admissions.size,
      home: () => this.#connections.oldestHint(),
    };
    const members = () => this.#members;
    const events = ChannelEvents.of({ ...ports, sql }, settings, name, () => this.#due.arm());
    const witness = {
      isOwed: () => this.#listing.isOwed(),
      holdMs: () => (this.#talk.isHeardElsewhere ? HEARD_WITHIN_MS : 0),
    };
    this.#relays = new Relays(
      ports,
      { channel: name, settings, sql, states, own, removals: this.#removals, members },
      { isKept: (user) => this.#sessions.has(user), settled: () => this.#settle(), ...witness },
    );
    this.#members = new Members(
      ports,
      {
        channel: name,
        sessions: this.#sessions,
        states,
        settings,
        relays: this.#relays,
        events: events?.members,
      },
      {
        tell: (text, { before }) => this.#talk.tell({ is: "roster", text }, before),
        waits: () => this.#talk.expect(),
      },
    );
    const about = { channel: name, sessions: this.#sessions, members: this.#members };
    const ofTalk = {
      ...about,
      states,
      settings,
      sql,
      connections: this.#connections,
      relays: this.#relays,
    };
    this.#talk = new Talk(ports, ofTalk, {
      lost: (connection) => this.#endings.endConnection(connection, CLOSE.tryAgain, "fell behind", "lost"),
      due: () => this.#due.arm(),
      gone: (session) => this.#endings.endSubscription(session, ports.clock.now(), "lost"),
      refusalOf: (caller) => this.#removals.refusalOf(caller),
      begins: (session) => this.#departures.begins(session),
      ended: (session, at, reason) => this.#endings.endSubscription(session, at, reason),
      kickExports: events?.kickMessages,
    });
    if (this.#talk.exported !== undefined) events?.addSource(this.#talk.exported);
    this.#admissions = new Admissions(ports, settings, (session) => this.#endings.end(session, "lost"));
    const ofEndings = { ...ofTalk, admissions: this.#admissions };
    this.#endings = new Endings(ports.clock, ofEndings, () => this.#settle());
    const ofEntrance = { ...ofEndings, endings: this.#endings };
    this.#entrance = new Entrance(ports, { kind: "channel", channel: name }, ofEntrance, () =>
      this.#due.arm(),
    );
    const ttlMs = settings.SESSION_TTL_SECONDS * 1000;
    this.#sweep = new Sweep(
      ports,
      this.#connections,
      () => ttlMs,
      (ended) => {
        this.#listing.swept();
        this.#endings.endAll(ended);
      },
    );
    const ofReception = {
      ...ofEntrance,
      grants: this.#grants,
      catchUp: this.#talk.catchUp,
      sweep: this.#sweep,
      frames: new ChannelFrames(settings, { ...this.#talk, members: this.#members, grants: this.#grants }),
    };
    this.#reception = new Reception(ports, settings, ofReception, {
      allow: async (user, request) => {
        const refused = this.#removals.refusalOf({ user, issuedAt: request.issuedAt });
        return refused ? { allowed: false, refused } : ports.objects.user(user).allow(request);
      },
      settle: () => this.#due.arm(),
    });
    this.#listing = new Listing(ports, settings, { ...about, relays: this.#relays }, () => {
      this.#departures.run(); // rows that were kept until the directory knew that nobody is left
      this.#relays.departed.run(ports.clock.now());
      this.#settle();
    });
    this.#departures = new Departures(ports, about, { ...witness, tell: () => this.#settle() });
    this.#due = new DueTimes(ports, [
      this.#admissions,
      this.#sweep,
      this.#departures,
      this.#departures.outbox,
      this.#listing.telling,
      this.#relays.departed,
      this.#relays.leases,
      this.#relays.outbox,
      ...this.#talk.duties,
      ...(events?.duties ?? []),
    ]);
    this.#members.recall((session) => this.#connections.find(session) !== undefined);
    this.#endings.reconcile();
    this.#carryOn();
    this.#talk.awake();
  }

  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | Elsewhere | undefined> {
    if (this.#sessions.isFullOf(request.user)) {
      return refusal("unavailable", "too many sessions of this user ended a moment ago");
    }
    const removed = this.#removals.refusalOf({ user: request.user, issuedAt: request.claims.iat ?? null });
    if (removed !== undefined) return removed;
    const elsewhere = this.#relays.elsewhere(request);
    if (elsewhere !== undefined) return elsewhere;
    const connection = await this.#entrance.enter(request, accept);
    if (isRefusal(connection)) return connection;
    this.#sweep.watch(connection);
    this.#listing.kick();
    this.#due.arm();
    this.#talk.standing.tell(connection, welcomeFrame(connection, this.#settings), request);
    return undefined;
  }

  received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    return this.#reception.received(socket, data);
  }

  closed(socket: Socket): void {
    this.#reception.closed(socket);
  }

  alarm(): void {
    this.#relays.departed.run(this.#ports.clock.now());
    this.#carryOn();
    this.#talk.alarm();
    this.#relays.leases.alarm();
  }

  async end(session: string, code: CloseCode, reason: EndReason): Promise<void> {
    this.#endings.order(session, code, reason);
    this.#carryOn(); // some leave at once
  }

  async removeMember(user: string): Promise<void> {
    this.#removals.add(user);
    this.#endings.remove(user);
    this.#relays.remove(user);
    this.#carryOn();
  }

  async publish(request: PublishRequest, caller?: Caller): Promise<Published | Refusal> {
    return this.#removals.refusalOf(caller) ?? this.#talk.messages.publish(request);
  }

  async signal(request: SignalRequest, caller?: Caller): Promise<Refusal | undefined> {
    const removed = this.#removals.refusalOf(caller);
    if (removed === undefined) this.#talk.messages.signal(request);
    return removed;
  }

  async members(query: MemberQuery, caller?: Caller): Promise<MemberPage | Refusal> {
    this.#carryOn();
    if (caller === undefined) return this.#members.pageOfAll(query);
    return this.#removals.refusalOf(caller) ?? this.#members.page(query);
  }

  async history(query: MessageQuery, caller?: Caller): Promise<LogPage | Refusal> {
    return this.#removals.refusalOf(caller) ?? this.#talk.messages.history(query, caller);
  }

  async forget(): Promise<void> {
    this.#endings.forgetAll();
    this.#relays.forget();
    this.#talk.forget();
    this.#carryOn();
  }

  async summary(): Promise<ChannelSummary> {
    this.#carryOn();
    const rooms = { sessions: this.#sessions, connections: this.#connections, members: this.#members };
    return summaryOf(this.#name, { ...rooms, relays: this.#relays, log: this.#talk.log });
  }

  async relayed(call: RelayCall): Promise<RelayAnswer> {
    this.#due.fire();
    const answer = this.#relays.answer(call, this.#talk.relayCalls);
    this.#settle();
    return answer;
  }

  async list(): Promise<void> {
    this.#due.fire();
    this.#listing.telling.confirm();
    this.#settle();
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

  async setMember(user: string, sessions: string[], state: MemberState): Promise<void> {
    this.#members.told(user, sessions, state);
  }

  async subscribe(request: SubscribeRequest): Promise<Subscribed | Refusal> {
    const { user, issuedAt } = request;
    this.#due.fire();
    const answer = this.#removals.refusalOf({ user, issuedAt }) ?? this.#talk.subscribers.subscribe(request);
    this.#settle();
    return answer;
  }

  async unsubscribe(request: UnsubscribeRequest): Promise<void> {
    return this.unsubscribeTogether([request]);
  }

  async unsubscribeTogether(requests: UnsubscribeRequest[]): Promise<void> {
    for (const request of requests) this.#talk.subscribers.unsubscribe(request);
    this.#carryOn(); // some leave at once
  }

  async setSubscriberDevice(change: SubscriberDevice): Promise<void> {
    this.#talk.subscribers.setDevice(change);
  }

  async read(request: ReadRequest): Promise<LogFrames | null> {
    return this.#talk.subscribers.read(request);
  }

  /** What is due is done, and what follows from it told. */
  #carryOn(): void {
    this.#due.fire();
    this.#settle();
  }

  /** After ends: the alarm for their grace and debts, and the first try of the debts. */
  #settle(): void {
    this.#listing.kick();
    this.#due.arm();
    this.#departures.outbox.kick();
    this.#relays.outbox.kick();
  }
}
