import { DurableObject } from "cloudflare:workers";
import { verifyToken } from "../../src/auth/token.ts";
import { Shell } from "../../src/objects/durable-object.ts";
import type { AdmitRequest, SessionEnd } from "../../src/objects/ports.ts";
import { Probe } from "../fixtures/probe.ts";

/** The shell of the Worker around a probe: what the contract suite finds true of it is true of every object. */
export class ProbeObject extends DurableObject<Env> {
  readonly shell: Shell<Probe>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.shell = new Shell(ctx, env, (ports) => new Probe(ports), verifyToken);
  }

  override fetch(request: Request) {
    return this.shell.fetch(request);
  }

  override webSocketMessage(webSocket: WebSocket, data: string | ArrayBuffer) {
    return this.shell.message(webSocket, data);
  }

  override webSocketClose(webSocket: WebSocket, code: number, reason: string) {
    this.shell.close(webSocket, code, reason);
  }

  override webSocketError(webSocket: WebSocket) {
    this.shell.error(webSocket);
  }

  override alarm(_info?: AlarmInvocationInfo) {
    this.shell.alarm();
  }

  admit(request: AdmitRequest) {
    return this.shell.keeper.admit(request);
  }

  ended(end: SessionEnd) {
    return this.shell.keeper.ended(end);
  }

  presence() {
    return this.shell.keeper.presence();
  }

  sessions() {
    return this.shell.keeper.sessions();
  }
}

export class ProbeChannel extends ProbeObject {}

export class ProbeRelay extends ProbeObject {}

export class ProbeShard extends ProbeObject {}

/** Nothing comes in from outside: the tests speak to the objects. */
export default { fetch: () => new Response(null, { status: 404 }) };
