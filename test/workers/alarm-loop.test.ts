import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { KEY, publish, read, request, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

const WAKINGS = 20;

const alarmOf = (stub: DurableObjectStub) => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());

test("[A34] an object with nothing due that is woken again and again sets no alarm, and has none", async () => {
  const idle = [env.USER.getByName("a34-nobody"), env.CHANNEL.getByName("a34-empty")];
  const meter = await Meter.on(env.USER.getByName("a34-nobody"));
  for (let i = 0; i < WAKINGS; i++) {
    await read("/v1/users/a34-nobody/presence");
    await read("/v1/channels/a34-empty");
    for (const stub of idle) await evictDurableObject(stub);
  }
  expect(meter.off().billed).toBe(0);
  for (const stub of idle) expect(await alarmOf(stub)).toBeNull();
});

test("[A34] an object with sessions that is woken again and again has one alarm, and does not set it each time", async () => {
  const ann = await WorkerClient.connect("a34-ann", { channel: "a34" });
  await publish("a34", { data: 1 });
  const channel = env.CHANNEL.getByName("a34");
  const meter = await Meter.on(channel);
  for (let i = 0; i < WAKINGS; i++) {
    await evictDurableObject(channel, { webSockets: "hibernate" });
    const summary = await request("/v1/channels/a34", { headers: KEY });
    expect(await summary.json()).toMatchObject({ members: 1 });
  }
  meter.off();
  expect(await alarmOf(channel)).not.toBeNull();
  expect(meter.alarmsSet).toBeLessThanOrEqual(2);
  ann.socket.close(1000);
});
