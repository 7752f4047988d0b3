import { DurableObject } from "cloudflare:workers";

interface FloorEnv {
  ROOM: DurableObjectNamespace<FloorRoom>;
}

/**
 * The least that the platform allows: one hibernating object, one text made once, one plain loop. No auth, no storage, no
 * roster, no recovery. What a service costs is what it takes beyond this.
 */
export class FloorRoom extends DurableObject<FloorEnv> {
  #offset = 0;
  /** How often it was woken is told by who asks: a benchmark of waking must know that it slept. */
  readonly #wokenAt = Date.now();

  constructor(ctx: DurableObjectState, env: FloorEnv) {
    super(ctx, env);
    ctx.setWebSocketAutoResponse(new WebSocketRequestResponsePair("ping", "pong"));
  }

  override async fetch(request: Request): Promise<Response> {
    if (request.headers.get("Upgrade") === "websocket") {
      const pair = new WebSocketPair();
      this.ctx.acceptWebSocket(pair[1]);
      return new Response(null, { status: 101, webSocket: pair[0] });
    }
    const { data } = (await request.json()) as { data: unknown };
    const offset = ++this.#offset;
    const text = JSON.stringify({ type: "message", offset, data });
    for (const webSocket of this.ctx.getWebSockets()) webSocket.send(text);
    return Response.json({ offset, wokenAt: this.#wokenAt }, { status: 201 });
  }

  override webSocketMessage(): void {}

  override webSocketClose(webSocket: WebSocket, code: number): void {
    if (code === 1005) webSocket.close();
    else if (code !== 1006) webSocket.close(code);
  }
}

export default {
  fetch: (request: Request, env: FloorEnv) =>
    new URL(request.url).pathname === "/healthz"
      ? new Response("ok")
      : env.ROOM.getByName("room").fetch(request),
};
