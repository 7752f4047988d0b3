import { Hono } from "hono";
import { mapAtMost } from "../objects/at-most.ts";
import { pseudonym } from "../objects/log.ts";
import { shardNames } from "../objects/shards.ts";
import { requireKey } from "./access.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { familiesOf, type Known } from "./metric-families.ts";
import { CONTENT_TYPE, formatFor, metricText } from "./metric-text.ts";
import { webhookIn } from "./webhook.ts";

/** Calls of one request that are under way at once. */
const MOST_CALLS = 20;

/** What the directory counts and was told, as Prometheus reads it. All shards or nothing: a sum without one would fall. */
export const metrics = new Hono<AppEnv>().get("/metrics", async (context) => {
  await requireKey(context, "read", "ops");
  const format = formatFor(context.req.header("Accept"));
  const text = metricText(familiesOf(await knownIn(context)), format);
  return context.body(text, 200, {
    "Content-Type": CONTENT_TYPE[format],
    "Cache-Control": "no-store",
    Vary: "Accept",
  });
});

async function knownIn(context: AppContext): Promise<Known> {
  const { DIRECTORY_SHARDS, COST_SAMPLE } = context.get("settings");
  const shards = await mapAtMost(MOST_CALLS, shardNames(DIRECTORY_SHARDS), async (name) => {
    const shard = context.get("objects").directory(name);
    const [counts, costs] = await Promise.all([shard.counts({ census: true }), shard.costs()]);
    return { counts, costs };
  });
  const webhook = await (await webhookIn(context))?.stats();
  return { now: Date.now(), share: COST_SAMPLE, shards, webhook, pseudonym };
}
