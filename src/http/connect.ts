import { Hono } from "hono";
import { originAllowed } from "../auth/origin.ts";
import type { ConnectRequest } from "../objects/ports.ts";
import { connectTo } from "../objects/stubs.ts";
import { notAvailable } from "../protocol/later.ts";
import { mustUseChannel, requireUser, type UserPrincipal } from "./access.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { channelIn, deviceIn } from "./input.ts";
import { Problem, problem } from "./problem.ts";

/** The subprotocol that the server answers; a token may travel beside it. */
const SUBPROTOCOL = "presence.v1";

/** WebSocket upgrades: everything is decided here, and only then forwarded to the keeper. */
export const connect = new Hono<AppEnv>()
  .get("/v1/connect", async (context) => {
    const who = await userOf(context);
    mustUpgrade(context);
    const keeper = context.env.USER.getByName(who.user);
    return answer(context, await connectTo(keeper, request(context, who), context.req.raw.headers));
  })
  .get("/v1/channels/:channel/connect", async (context) => {
    const who = await userOf(context);
    const channel = channelIn(context);
    mustUseChannel(context, who.claims, "subscribe", channel);
    if (context.req.query("rewind") !== undefined) throw new Problem(notAvailable("rewind"));
    mustUpgrade(context);
    const keeper = context.env.CHANNEL.getByName(channel);
    return answer(context, await connectTo(keeper, request(context, who), context.req.raw.headers));
  });

async function userOf(context: AppContext): Promise<UserPrincipal> {
  if (!originAllowed(context.req.header("Origin") ?? null, context.get("settings"))) {
    throw problem("origin_not_allowed", "this origin may not connect");
  }
  return requireUser(context);
}

/** Asked last, so that a plain GET tells a client why its upgrade was refused: a browser learns only 1006. */
function mustUpgrade(context: AppContext): void {
  if (context.req.header("Upgrade")?.toLowerCase() === "websocket") return;
  if (context.req.header("Accept")?.includes("text/event-stream")) {
    throw new Problem(notAvailable("an event stream"));
  }
  throw problem("upgrade_required", "connect with a WebSocket");
}

function request(context: AppContext, { user, claims, ticket }: UserPrincipal): ConnectRequest {
  const ip = context.req.header("CF-Connecting-IP");
  const region = context.req.raw.cf?.colo;
  return {
    user,
    device: deviceIn(context),
    transport: "websocket",
    claims,
    ...(ticket === undefined ? {} : { ticket }),
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
