import type { Settings } from "../config.ts";
import { answerEach } from "../connections/answers.ts";
import { welcomeFrame } from "../connections/welcome.ts";
import type { Audited, AuditRequest, KeptForUser, PairAnswer, PairClaim } from "../objects/auditing.ts";
import type { Backlog } from "../objects/backlog.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import type { DirectRequest, InboxPage } from "../objects/inbox-port.ts";
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
  SignalRequest,
  Socket,
  UserPort,
} from "../objects/ports.ts";
import type { Delivery, DeliveryAnswer, Unsubscribed } from "../objects/subscribing.ts";
import type { From, Session } from "../protocol/bodies.ts";
import { CLOSE } from "../protocol/close-codes.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { InboxAck, InboxQuery, Sent } from "../protocol/inbox.ts";
import type { Device } from "../protocol/names.ts";
import type { Presence, PresenceChange, UserQuery, Watch, WatcherPage } from "../protocol/presence.ts";
import { tellSessions } from "./broadcasts.ts";
import { listSessions } from "./presence/session-list.ts";
import { Rooms } from "./rooms.ts";

/**
 * One user: the truth about whether this user is online, on what, since when, and whether a session may
 * begin. It also keeps the sockets of the user's own connections.
 */
export class User implements Keeper, UserPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #name: string;
  readonly #rooms: Rooms;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    this.#name = name;
    this.#rooms = new Rooms(ports, settings, name, this);
  }

  /** Row, admission, socket and welcome in one turn: this object is its own keeper, so nothing lies between. */
  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | undefined> {
    const session = this.#ports.random.id();
    const {
      claims,
      user: _,
      watch: __,
      channels: ___,
      seen: ____,
      recover: _____,
      rewind: ______,
      ...rest
    } = request;
    const connectedAt = this.#ports.clock.now();
    const keeper = { kind: "user" } as const;
    const admission = this.#rooms.admissions.admit({
      ...rest,
      session,
      keeper,
      connectedAt,
      issuedAt: claims.iat ?? null,
    });
    if (!admission.admitted) return admission.refused;
    const connection = this.#rooms.connections.open(accept(), session, request);
    this.#rooms.sweep.watch(connection);
    this.#rooms.settle();
    connection.send({
      ...welcomeFrame(connection, this.#settings),
      inbox: this.#rooms.directs.welcome(connection),
    });
    this.#rooms.watches.watching.welcomed(connection);
    this.#rooms.directs.welcomed(connection, request.seen);
    if (request.watch) this.#ports.background.run(this.#rooms.watchFrames.begin(connection, request.watch));
    this.#rooms.subscribing.welcomed(connection, request.channels);
    return undefined;
  }

  async admit(request: AdmitRequest): Promise<Admission> {
    return this.#rooms.admissions.admit(request);
  }

  async ended(end: SessionEnd): Promise<void> {
    await this.endedTogether({ ended: [end], unsubscribed: [] });
  }

  async endedTogether(ends: { ended: SessionEnd[]; unsubscribed: Unsubscribed[] }): Promise<void> {
    for (const { session, at, reason } of ends.ended) {
      this.#rooms.sessions.end(session, Math.min(at, this.#ports.clock.now()), reason);
      this.#rooms.endings.outbox.confirm(session);
    }
    for (const end of ends.unsubscribed) this.#rooms.subscribing.unsubscribed(end);
    this.#rooms.settle();
  }

  async presence(reader: Reader): Promise<Presence> {
    return this.#rooms.view.for(reader, this.#rooms.counting.silent());
  }

  async setPresence(change: PresenceChange, session?: string): Promise<Presence | Refusal> {
    this.#rooms.ready();
    const refused = this.#rooms.statuses.set(change, session);
    this.#rooms.settle();
    return refused ?? this.#rooms.view.for({ kind: "back end" });
  }

  async active(session: string, at: number): Promise<void> {
    if (this.#rooms.sessions.findLive(session) !== undefined) this.#rooms.activity.heard(at);
    this.#rooms.settle();
  }

  async setDevice(session: string, device: Device): Promise<void> {
    this.#rooms.sessions.setDevice(session, device);
    this.#rooms.settle();
  }

  async sessions(): Promise<Session[]> {
    return listSessions(
      this.#name,
      this.#rooms.counting.live(),
      this.#rooms.connections,
      this.#ports.objects,
    );
  }

  async allow(request: AllowRequest): Promise<Allowance> {
    return this.#rooms.admissions.allow(request);
  }

  async endSession(session: string): Promise<boolean> {
    const row = this.#rooms.sessions.findLive(session);
    if (row !== undefined) this.#rooms.endings.endAll([row], CLOSE.ended, "ended");
    this.#rooms.settle();
    return row !== undefined;
  }

  async endAll({ revoke }: { revoke: boolean }): Promise<void> {
    if (revoke) this.#rooms.sessions.revoke();
    if (revoke) this.#rooms.endings.endAll(this.#rooms.sessions.live(), CLOSE.tokenRevoked, "revoked");
    else this.#rooms.endings.endAll(this.#rooms.sessions.live(), CLOSE.ended, "ended");
    this.#rooms.settle();
  }

  async erase(): Promise<void> {
    if (this.#rooms.standing.isBlank) return; // nobody of this name ever was
    this.#rooms.endings.endAll(this.#rooms.sessions.all(), CLOSE.ended, "erased"); // also who is in a grace leaves at once
    this.#rooms.sessions.change(() => {
      this.#rooms.sessions.erase();
      this.#rooms.watches.erase();
      this.#rooms.directs.erase();
    });
    this.#rooms.settle();
  }

  /** After the storage went back in time: others may know versions of a later one. */
  async restored(): Promise<void> {
    if (this.#rooms.standing.isBlank) return;
    this.#rooms.standing.leap();
    this.#rooms.settle();
  }

  async watching(): Promise<Watch[]> {
    return this.#rooms.watches.list();
  }

  async watch(target: string): Promise<(Watch & { presence: Presence }) | Refusal> {
    return this.#rooms.watches.watch(target);
  }

  async unwatch(target: string): Promise<void> {
    this.#rooms.watches.unwatch(target);
  }

  async watchers(query: UserQuery): Promise<WatcherPage> {
    return this.#rooms.watches.page(query);
  }

  async watchedBy(watcher: string, order: number): Promise<Notice> {
    return this.#rooms.watches.watchedBy(watcher, order);
  }

  async unwatchedBy(watcher: string, order: number): Promise<void> {
    this.#rooms.watches.unwatchedBy(watcher, order);
  }

  async notice(notice: Notice): Promise<NoticeAnswer> {
    return this.#rooms.watches.notice(notice);
  }

  async deliver(delivery: Delivery): Promise<DeliveryAnswer> {
    return this.#rooms.subscribing.deliver(delivery);
  }

  async unsubscribed(end: Unsubscribed): Promise<void> {
    await this.endedTogether({ ended: [], unsubscribed: [end] });
  }

  async send(request: DirectRequest): Promise<Sent | Refusal> {
    return this.#rooms.directs.send(request);
  }

  async inbox(query: InboxQuery, reader?: From): Promise<InboxPage> {
    return this.#rooms.directs.page(query, reader);
  }

  async ackInbox(ack: InboxAck): Promise<void> {
    this.#rooms.directs.acknowledge(ack);
  }

  async signal(request: SignalRequest): Promise<void> {
    this.#rooms.directs.signal(request);
  }

  async signalTogether(requests: SignalRequest[]): Promise<void> {
    for (const request of requests) this.#rooms.directs.signal(request);
  }

  async received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    const connection = this.#rooms.connections.of(socket);
    if (connection === undefined) return; // ended by us while this frame was on its way
    const { messages, end } = this.#rooms.connections.read(connection, data);
    this.#rooms.activity.heard(connection.activeAt);
    const answer = this.#rooms.frames.answer.bind(this.#rooms.frames);
    const answers = answerEach(connection, messages, answer, this.#ports.log);
    if (end !== undefined) this.#rooms.endings.endOwn(connection, end.code, end.text, "protocol");
    this.#rooms.settle();
    await answers;
  }

  closed(socket: Socket): void {
    const connection = this.#rooms.connections.of(socket);
    if (connection === undefined) return; // its session ended before, by a sweep, a replacement or an error
    this.#rooms.connections.drop(connection);
    this.#rooms.endings.end(connection.session, "closed");
    this.#rooms.settle();
  }

  async list(): Promise<void> {
    this.#rooms.ready();
    this.#rooms.listing.telling.confirm();
    this.#ports.background.run(this.#rooms.activity.confirm().then(() => undefined));
    this.#rooms.settle();
  }

  async audit(request: AuditRequest): Promise<Audited> {
    return this.#rooms.audit.run(request);
  }

  async pairWith(user: string, claim: PairClaim): Promise<PairAnswer> {
    return this.#rooms.watches.pairWith(user, claim);
  }

  async unclaimed(kept: KeptForUser): Promise<string[]> {
    return this.#rooms.audit.unclaimed(kept);
  }

  async broadcast(broadcast: Broadcast): Promise<void> {
    await tellSessions(broadcast, this.#rooms.sessions.live(), this.#rooms.connections, this.#ports);
  }

  backlog(): Backlog {
    return this.#rooms.due.backlog();
  }

  alarm(): void {
    this.#rooms.ready();
    this.#rooms.listing.woken(this.#rooms.sweepMs);
    this.#rooms.settle();
  }
}
