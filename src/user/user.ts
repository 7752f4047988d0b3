import type { Settings } from "../config.ts";
import { answerEach } from "../connections/answers.ts";
import type { Connection } from "../connections/connection.ts";
import { Connections } from "../connections/connections.ts";
import { Renewals } from "../connections/renewals.ts";
import { Sweep } from "../connections/sweep.ts";
import { welcomeFrame } from "../connections/welcome.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import type {
  Admission,
  AdmitRequest,
  Allowance,
  AllowRequest,
  ConnectRequest,
  Keeper,
  Notice,
  NoticeAnswer,
  Ports,
  Reader,
  SessionEnd,
  Socket,
  UserPort,
} from "../objects/ports.ts";
import type { Delivery, DeliveryAnswer, Unsubscribed } from "../objects/subscribing.ts";
import type { Session } from "../protocol/bodies.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import { FIRST_PAGE_ROWS } from "../protocol/limits.ts";
import type { Device } from "../protocol/names.ts";
import type { Presence, PresenceChange, UserQuery, Watch, WatcherPage } from "../protocol/presence.ts";
import { tellSessions } from "./broadcasts.ts";
import { ChannelFrames } from "./channel-frames.ts";
import { Endings } from "./endings.ts";
import { FreshReads } from "./fresh-reads.ts";
import { Listing } from "./listing.ts";
import { OwnFrames } from "./own-frames.ts";
import { Activity } from "./presence/activity.ts";
import { memberOf } from "./presence/presence.ts";
import { Sessions } from "./presence/sessions.ts";
import { Standing } from "./presence/standing.ts";
import { Statuses } from "./presence/statuses.ts";
import { View } from "./presence/view.ts";
import { RosterTells } from "./roster-tells.ts";
import { MIGRATIONS } from "./schema.ts";
import { Subscribing } from "./subscriptions/subscribing.ts";
import { WatchFrames } from "./watching/watch-frames.ts";
import { Watches } from "./watching/watches.ts";

const UNSEEN_SWEEP_FACTOR = 10;

/**
 * One user: the truth about whether this user is online, on what, since when, and whether a session may
 * begin. It also keeps the sockets of the user's own connections.
 */
