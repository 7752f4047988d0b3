import { routePartykitRequest, Server } from "partyserver";

/** PartyServer as its documentation recommends it for many connections: it hibernates, and broadcasts one text. */
export class Party extends Server {
  static override options = { hibernate: true };
  #offset = 0;

  override async onRequest(request: Request): Promise<Response> {
    const { data } = (await request.json()) as { data: unknown };
    const offset = ++this.#offset;
    this.broadcast(JSON.stringify({ type: "message", offset, data }));
    return Response.json({ offset }, { status: 201 });
  }
}

export default {
  async fetch(request: Request, env: Record<string, unknown>): Promise<Response> {
    if (new URL(request.url).pathname === "/healthz") return new Response("ok");
    return (await routePartykitRequest(request, env)) ?? new Response("not found", { status: 404 });
  },
};
