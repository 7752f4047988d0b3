import { Hono } from "hono";
import { mapAtMost } from "../objects/at-most.ts";
import type { BroadcastRequest, BroadcastTaken } from "../objects/broadcast.ts";
import { publishRequest } from "../objects/commands.ts";
import type { DirectoryPort } from "../objects/directory-port.ts";
import { ID_BYTES, idOf } from "../objects/ids.ts";
import { log } from "../objects/log.ts";
import type { PublishRequest } from "../objects/ports.ts";
import { shardNames } from "../objects/shards.ts";
import { spliced } from "../objects/spliced.ts";
import type { BroadcastAnswer } from "../protocol/answers.ts";
import { MAX_BROADCAST_SECONDS } from "../protocol/limits.ts";
import { BroadcastBody } from "../protocol/many.ts";
import { requireKey } from "./access.ts";
import type { AppContext, AppEnv } from "./context.ts";
import { keyedBodyIn } from "./input.ts";
import { granted, problem } from "./problem.ts";

/** Calls of one request that are under way at once. */
const MOST_CALLS = 20;

/** One message to everybody who is connected, whatever object keeps the session. */
export const broadcast = new Hono<AppEnv>().post("/v1/broadcast", async (context) => {
  const { name } = await requireKey(context, "publish");
  const { exclude: _, ...body } = await keyedBodyIn(context, BroadcastBody);
  const request = granted(publishRequest(body, { key: name }, context.get("settings")));
  const { id, ...rest } = await encoded(request, Date.now());
  const taken = await givenToShards(context, { id, ...rest });
  const answer: BroadcastAnswer = { id, users: taken.reduce((sum, { users }) => sum + users, 0) };
  return context.json(answer, 202);
});

/** The frame is encoded here, once for everybody. With a key the id follows from it: the same broadcast again. */
async function encoded(request: PublishRequest, at: number): Promise<BroadcastRequest> {
  const { event, dataJson, once, ttlSeconds } = request;
  const id =
    once === undefined
      ? idOf(crypto.getRandomValues(new Uint8Array(ID_BYTES)))
      : await digest("broadcast", once.principal, once.key);
  const frame = spliced({ type: "broadcast", id, event, at }, "data", dataJson);
  const expiresAt = at + Math.min(ttlSeconds ?? MAX_BROADCAST_SECONDS, MAX_BROADCAST_SECONDS) * 1000;
  if (once === undefined) return { id, frame, expiresAt };
  return { id, frame, expiresAt, print: await digest(event, dataJson, String(ttlSeconds)) };
}

/**
 * Every shard is asked whether it is there before any is given the broadcast: one that can't be reached refuses it
 * for all. Should one fail after that, some people will hear it and others not, until it is repeated with its key.
 */
async function givenToShards(context: AppContext, request: BroadcastRequest): Promise<BroadcastTaken[]> {
  const shards = shardNames(context.get("settings").DIRECTORY_SHARDS);
  const ofEach = <T>(ask: (shard: DirectoryPort) => Promise<T>, otherwise: string) =>
    mapAtMost(MOST_CALLS, shards, async (shard) => {
      try {
        return await ask(context.get("objects").directory(shard));
      } catch (cause) {
        log.warn("broadcast not taken", { broadcast: request.id, shard }, cause);
        throw problem("unavailable", otherwise);
      }
    });
  await ofEach((shard) => shard.counts(), "a part of the directory does not answer; nobody was told");
  const answers = await ofEach(
    (shard) => shard.broadcast(request),
    "a part of the directory did not answer; repeat it with the same key, and nobody hears it twice",
  );
  return answers.map(granted);
}

/** Of texts, none of which runs into the next. */
async function digest(...texts: string[]): Promise<string> {
  const bytes = new TextEncoder().encode(JSON.stringify(texts));
  return idOf(new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)));
}
