import { DurableObject } from "cloudflare:workers";
import { verifyToken } from "../auth/token.ts";
import type { AuditRequest } from "../objects/auditing.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import { type PointInTime, Shell } from "../objects/durable-object.ts";
import type {
  Caller,
  ChannelPort,
  EndReason,
  MemberState,
  PublishRequest,
  SignalRequest,
} from "../objects/ports.ts";
import type { RelayCall } from "../objects/relaying.ts";
import type {
  ReadRequest,
  SubscribeRequest,
  SubscriberDevice,
  UnsubscribeRequest,
} from "../objects/subscribing.ts";
import type { MemberQuery, MessageQuery } from "../protocol/bodies.ts";
import type { CloseCode } from "../protocol/close-codes.ts";
import { Channel } from "./channel.ts";

/** The Durable Object of one channel, named by the channel. */
export class ChannelObject extends DurableObject<Env> implements ChannelPort {
  readonly #shell: Shell<Channel>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#shell = new Shell(
      ctx,
      env,
      (ports, settings, name) => new Channel(ports, settings, name),
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

  end(session: string, code: CloseCode, reason: EndReason) {
    return this.#shell.keeper.end(session, code, reason);
  }

  publish(request: PublishRequest, caller?: Caller) {
    return this.#shell.keeper.publish(request, caller);
  }

  signal(request: SignalRequest, caller?: Caller) {
    return this.#shell.keeper.signal(request, caller);
  }

  members(query: MemberQuery, caller?: Caller) {
    return this.#shell.keeper.members(query, caller);
  }

  history(query: MessageQuery, caller?: Caller) {
    return this.#shell.keeper.history(query, caller);
  }

  removeMember(user: string) {
    return this.#shell.keeper.removeMember(user);
  }

  forget() {
    return this.#shell.keeper.forget();
  }

  restore(to: PointInTime) {
    return this.#shell.restore(to);
  }

  restored() {
    return this.#shell.keeper.restored();
  }

  summary() {
    return this.#shell.keeper.summary();
  }

  lastSeen(sessions: string[]) {
    return this.#shell.keeper.lastSeen(sessions);
  }

  lastActive(sessions: string[]) {
    return this.#shell.keeper.lastActive(sessions);
  }

  setMember(user: string, sessions: string[], state: MemberState) {
    return this.#shell.keeper.setMember(user, sessions, state);
  }

  subscribe(request: SubscribeRequest) {
    return this.#shell.keeper.subscribe(request);
  }

  unsubscribe(request: UnsubscribeRequest) {
    return this.#shell.keeper.unsubscribe(request);
  }

  unsubscribeTogether(requests: UnsubscribeRequest[]) {
    return this.#shell.keeper.unsubscribeTogether(requests);
  }

  setSubscriberDevice(change: SubscriberDevice) {
    return this.#shell.keeper.setSubscriberDevice(change);
  }

  read(request: ReadRequest) {
    return this.#shell.keeper.read(request);
  }

  relayed(call: RelayCall) {
    return this.#shell.keeper.relayed(call);
  }

  list() {
    return this.#shell.keeper.list();
  }

  audit(request: AuditRequest) {
    return this.#shell.keeper.audit(request);
  }

  broadcast(broadcast: Broadcast, sessions: string[]) {
    return this.#shell.keeper.broadcast(broadcast, sessions);
  }
}
