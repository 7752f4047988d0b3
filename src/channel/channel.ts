import type { Settings } from "../config.ts";
import { tellOnce } from "../connections/broadcasts.ts";
import { lastActive, lastSeen } from "../connections/kept/last-heard.ts";
import { welcomeFrame } from "../connections/welcome.ts";
import type { Audited, AuditRequest } from "../objects/auditing.ts";
import type { Backlog } from "../objects/backlog.ts";
import type { Broadcast } from "../objects/broadcast.ts";
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
import type { CloseCode } from "../protocol/close-codes.ts";
import { isRefusal, type Refusal, refusal } from "../protocol/codes.ts";
import { Rooms } from "./rooms.ts";
import { summaryOf } from "./summary.ts";

/** One channel: the truth about who is here and what was said, in which order. It keeps its own sockets. */
export class Channel implements Keeper, ChannelPort {
  readonly #ports: Ports;
  readonly #settings: Settings;
  readonly #name: string;
  readonly #rooms: Rooms;

  constructor(ports: Ports, settings: Settings, name: string) {
    this.#ports = ports;
    this.#settings = settings;
    this.#name = name;
    this.#rooms = new Rooms(ports, settings, name);
  }

  async connect(request: ConnectRequest, accept: () => Socket): Promise<Refusal | Elsewhere | undefined> {
    if (this.#rooms.sessions.isFullOf(request.user)) {
      return refusal("unavailable", "too many sessions of this user ended a moment ago");
    }
    const removed = this.#rooms.removals.refusalOf({
      user: request.user,
      issuedAt: request.claims.iat ?? null,
    });
    if (removed !== undefined) return removed;
    const elsewhere = this.#rooms.relays.elsewhere(request);
    if (elsewhere !== undefined) return elsewhere;
    const connection = await this.#rooms.entrance.enter(request, accept);
    if (isRefusal(connection)) return connection;
    this.#rooms.sweep.watch(connection);
    this.#rooms.listing.kick();
    this.#rooms.due.arm();
    this.#rooms.talk.standing.tell(connection, welcomeFrame(connection, this.#settings), request);
    return undefined;
  }

  received(socket: Socket, data: string | ArrayBuffer): Promise<void> {
    return this.#rooms.reception.received(socket, data);
  }

  closed(socket: Socket): void {
    this.#rooms.reception.closed(socket);
  }

  backlog(): Backlog {
    return this.#rooms.due.backlog();
  }

  alarm(): void {
    this.#rooms.relays.departed.run(this.#ports.clock.now());
    this.#rooms.carryOn();
    this.#rooms.talk.alarm();
    this.#rooms.relays.leases.alarm();
  }

  async end(session: string, code: CloseCode, reason: EndReason): Promise<void> {
    this.#rooms.endings.order(session, code, reason);
    this.#rooms.carryOn(); // some leave at once
  }

  async removeMember(user: string): Promise<void> {
    this.#rooms.removals.add(user);
    this.#rooms.endings.remove(user);
    this.#rooms.relays.remove(user);
    this.#rooms.carryOn();
  }

  async publish(request: PublishRequest, caller?: Caller): Promise<Published | Refusal> {
    const refused = this.#rooms.removals.refusalOf(caller) ?? this.#rooms.intake.refusalOf(request, caller);
    return refused ?? this.#rooms.talk.messages.publish(request);
  }

  async signal(request: SignalRequest, caller?: Caller): Promise<Refusal | undefined> {
    const refused = this.#rooms.removals.refusalOf(caller) ?? this.#rooms.intake.refusalOf({}, caller);
    if (refused === undefined) this.#rooms.talk.messages.signal(request);
    return refused;
  }

  async members(query: MemberQuery, caller?: Caller): Promise<MemberPage | Refusal> {
    this.#rooms.carryOn();
    if (caller === undefined) return this.#rooms.members.pageOfAll(query);
    return this.#rooms.removals.refusalOf(caller) ?? this.#rooms.members.page(query);
  }

  async history(query: MessageQuery, caller?: Caller): Promise<LogPage | Refusal> {
    return this.#rooms.removals.refusalOf(caller) ?? this.#rooms.talk.messages.history(query, caller);
  }

  async forget(): Promise<void> {
    this.#rooms.endings.forgetAll();
    this.#rooms.relays.forget();
    this.#rooms.talk.forget();
    this.#rooms.carryOn();
  }

  /** After the storage went back in time: who has heard what is gone must not take what comes next for it. */
  async restored(): Promise<void> {
    this.#rooms.endings.forgetAll();
    this.#rooms.relays.forget();
    this.#rooms.talk.renew();
    this.#rooms.carryOn();
  }

  async summary(): Promise<ChannelSummary> {
    this.#rooms.carryOn();
    const rooms = {
      sessions: this.#rooms.sessions,
      connections: this.#rooms.connections,
      members: this.#rooms.members,
    };
    return summaryOf(this.#name, { ...rooms, relays: this.#rooms.relays, log: this.#rooms.talk.log });
  }

  async relayed(call: RelayCall): Promise<RelayAnswer> {
    this.#rooms.due.fire();
    const answer = this.#rooms.relays.answer(call, this.#rooms.talk.relayCalls);
    this.#rooms.settle();
    return answer;
  }

  async list(): Promise<void> {
    this.#rooms.due.fire();
    this.#rooms.listing.telling.confirm();
    this.#rooms.settle();
  }

  async audit(request: AuditRequest): Promise<Audited> {
    return this.#rooms.audit.run(request);
  }

  async broadcast(broadcast: Broadcast, sessions: string[]): Promise<void> {
    tellOnce(this.#rooms.connections, sessions, broadcast);
  }

  async lastSeen(sessions: string[]): Promise<Record<string, number>> {
    return lastSeen(sessions, this.#rooms.connections);
  }

  async lastActive(sessions: string[]): Promise<Record<string, number>> {
    return lastActive(sessions, { sessions: this.#rooms.sessions, connections: this.#rooms.connections });
  }

  async setMember(user: string, sessions: string[], state: MemberState): Promise<void> {
    this.#rooms.members.told(user, sessions, state);
  }

  async subscribe(request: SubscribeRequest): Promise<Subscribed | Refusal> {
    const { user, issuedAt } = request;
    this.#rooms.due.fire();
    const answer =
      this.#rooms.removals.refusalOf({ user, issuedAt }) ?? this.#rooms.talk.subscribers.subscribe(request);
    this.#rooms.settle();
    return answer;
  }

  async unsubscribe(request: UnsubscribeRequest): Promise<void> {
    return this.unsubscribeTogether([request]);
  }

  async unsubscribeTogether(requests: UnsubscribeRequest[]): Promise<void> {
    for (const request of requests) this.#rooms.talk.subscribers.unsubscribe(request);
    this.#rooms.carryOn(); // some leave at once
  }

  async setSubscriberDevice(change: SubscriberDevice): Promise<void> {
    this.#rooms.talk.subscribers.setDevice(change);
  }

  async read(request: ReadRequest): Promise<LogFrames | null> {
    return this.#rooms.talk.subscribers.read(request);
  }
}
