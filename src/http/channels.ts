import { Hono } from "hono";
import { publishRequest, signalRequest } from "../objects/commands.ts";
import { type From, MemberQuery, MessageQuery, PublishBody, SignalBody } from "../protocol/bodies.ts";
import { isRefusal } from "../protocol/codes.ts";
import { notAvailable } from "../protocol/later.ts";
import { requireChannel, requireKey } from "./access.ts";
import type { AppContext, AppEnv, Principal } from "./context.ts";
import { bodyIn, channelIn, queryIn } from "./input.ts";
import { Problem } from "./problem.ts";

/** One channel: publish, signal, read its log and its roster. */
export const channels = new Hono<AppEnv>()
  .post("/v1/channels/:channel/messages", async (context) => {
    const channel = channelIn(context);
    const from = fromOf(context, await requireChannel(context, channel, "publish", "publish"));
    if (context.req.header("Idempotency-Key") !== undefined) {
      throw new Problem(notAvailable("Idempotency-Key"));
    }
    const body = await bodyIn(context, PublishBody);
    const request = publishRequest(body, from, context.get("settings"));
    if (isRefusal(request)) throw new Problem(request);
    return context.json(await context.get("objects").channel(channel).publish(request), 201);
  })
  .get("/v1/channels/:channel/messages", async (context) => {
    const channel = channelIn(context);
    await requireChannel(context, channel, "history", "read");
    const page = await context.get("objects").channel(channel).history(queryIn(context, MessageQuery));
    const head = JSON.stringify({ epoch: page.epoch, offset: page.offset });
    const body = `${head.slice(0, -1)},"messages":${page.messagesJson}}`;
    return context.body(body, 200, { "Content-Type": "application/json; charset=utf-8" });
  })
  .post("/v1/channels/:channel/signals", async (context) => {
    const channel = channelIn(context);
    const from = fromOf(context, await requireChannel(context, channel, "signal", "publish"));
    const request = signalRequest(await bodyIn(context, SignalBody), from, context.get("settings"));
    if (isRefusal(request)) throw new Problem(request);
    await context.get("objects").channel(channel).signal(request);
    return context.json({}, 202);
  })
  .get("/v1/channels/:channel/members", async (context) => {
    const channel = channelIn(context);
    await requireChannel(context, channel, "members", "read");
    return context.json(await context.get("objects").channel(channel).members(queryIn(context, MemberQuery)));
  })
  .get("/v1/channels/:channel", async (context) => {
    const channel = channelIn(context);
    await requireKey(context, "read");
    return context.json(await context.get("objects").channel(channel).summary());
  });

function fromOf(context: AppContext, principal: Principal): From | undefined {
  if (context.req.header("Rollcall-Session") !== undefined) {
    throw new Problem(notAvailable("Rollcall-Session"));
  }
  return principal.kind === "user" ? { user: principal.user } : undefined;
}
