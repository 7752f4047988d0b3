import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { KEY, publish, read, request, until, WorkerClient } from "./client.ts";
import { sendTo } from "./inbox.ts";
import { Meter } from "./meter.ts";
import { say } from "./watch.ts";

const isOffline = async (user: string) => (await read(`/v1/users/${user}/presence`)).status === "offline";

test("[EV1] without a webhook no event is ever written, whatever happens", async () => {
  const meter = await Meter.on(env.USER.getByName("off-ann"));
  const there = await WorkerClient.connect("off-ann", { channel: "off" });
  const own = await WorkerClient.connect("off-ann");
  await say("off-ann", { status: "busy" });
  await publish("off", { data: 1 });
  await sendTo("off-ben", { data: 1, ttlSeconds: 1 });
  for (const { socket } of [there, own]) socket.close(1000);
  await until(() => isOffline("off-ann"));
  await new Promise((resolve) => setTimeout(resolve, 2500)); // until the direct message is over
  meter.off();
  expect(meter.rows).toBeGreaterThan(5);
  const ofEvents = /outgoing_event|exported|letter|webhook/;
  expect(
    meter.statements.filter((statement) => ofEvents.test(statement) && !statement.startsWith("CREATE")),
  ).toEqual([]);
  for (const stub of [
    env.USER.getByName("off-ann"),
    env.CHANNEL.getByName("off"),
    env.USER.getByName("off-ben"),
  ]) {
    const rows = await runInDurableObject(stub, (_, { storage }) =>
      storage.sql.exec("SELECT 1 FROM outgoing_event").toArray(),
    );
    expect(rows).toEqual([]);
  }
});

test("[EV19] without a webhook there are no dead letters", async () => {
  expect(await read("/v1/dead-letters")).toEqual({ letters: [] });
  expect((await request("/v1/dead-letters/x/replay", { method: "POST", headers: KEY })).status).toBe(404);
});
