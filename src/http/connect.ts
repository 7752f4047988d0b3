import { Hono } from "hono";
import { originAllowed } from "../auth/origin.ts";
import type { ConnectRequest, LogPosition } from "../objects/ports.ts";
import { connectTo } from "../objects/stubs.ts";
import { mustUseChannel, mustWatch, requireUser, type UserPrincipal } from "./access.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { EventStream } from "./event-stream.ts";
import { channelIn, channelsIn, deviceIn, watchIn } from "./input.ts";
import { mustNotBeHeldOff, noteConnect } from "./limits.ts";
import { hintOf, type Whereabouts } from "./location.ts";
import { connectPlaced, type Keepers, KnownRelays } from "./placing.ts";
import { parsePosition, parseSeq, positionOf } from "./position.ts";
import { problem } from "./problem.ts";

/** Forwards an upgrade to whoever keeps the connection. */
type Open = (wanted: ConnectRequest) => Promise<Response>;
type Transport = ConnectRequest["transport"];

/** The subprotocol that the server answers; a token may travel beside it. */
const SUBPROTOCOL = "presence.v1";

/** Proxies and idle timers along the way expect a word about so often, whatever the setting says. */
const MAX_HEARTBEAT_SECONDS = 25;

/** Losing it asks channels once more. */
const knownRelays = new KnownRelays(() => Date.now());

/** Connections of both kinds: everything is decided here, and only then forwarded to the keeper. */
export const connect = new Hono<AppEnv>()
  .get("/v1/connect", async (context) => {
    const who = await userOf(context);
    const transport = transportOf(context);
    const wanted = request(context, who, transport);
    const [watch, channels] = transport === "sse" ? [watchIn(context), channelsIn(context)] : []; // a WebSocket says so in frames
    for (const user of watch ?? []) mustWatch(context, who.claims, user);
    for (const channel of channels ?? []) mustUseChannel(context, who.claims, "subscribe", channel);
    const keeper = context.env.USER.getByName(who.user);
    const seen = transport === "sse" ? parseSeq(context.req.header("Last-Event-ID")) : undefined;
    return opened(context, (connect) => connectTo(keeper, connect), {
      ...wanted,
      ...(watch && { watch }),
      ...(channels && { channels }),
      ...(seen !== undefined && { seen }),
    });
  })
  .get("/v1/channels/:channel/connect", async (context) => {
    const who = await userOf(context);
    const channel = channelIn(context);
    mustUseChannel(context, who.claims, "subscribe", channel);
    const rewind = rewindIn(context);
    if (rewind !== undefined) mustUseChannel(context, who.claims, "history", channel);
    const transport = transportOf(context);
    const recover = recoverIn(context, transport);
    const hint = hintOf((context.req.raw.cf ?? {}) as Whereabouts);
    return opened(context, (connect) => openedAt(context, channel, connect), {
      ...request(context, who, transport),
      ...(hint && { hint }),
      ...(recover && { recover }),
      ...(rewind !== undefined && { rewind }),
    });
  });

async function userOf(context: AppContext): Promise<UserPrincipal> {
  if (!originAllowed(context.req.header("Origin") ?? null, context.get("settings"))) {
    throw problem("origin_not_allowed", "this origin may not connect");
  }
  return requireUser(context);
}

/**
 * Asked last, so that a plain GET tells a client why its upgrade was refused: a browser learns only 1006. A
 * HEAD comes by here too, and would open what nobody holds.
 */
function transportOf(context: AppContext): Transport {
  const isGet = context.req.method === "GET";
  const upgrade = context.req.header("Upgrade")?.toLowerCase();
  if (isGet && upgrade === "websocket") return "websocket";
  const accepts = context.req.header("Accept")?.toLowerCase().includes("text/event-stream");
  if (isGet && upgrade === undefined && accepts) return "sse";
  throw problem("upgrade_required", "connect with a WebSocket, or accept text/event-stream");
}

/** So many of the newest messages, where it can't be recovered. Throws `bad_request`. */
function rewindIn(context: AppContext): number | undefined {
  const text = context.req.query("rewind");
  const { HISTORY_SIZE } = context.get("settings");
  if (text === undefined || (/^\d{1,9}$/.test(text) && Number(text) <= HISTORY_SIZE)) {
    return text === undefined ? undefined : Number(text);
  }
  const message = `a whole number from 0 to ${HISTORY_SIZE}`;
  throw problem("bad_request", `rewind: ${message}`, [{ path: "rewind", message }]);
}

/** Where to recover from: what a browser says on its own when it comes back is newer than its address. */
function recoverIn(context: AppContext, transport: Transport): LogPosition | undefined {
  const said = transport === "sse" ? parsePosition(context.req.header("Last-Event-ID")) : undefined;
  return said ?? positionOf(context.req.query("epoch"), context.req.query("offset"));
}

function request(
  context: AppContext,
  { user, claims, ticket }: UserPrincipal,
  transport: Transport,
): ConnectRequest {
  const ip = context.req.header("CF-Connecting-IP");
  const region = context.req.raw.cf?.colo;
  return {
    user,
    device: deviceIn(context),
    transport,
    claims,
    ...(ticket === undefined ? {} : { ticket }),
    ...(ip === undefined ? {} : { ip }),
    ...(typeof region === "string" ? { region } : {}),
  };
}

/** A connection to a channel: at the channel's own object, or at one of its relays. */
function openedAt(context: AppContext, channel: string, wanted: ConnectRequest): Promise<Response> {
  const { CHANNEL, RELAY } = context.env;
  const keepers: Keepers = {
    channel: (connect) => connectTo(CHANNEL.getByName(channel), connect),
    relay: (name, near, connect) => connectTo(RELAY.getByName(name, near && { locationHint: near }), connect),
  };
  return connectPlaced(channel, wanted, { keepers, known: knownRelays });
}

async function opened(context: AppContext, open: Open, wanted: ConnectRequest): Promise<Response> {
  mustNotBeHeldOff(context, wanted.user);
  const response = await open(wanted);
  noteConnect(context, wanted.user, response);
  if (wanted.transport === "websocket") return upgraded(context, response);
  return response.webSocket === null ? response : streamed(context, response.webSocket);
}

/** The object's answer, with the subprotocol where the client offered it: a browser insists. */
function upgraded(context: AppContext, response: Response): Response {
  const offered =
    context.req
      .header("Sec-WebSocket-Protocol")
      ?.split(",")
      .map((name) => name.trim()) ?? [];
  if (response.webSocket === null || !offered.includes(SUBPROTOCOL)) return response;
  const headers = { "Sec-WebSocket-Protocol": SUBPROTOCOL };
  return new Response(null, { status: 101, webSocket: response.webSocket, headers });
}

/** `X-Accel-Buffering` is what nginx and its kin ask for, or they hold events back until a buffer is full. */
function streamed(context: AppContext, webSocket: WebSocket): Response {
  const seconds = Math.min(context.get("settings").HEARTBEAT_INTERVAL_SECONDS, MAX_HEARTBEAT_SECONDS);
  const stream = new EventStream(webSocket, { heartbeatMs: seconds * 1000, signal: context.req.raw.signal });
  context.executionCtx.waitUntil(stream.ended); // the word to the keeper must still go out once the client is gone
  const headers = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-store",
    "X-Accel-Buffering": "no",
  };
  return new Response(stream.body, { headers });
}
