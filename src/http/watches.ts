import { Hono } from "hono";
import type { Watched, WatchList } from "../protocol/answers.ts";
import { UserQuery } from "../protocol/presence.ts";
import { mustWatch, requireSelf } from "./access.ts";
import { selfIn, speakerOf } from "./allowance.ts";
import type { AppEnv } from "./context.ts";
import { queryIn, targetIn, userIn } from "./input.ts";
import { granted, problem } from "./problem.ts";

/** Whom a user watches, held by the user itself, and who watches it. */
export const watches = new Hono<AppEnv>()
  .get("/v1/users/:user/watching", async (context) => {
    const user = await selfIn(context, "read");
    const list: WatchList = { users: await context.get("objects").user(user).watching() };
    return context.json(list);
  })
  .get("/v1/users/:user/watching/:target", async (context) => {
    const target = targetIn(context);
    const user = await selfIn(context, "read");
    const watch = (await context.get("objects").user(user).watching()).find((held) => held.user === target);
    if (watch === undefined) throw problem("not_found", "this user is not watched");
    return context.json(watch);
  })
  .put("/v1/users/:user/watching/:target", async (context) => {
    const [user, target] = [userIn(context), targetIn(context)];
    const principal = await requireSelf(context, user, "manage");
    if (principal.kind === "user") mustWatch(context, principal.claims, target);
    await speakerOf(context, principal);
    const watched: Watched = granted(await context.get("objects").user(user).watch(target));
    return context.json(watched);
  })
  .delete("/v1/users/:user/watching/:target", async (context) => {
    const target = targetIn(context);
    const user = await selfIn(context, "manage");
    await context.get("objects").user(user).unwatch(target);
    return context.body(null, 204);
  })
  .get("/v1/users/:user/watchers", async (context) => {
    const query = queryIn(context, UserQuery);
    const user = await selfIn(context, "read");
    return context.json(await context.get("objects").user(user).watchers(query));
  });
