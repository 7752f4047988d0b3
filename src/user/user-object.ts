import { DurableObject } from "cloudflare:workers";
import { verifyToken } from "../auth/token.ts";
import type { AuditRequest, KeptForUser, PairClaim } from "../objects/auditing.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import { type PointInTime, Shell } from "../objects/durable-object.ts";
import type { DirectRequest } from "../objects/inbox-port.ts";
import type {
  AdmitRequest,
  AllowRequest,
  Notice,
  Reader,
  SessionEnd,
  SignalRequest,
  UserPort,
} from "../objects/ports.ts";
import type { Delivery, Unsubscribed } from "../objects/subscribing.ts";
import type { From } from "../protocol/bodies.ts";
import type { InboxAck, InboxQuery } from "../protocol/inbox.ts";
import type { Device } from "../protocol/names.ts";
import type { PresenceChange, UserQuery } from "../protocol/presence.ts";
import { User } from "./user.ts";

/** The Durable Object of one user, named by the user id. */
export class UserObject extends DurableObject<Env> implements UserPort {
  readonly #shell: Shell<User>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#shell = new Shell(
      ctx,
      env,
      (ports, settings, name) => new User(ports, settings, name),
      verifyToken,
    );
  }

  override fetch(request: Request) {
    return this.#shell.fetch(request);
  }

  override webSocketMessage(webSocket: WebSocket, data: string | ArrayBuffer) {
    return this.#shell.message(webSocket, data);
  }

  override webSocketClose(webSocket: WebSocket, code: number, reason: string) {
    this.#shell.close(webSocket, code, reason);
  }

  override webSocketError(webSocket: WebSocket) {
    this.#shell.error(webSocket);
  }

  override alarm(_info?: AlarmInvocationInfo) {
    this.#shell.alarm();
  }

  admit(request: AdmitRequest) {
    return this.#shell.keeper.admit(request);
  }

  ended(end: SessionEnd) {
    return this.#shell.keeper.ended(end);
  }

  presence(reader: Reader) {
    return this.#shell.keeper.presence(reader);
  }

  setPresence(change: PresenceChange, session?: string) {
    return this.#shell.keeper.setPresence(change, session);
  }

  active(session: string, at: number) {
    return this.#shell.keeper.active(session, at);
  }

  setDevice(session: string, device: Device) {
    return this.#shell.keeper.setDevice(session, device);
  }

  sessions() {
    return this.#shell.keeper.sessions();
  }

  allow(request: AllowRequest) {
    return this.#shell.keeper.allow(request);
  }

  endSession(session: string) {
    return this.#shell.keeper.endSession(session);
  }

  endAll(how: { revoke: boolean }) {
    return this.#shell.keeper.endAll(how);
  }

  erase() {
    return this.#shell.keeper.erase();
  }

  restore(to: PointInTime) {
    return this.#shell.restore(to);
  }

  restored() {
    return this.#shell.keeper.restored();
  }

  watching() {
    return this.#shell.keeper.watching();
  }

  watch(target: string) {
    return this.#shell.keeper.watch(target);
  }

  unwatch(target: string) {
    return this.#shell.keeper.unwatch(target);
  }

  watchers(query: UserQuery) {
    return this.#shell.keeper.watchers(query);
  }

  watchedBy(watcher: string, order: number) {
    return this.#shell.keeper.watchedBy(watcher, order);
  }

  unwatchedBy(watcher: string, order: number) {
    return this.#shell.keeper.unwatchedBy(watcher, order);
  }

  notice(notice: Notice) {
    return this.#shell.keeper.notice(notice);
  }

  deliver(delivery: Delivery) {
    return this.#shell.keeper.deliver(delivery);
  }

  unsubscribed(end: Unsubscribed) {
    return this.#shell.keeper.unsubscribed(end);
  }

  endedTogether(ends: { ended: SessionEnd[]; unsubscribed: Unsubscribed[] }) {
    return this.#shell.keeper.endedTogether(ends);
  }

  send(request: DirectRequest) {
    return this.#shell.keeper.send(request);
  }

  inbox(query: InboxQuery, reader?: From) {
    return this.#shell.keeper.inbox(query, reader);
  }

  ackInbox(ack: InboxAck) {
    return this.#shell.keeper.ackInbox(ack);
  }

  signal(request: SignalRequest) {
    return this.#shell.keeper.signal(request);
  }

  signalTogether(requests: SignalRequest[]) {
    return this.#shell.keeper.signalTogether(requests);
  }

  list() {
    return this.#shell.keeper.list();
  }

  audit(request: AuditRequest) {
    return this.#shell.keeper.audit(request);
  }

  pairWith(user: string, claim: PairClaim) {
    return this.#shell.keeper.pairWith(user, claim);
  }

  unclaimed(kept: KeptForUser) {
    return this.#shell.keeper.unclaimed(kept);
  }

  broadcast(broadcast: Broadcast) {
    return this.#shell.keeper.broadcast(broadcast);
  }
}
