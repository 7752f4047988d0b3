import { Hono } from "hono";
import { originAllowed } from "../auth/origin.ts";
import type { ConnectRequest } from "../objects/ports.ts";
import { connectTo } from "../objects/stubs.ts";
import type { Claims } from "../protocol/claims.ts";
import { notAvailable } from "../protocol/later.ts";
import { mustUseChannel, requireUser } from "./access.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { channelIn, deviceIn } from "./input.ts";
import { Problem, problem } from "./problem.ts";

/** The subprotocol that the server answers; a token may travel beside it. */
const SUBPROTOCOL = "presence.v1";

/** WebSocket upgrades: everything is decided here, and only then forwarded to the keeper. */
export const connect = new Hono<AppEnv>()
  .get("/v1/connect", async (context) => {
    const claims = await claimsOf(context);
    mustUpgrade(context);
    const keeper = context.env.USER.getByName(claims.sub);
    return answer(context, await connectTo(keeper, request(context, claims), context.req.raw.headers));
  })
  .get("/v1/channels/:channel/connect", async (context) => {
    const claims = await claimsOf(context);
    const channel = channelIn(context);
    mustUseChannel(context, claims, "subscribe", channel);
    if (context.req.query("rewind") !== undefined) throw new Problem(notAvailable("rewind"));
    mustUpgrade(context);
    const keeper = context.env.CHANNEL.getByName(channel);
    return answer(context, await connectTo(keeper, request(context, claims), context.req.raw.headers));
  });

async function claimsOf(context: AppContext): Promise<Claims> {
  if (!originAllowed(context.req.header("Origin") ?? null, context.get("settings"))) {
    throw problem("origin_not_allowed", "this origin may not connect");
  }
  const { claims } = await requireUser(context);
  return claims;
}

/** Asked last, so that a plain GET tells a client why its upgrade was refused: a browser learns only 1006. */
function mustUpgrade(context: AppContext): void {
  if (context.req.header("Upgrade")?.toLowerCase() === "websocket") return;
  if (context.req.header("Accept")?.includes("text/event-stream")) {
    throw new Problem(notAvailable("an event stream"));
  }
  throw problem("upgrade_required", "connect with a WebSocket");
}

function request(context: AppContext, claims: Claims): ConnectRequest {
  const ip = context.req.header("CF-Connecting-IP");
  const region = context.req.raw.cf?.colo;
  return {
    user: claims.sub,
    device: deviceIn(context),
    transport: "websocket",
    claims,
    ...(ip === undefined ? {} : { ip }),
    ...(typeof region === "string" ? { region } : {}),
  };
}

/** The object's answer, with the subprotocol where the client offered it: a browser insists. */
function answer(context: AppContext, response: Response): Response {
  const offered =
    context.req
      .header("Sec-WebSocket-Protocol")
      ?.split(",")
      .map((name) => name.trim()) ?? [];
  if (response.webSocket === null || !offered.includes(SUBPROTOCOL)) return response;
  const headers = { "Sec-WebSocket-Protocol": SUBPROTOCOL };
  return new Response(null, { status: 101, webSocket: response.webSocket, headers });
}
