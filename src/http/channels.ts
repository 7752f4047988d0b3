import { Hono } from "hono";
import { publishRequest, signalRequest } from "../objects/commands.ts";
import { spliced } from "../objects/spliced.ts";
import { MemberQuery, MessageQuery, SignalBody } from "../protocol/bodies.ts";
import { requireChannel, requireKey } from "./access.ts";
import { speakerOf } from "./allowance.ts";
import type { AppEnv } from "./context.ts";
import { hopIn } from "./hops.ts";
import { bodyIn, channelIn, publishBodyIn, queryIn, userIn } from "./input.ts";
import { countEntries } from "./limits.ts";
import { granted, Problem } from "./problem.ts";
import { publishedTo } from "./publishing.ts";

/** One channel: publish, signal, read its log and its roster, send a member away. */
export const channels = new Hono<AppEnv>()
  .post("/v1/channels/:channel/messages", async (context) => {
    const channel = channelIn(context);
    const principal = await requireChannel(context, channel, "publish", "publish");
    const body = await publishBodyIn(context);
    const publisher = principal.kind === "key" ? { key: principal.key.name } : principal;
    const request = granted(publishRequest(body, publisher, context.get("settings")));
    const { from, caller } = await speakerOf(context, principal);
    const hop = hopIn(context);
    const said = { ...request, ...(from && { from }), ...(hop !== undefined && { hop }) };
    const published = granted(await publishedTo(context, channel, said, { principal, caller }));
    return context.json(published, published.duplicate ? 200 : 201);
  })
  .get("/v1/channels/:channel/messages", async (context) => {
    const channel = channelIn(context);
    const principal = await requireChannel(context, channel, "history", "read");
    const query = queryIn(context, MessageQuery);
    countEntries(context, principal, query.limit);
    const { caller } = await speakerOf(context, principal);
    const page = granted(await context.get("objects").channel(channel).history(query, caller));
    const body = spliced({ epoch: page.epoch, offset: page.offset }, "messages", page.messagesJson);
    return context.body(body, 200, { "Content-Type": "application/json; charset=utf-8" });
  })
  .post("/v1/channels/:channel/signals", async (context) => {
    const channel = channelIn(context);
    const principal = await requireChannel(context, channel, "signal", "publish");
    const body = await bodyIn(context, SignalBody);
    const request = granted(signalRequest(body, undefined, context.get("settings")));
    const { from, caller } = await speakerOf(context, principal);
    const target = context.get("objects").channel(channel);
    const refused = await target.signal({ ...request, ...(from && { from }) }, caller);
    if (refused !== undefined) throw new Problem(refused);
    return context.json({}, 202);
  })
  .get("/v1/channels/:channel/members", async (context) => {
    const channel = channelIn(context);
    const principal = await requireChannel(context, channel, "members", "read");
    const query = queryIn(context, MemberQuery);
    countEntries(context, principal, query.limit);
    const { caller } = await speakerOf(context, principal);
    return context.json(granted(await context.get("objects").channel(channel).members(query, caller)));
  })
  .delete("/v1/channels/:channel/members/:user", async (context) => {
    const channel = channelIn(context);
    const user = userIn(context);
    await requireKey(context, "manage");
    await context.get("objects").channel(channel).removeMember(user);
    return context.body(null, 204);
  })
  .delete("/v1/channels/:channel", async (context) => {
    const channel = channelIn(context);
    await requireKey(context, "manage");
    await context.get("objects").channel(channel).forget();
    return context.body(null, 204);
  })
  .get("/v1/channels/:channel", async (context) => {
    const channel = channelIn(context);
    await requireKey(context, "read");
    return context.json(await context.get("objects").channel(channel).summary());
  });
