import { DurableObject } from "cloudflare:workers";
import { verifyToken } from "../auth/token.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import { Shell } from "../objects/durable-object.ts";
import type { EndReason } from "../objects/ports.ts";
import type { Push, RelayPort } from "../objects/relaying.ts";
import type { CloseCode } from "../protocol/close-codes.ts";
import { Relay } from "./relay.ts";

/** The Durable Object of one relay, named as `relaying.ts` says. */
export class RelayObject extends DurableObject<Env> implements RelayPort {
  readonly #shell: Shell<Relay>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#shell = new Shell(
      ctx,
      env,
      (ports, settings, name) => new Relay(ports, settings, name),
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

  push(push: Push) {
    return this.#shell.keeper.push(push);
  }

  report() {
    return this.#shell.keeper.report();
  }

  remove(user: string, second: number) {
    return this.#shell.keeper.remove(user, second);
  }

  dissolve(code: CloseCode) {
    return this.#shell.keeper.dissolve(code);
  }

  end(session: string, code: CloseCode, reason: EndReason) {
    return this.#shell.keeper.end(session, code, reason);
  }

  lastSeen(sessions: string[]) {
    return this.#shell.keeper.lastSeen(sessions);
  }

  lastActive(sessions: string[]) {
    return this.#shell.keeper.lastActive(sessions);
  }

  broadcast(broadcast: Broadcast, sessions: string[]) {
    return this.#shell.keeper.broadcast(broadcast, sessions);
  }
}
