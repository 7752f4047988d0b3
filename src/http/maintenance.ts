import { Hono } from "hono";
import { healthOf } from "../maintenance/checks.ts";
import { cleanup } from "../maintenance/cleanup.ts";
import { log } from "../objects/log.ts";
import { CleanupQuery } from "../protocol/maintenance.ts";
import { requireKey } from "./access.ts";
import type { AppEnv } from "./context.ts";
import { queryIn } from "./input.ts";
import { granted } from "./problem.ts";

/** Far below what a client or a proxy waits for. */
const BUDGET_MS = 20_000;

const now = () => Date.now();

/** How the service is, and the periodic sweep on demand. */
export const maintenance = new Hono<AppEnv>()
  .get("/healthz", async (context) => {
    // Who presents something has to be somebody: a monitor whose key was taken away must not believe that all is well.
    if (context.req.header("Authorization") === undefined) return context.json({ status: "ok" });
    await requireKey(context, "ops", "read");
    const { objects, settings } = context.var;
    const health = await healthOf({ objects, settings, env: context.env, now, log });
    return context.json(health, health.status === "ok" ? 200 : 503);
  })
  .post("/v1/maintenance/cleanup", async (context) => {
    await requireKey(context, "manage", "ops");
    const { cursor } = queryIn(context, CleanupQuery);
    const { objects, settings } = context.var;
    const time = { now, budgetMs: BUDGET_MS };
    return context.json(granted(await cleanup(objects, settings.DIRECTORY_SHARDS, cursor, time)));
  });
