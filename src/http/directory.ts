import { Hono } from "hono";
import { mapAtMost } from "../objects/at-most.ts";
import { costsOf } from "../objects/costs.ts";
import { shardNames } from "../objects/shards.ts";
import type { PresenceList } from "../protocol/answers.ts";
import type { Costs } from "../protocol/costs.ts";
import { type Counted, OccupiedQuery, OnlineQuery, type Stats, UsersQuery } from "../protocol/directory.ts";
import { requireKey, requireWatch } from "./access.ts";
import { speakerOf } from "./allowance.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { queryIn } from "./input.ts";
import { countTargets } from "./limits.ts";
import { shardedPage } from "./sharded-page.ts";

/** Calls of one request that are under way at once. */
const MOST_CALLS = 20;

/** Who is online, which channels are occupied, and how many of each. */
export const directory = new Hono<AppEnv>()
  .get("/v1/presence", async (context) =>
    context.req.query("users") === undefined ? onlineUsers(context) : presenceOfThese(context),
  )
  .get("/v1/channels", async (context) => {
    await requireKey(context, "read");
    const { prefix, ...query } = queryIn(context, OccupiedQuery);
    const { objects, shards } = shardsOf(context);
    const { entries, cursor } = await shardedPage(shards, query, {
      read: (shard, range) => objects.directory(shard).channels({ ...range, prefix }),
      nameOf: ({ channel }) => channel,
    });
    return context.json({ channels: entries, ...(cursor && { cursor }) });
  })
  .get("/v1/stats", async (context) => {
    await requireKey(context, "read", "ops");
    const [counted, costs] = await Promise.all([countedIn(context), costsIn(context)]);
    const stats: Stats = { ...counted, costs };
    return context.json(stats);
  });

async function onlineUsers(context: AppContext): Promise<Response> {
  await requireKey(context, "read");
  const query = queryIn(context, OnlineQuery);
  const { objects, shards } = shardsOf(context);
  const [{ usersOnline }, { entries, cursor }] = await Promise.all([
    countedIn(context),
    shardedPage(shards, query, {
      read: (shard, range) => objects.directory(shard).users(range),
      nameOf: ({ user }) => user,
    }),
  ]);
  return context.json({ count: usersOnline, users: entries, ...(cursor && { cursor }) });
}

/** Their own objects are asked, not the directory: each knows what it shows to this reader. */
async function presenceOfThese(context: AppContext): Promise<Response> {
  const { users } = queryIn(context, UsersQuery);
  const { principal, reader } = await requireWatch(context, ...users);
  countTargets(context, principal, users.length);
  await speakerOf(context, principal);
  const presences = await mapAtMost(MOST_CALLS, users, (user) =>
    context.get("objects").user(user).presence(reader),
  );
  const list: PresenceList = { users: presences };
  return context.json(list);
}

async function countedIn(context: AppContext): Promise<Counted> {
  const { objects, shards } = shardsOf(context);
  const counts = await mapAtMost(MOST_CALLS, shards, (shard) => objects.directory(shard).counts());
  const sum = (field: keyof Counted) => counts.reduce((total, count) => total + count[field], 0);
  return { usersOnline: sum("usersOnline"), sessions: sum("sessions"), channels: sum("channels") };
}

async function costsIn(context: AppContext): Promise<Costs> {
  const { objects, shards } = shardsOf(context);
  return costsOf(await mapAtMost(MOST_CALLS, shards, (shard) => objects.directory(shard).costs()));
}

function shardsOf(context: AppContext) {
  return {
    objects: context.get("objects"),
    shards: shardNames(context.get("settings").DIRECTORY_SHARDS),
  };
}
