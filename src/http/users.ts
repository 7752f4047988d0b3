import { Hono } from "hono";
import { EndQuery, type SessionList } from "../protocol/answers.ts";
import { PresenceChange } from "../protocol/presence.ts";
import { requireKey, requireSelf, requireWatch } from "./access.ts";
import { selfIn, speakerOf } from "./allowance.ts";
import type { AppEnv } from "./context.ts";
import { bodyIn, queryIn, sessionIn, userIn } from "./input.ts";
import { granted, problem } from "./problem.ts";

/** One user: presence and sessions, and their ends. */
export const users = new Hono<AppEnv>()
  .get("/v1/users/:user/presence", async (context) => {
    const user = userIn(context);
    const { principal, reader } = await requireWatch(context, user);
    await speakerOf(context, principal);
    return context.json(await context.get("objects").user(user).presence(reader));
  })
  .put("/v1/users/:user/presence", async (context) => {
    const user = userIn(context);
    const principal = await requireSelf(context, user, "manage");
    const change = await bodyIn(context, PresenceChange);
    const { from } = await speakerOf(context, principal);
    const result = await context.get("objects").user(user).setPresence(change, from?.session);
    return context.json(granted(result));
  })
  .get("/v1/users/:user/sessions", async (context) => {
    const user = await selfIn(context, "read");
    const list: SessionList = { sessions: await context.get("objects").user(user).sessions() };
    return context.json(list);
  })
  .get("/v1/users/:user/sessions/:session", async (context) => {
    const wanted = sessionIn(context);
    const user = await selfIn(context, "read");
    const session = (await context.get("objects").user(user).sessions()).find(({ id }) => id === wanted);
    if (session === undefined) throw problem("not_found", "no such session");
    return context.json(session);
  })
  .delete("/v1/users/:user/sessions/:session", async (context) => {
    const session = sessionIn(context);
    const user = await selfIn(context, "manage");
    const hasEnded = await context.get("objects").user(user).endSession(session);
    if (!hasEnded) throw problem("not_found", "no such session");
    return context.body(null, 204);
  })
  .delete("/v1/users/:user/sessions", async (context) => {
    const { revoke } = queryIn(context, EndQuery);
    const user = await selfIn(context, "manage");
    await context
      .get("objects")
      .user(user)
      .endAll({ revoke: revoke === "true" });
    return context.body(null, 204);
  })
  .delete("/v1/users/:user", async (context) => {
    const user = userIn(context);
    await requireKey(context, "manage");
    await context.get("objects").user(user).erase();
    return context.body(null, 204);
  });
