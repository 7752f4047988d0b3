import { Hono } from "hono";
import { requireSelf, requireWatch } from "./access.ts";
import type { AppEnv } from "./context.ts";
import { sessionIn, userIn } from "./input.ts";
import { problem } from "./problem.ts";

/** One user: presence and sessions. */
export const users = new Hono<AppEnv>()
  .get("/v1/users/:user/presence", async (context) => {
    const user = userIn(context);
    const reader = await requireWatch(context, user);
    return context.json(await context.get("objects").user(user).presence(reader));
  })
  .get("/v1/users/:user/sessions", async (context) => {
    const user = userIn(context);
    await requireSelf(context, user, "read");
    return context.json({ sessions: await context.get("objects").user(user).sessions() });
  })
  .get("/v1/users/:user/sessions/:session", async (context) => {
    const user = userIn(context);
    await requireSelf(context, user, "read");
    const wanted = sessionIn(context);
    const session = (await context.get("objects").user(user).sessions()).find(({ id }) => id === wanted);
    if (session === undefined) throw problem("not_found", "no such session");
    return context.json(session);
  });
