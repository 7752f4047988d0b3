import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { shardNames } from "../../src/objects/shards.ts";
import { read, until, WorkerClient } from "./client.ts";

/** This file runs with a TTL of two seconds (vitest.config.ts), so that ten of them pass in real time. */
const TEN_TTLS_MS = 20_000;
const SLACK_MS = 4000;

async function found(): Promise<unknown[]> {
  const { users } = (await read("/v1/presence?limit=1000")) as { users: { user: string }[] };
  const { channels } = await read("/v1/channels?limit=1000");
  return [users.map(({ user }) => user).sort(), channels];
}

test("[F40] the directory loses all it has: within ten TTLs it is whole again, and nobody is told of anything", async () => {
  const clients: WorkerClient[] = [];
  for (let i = 0; i < 6; i++) clients.push(await WorkerClient.connect(`f40-${i}`, { channel: "f40" }));
  clients.push(await WorkerClient.connect("f40-own"));
  const pinging = setInterval(() => {
    for (const client of clients) client.send("ping");
  }, 300);
  const whole = [
    ["f40-0", "f40-1", "f40-2", "f40-3", "f40-4", "f40-5", "f40-own"],
    [{ channel: "f40", members: 6 }],
  ];
  await until(async () => JSON.stringify(await found()) === JSON.stringify(whole), 15_000);
  for (const shard of shardNames(4)) {
    const stub = env.DIRECTORY.getByName(shard);
    await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
    await evictDurableObject(stub);
  }
  const heard = clients.map(({ frames }) => frames.length);
  expect(await found()).toEqual([[], []]);
  await until(async () => JSON.stringify(await found()) === JSON.stringify(whole), TEN_TTLS_MS + SLACK_MS);
  expect(await read("/v1/stats")).toMatchObject({ usersOnline: 7, sessions: 7, channels: 1 });
  clearInterval(pinging);
  const news = clients.map(({ frames }, i) => frames.slice(heard[i]).filter(({ type }) => type !== "probe"));
  expect(news.flat()).toEqual([]);
}, 60_000);