export class User implements Keeper, UserPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #standing: Standing;
  readonly #sessions: Sessions;
  readonly #statuses: Statuses;
  readonly #activity: Activity;
  readonly #endings: Endings;
  readonly #rosterTells: RosterTells;
  readonly #listing: Listing;
  readonly #connections: Connections;
  readonly #sweep: Sweep;
  readonly #reads: FreshReads;
  readonly #due: DueTimes;
  readonly #view: View;
  readonly #watches: Watches;
  readonly #frames: OwnFrames;
  readonly #watchFrames: WatchFrames;
  readonly #subscribing: Subscribing;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    const sql = new Database(ports.sql, MIGRATIONS);
    this.#standing = new Standing(name, sql, settings.OFFLINE_GRACE_SECONDS * 1000, {
      memberChanged: (before, after) => this.#rosterTells.owe(before, after),
      changed: (before) => this.#watches.notices.changed(before),
    });
    this.#rosterTells = new RosterTells(
      name,
      { ...ports, sql },
      () => this.#standing.facts(),
      () => this.#subscribing.sessionsByChannel(),
    );
    this.#view = new View(name, this.#standing, () => this.#activity);
    this.#sessions = new Sessions(this.#standing, ports.clock, settings);
    this.#statuses = new Statuses(this.#standing, ports.clock);
    this.#connections = new Connections(ports.sockets, ports.clock, settings, FIRST_PAGE_ROWS);
    this.#endings = new Endings({ ...ports, sql }, this.#sessions, this.#connections);
    this.#listing = new Listing(ports, settings, this.#standing, () => this.#settle());
    const own = { name, standing: this.#standing, connections: this.#connections };
    this.#activity = new Activity(ports, settings, own, {
      gone: (session) => this.#endings.end(session),
      settled: () => this.#settle(),
    });
    const interval = () => this.#sweepMs;
    this.#sweep = new Sweep(ports, this.#connections, interval, (ended) => {
      for (const { connection } of ended) this.#endings.end(connection.session);
    });
    const turn = { ready: () => this.#due.fire(), settle: () => this.#settle() };
    this.#reads = new FreshReads(ports, { ...own, sessions: this.#sessions, sweep: this.#sweep }, turn);
    const about = { ...own, me: this, sql, view: this.#view };
    this.#watches = new Watches(ports, settings, about, { ...turn, seen: () => this.#sweep.quicken() });
    this.#subscribing = new Subscribing({ ...ports, sql }, settings, own, {
      settled: () => {
        this.#sweep.quicken();
        this.#settle();
      },
      subscribed: (channel, member) => this.#rosterTells.subscribed(channel, member),
    });
    const isLive = (connection: Connection) => this.#connections.find(connection.session) === connection;
    this.#watchFrames = new WatchFrames(settings, this.#watches.watching, { isLive, settled: turn.settle });
    const renewals = new Renewals(ports, this.#connections, {
      allow: (_, request) => this.allow(request),
      renewed: (connection) => {
        this.#sweep.watch(connection);
        this.#watchFrames.renewed(connection);
        this.#subscribing.renewed(connection);
        this.#settle();
      },
    });
    this.#frames = new OwnFrames({
      sessions: this.#sessions,
      statuses: this.#statuses,
      view: this.#view,
      renewals,
      channels: new ChannelFrames(ports, settings, isLive),
      watches: this.#watchFrames,
      subscribing: this.#subscribing,
    });
    this.#due = new DueTimes(ports, [
      this.#sweep,
      this.#sessions,
      this.#statuses,
      this.#activity,
      this.#endings.outbox,
      this.#rosterTells.outbox,
      this.#subscribing.outbox,
      ...this.#watches.duties,
      this.#listing.telling,
    ]);
    this.#endings.reconcile();
    this.#due.fire();
    this.#settle();
  }

  /** Row, admission, socket and welcome in one turn: this object is its own keeper, so nothing lies between. */
  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | undefined> {
    const session = this.#ports.random.id();
    const { claims, user: _, watch: __, channels: ___, recover: ____, rewind: _____, ...rest } = request;
    const connectedAt = this.#ports.clock.now();
    const keeper = { kind: "user" } as const;
    const admission = this.#admit({ ...rest, session, keeper, connectedAt, issuedAt: claims.iat ?? null });
    if (!admission.admitted) return admission.refused;
    const connection = this.#connections.open(accept(), session, request);
    this.#sweep.watch(connection);
    this.#settle();
    connection.send({ ...welcomeFrame(connection, this.#settings), inbox: { latest: 0, acked: 0 } });
    this.#watches.watching.welcomed(connection);
    if (request.watch) this.#ports.background.run(this.#watchFrames.begin(connection, request.watch));
    this.#subscribing.welcomed(connection, request.channels);
    return undefined;
  }

  async admit(request: AdmitRequest): Promise<Admission> {
    return this.#admit(request);
  }

  async ended({ session, at }: SessionEnd): Promise<void> {
    this.#sessions.end(session, Math.min(at, this.#ports.clock.now()));
    this.#endings.outbox.confirm(session);
    this.#settle();
  }

  async presence(reader: Reader): Promise<Presence> {
    return this.#view.for(reader, this.#reads.silent());
  }

  async setPresence(change: PresenceChange, session?: string): Promise<Presence | Refusal> {
    this.#due.fire();
    const refused = this.#statuses.set(change, session);
    this.#settle();
    return refused ?? this.#view.for({ kind: "back end" });
  }

  async active(session: string, at: number): Promise<void> {
    if (this.#sessions.findLive(session) !== undefined) this.#activity.heard(at);
    this.#settle();
  }

  async setDevice(session: string, device: Device): Promise<void> {
    this.#sessions.setDevice(session, device);
    this.#settle();
  }

  async sessions(): Promise<Session[]> {
    return this.#reads.list();
  }

  async allow({ issuedAt, ticket, session }: AllowRequest): Promise<Allowance> {
    const refused = this.#sessions.refusalOf(issuedAt, ticket);
    if (refused !== undefined) return { allowed: false, refused };
    const row =
      session === undefined ? undefined : this.#reads.counted().find((live) => live.session === session);
    if (session !== undefined && row === undefined) {
      return { allowed: false, refused: refusal("session_gone", "no live session of this user") };
    }
    if (ticket !== undefined) this.#sessions.useUp(ticket);
    if (row !== undefined) this.#activity.heard(this.#ports.clock.now());
    this.#settle();
    const device = row?.device.id;
    return device === undefined ? { allowed: true } : { allowed: true, device };
  }

  async endSession(session: string): Promise<boolean> {
    const row = this.#sessions.findLive(session);
    if (row !== undefined) this.#endings.endAll([row], CLOSE.ended, "ended");
    this.#settle();
    return row !== undefined;
  }

  async endAll({ revoke }: { revoke: boolean }): Promise<void> {
    if (revoke) this.#sessions.revoke();
    if (revoke) this.#endings.endAll(this.#sessions.live(), CLOSE.tokenRevoked, "revoked");
    else this.#endings.endAll(this.#sessions.live(), CLOSE.ended, "ended");
    this.#settle();
  }

  async erase(): Promise<void> {
    if (this.#standing.isBlank) return; // nobody of this name ever was
    this.#endings.endAll(this.#sessions.all(), CLOSE.ended, "erased"); // also who is in a grace leaves at once
    this.#sessions.change(() => {
      this.#sessions.erase();
      this.#watches.erase();
    });
    this.#settle();
  }

  async watching(): Promise<Watch[]> {
    return this.#watches.list();
  }

  async watch(target: string): Promise<(Watch & { presence: Presence }) | Refusal> {
    return this.#watches.watch(target);
  }

  async unwatch(target: string): Promise<void> {
    this.#watches.unwatch(target);
  }

  async watchers(query: UserQuery): Promise<WatcherPage> {
    return this.#watches.page(query);
  }

  async watchedBy(watcher: string, order: number): Promise<Notice> {
    return this.#watches.watchedBy(watcher, order);
  }

  async unwatchedBy(watcher: string, order: number): Promise<void> {
    this.#watches.unwatchedBy(watcher, order);
  }

  async notice(notice: Notice): Promise<NoticeAnswer> {
    return this.#watches.notice(notice);
  }

  async deliver(delivery: Delivery): Promise<DeliveryAnswer> {
    return this.#subscribing.deliver(delivery);
  }

  async unsubscribed(end: Unsubscribed): Promise<void> {
    this.#subscribing.unsubscribed(end);
    this.#settle();
  }

  async received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    const connection = this.#connections.of(socket);
    if (connection === undefined) return; // ended by us while this frame was on its way
    const { messages, end } = this.#connections.read(connection, data);
    this.#activity.heard(connection.activeAt);
    const answer = this.#frames.answer.bind(this.#frames);
    const answers = answerEach(connection, messages, answer, this.#ports.log);
    if (end !== undefined) this.#endings.endOwn(connection, end.code, end.text);
    this.#settle();
    await answers;
  }

  closed(socket: Socket): void {
    const connection = this.#connections.of(socket);
    if (connection === undefined) return; // its session ended before, by a sweep, a replacement or an error
    this.#connections.drop(connection);
    this.#endings.end(connection.session);
    this.#settle();
  }

  async list(): Promise<void> {
    this.#due.fire();
    this.#listing.telling.confirm();
    this.#settle();
  }

  async broadcast(broadcast: Broadcast): Promise<void> {
    await tellSessions(broadcast, this.#sessions.live(), this.#connections, this.#ports);
  }

  alarm(): void {
    this.#due.fire();
    this.#listing.woken(this.#sweepMs);
    this.#settle();
  }

  #admit(request: AdmitRequest): Admission {
    this.#due.fire();
    const refused = this.#sessions.refusalFor(request);
    if (refused !== undefined) return { admitted: false, refused };
    if (this.#sessions.findLive(request.session) === undefined) {
      this.#sessions.change(() => {
        this.#watches.watching.sessionBegins();
        this.#endings.endAll(this.#sessions.surplus(), CLOSE.replaced, "replaced");
        this.#sessions.begin(request);
      });
      this.#settle();
    }
    return { admitted: true, member: memberOf(this.#standing.facts()) };
  }

  /** At the end of a turn that may have changed something: what is owed is sent, and the alarm set for the rest. */
  #settle(): void {
    this.#listing.kick();
    this.#due.arm();
    this.#endings.outbox.kick();
    this.#rosterTells.outbox.kick();
    this.#subscribing.outbox.kick();
    this.#watches.kick();
  }

  /** While nobody can see the user, a wake-up per TTL would be paid for nothing. */
  get #sweepMs(): number {
    const ttlMs = this.#settings.SESSION_TTL_SECONDS * 1000;
    const isSeen = this.#watches.watchers.areAwake || this.#subscribing.areAny;
    return isSeen ? ttlMs : ttlMs * UNSEEN_SWEEP_FACTOR;
  }
}
