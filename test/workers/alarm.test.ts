import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { read, until, WorkerClient } from "./client.ts";

/** Makes every deletion of a session row fail in all objects, until it is called off. */
async function sabotage(stub: DurableObjectStub): Promise<() => void> {
  return runInDurableObject(stub, (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const { exec } = prototype;
    prototype.exec = function (this: SqlStorage, query: string, ...values: unknown[]) {
      if (query.startsWith("DELETE FROM session")) throw new Error("sabotaged");
      return exec.call(this, query, ...values);
    } as typeof exec;
    return () => {
      prototype.exec = exec;
    };
  });
}

test("[F18] a duty that always throws is tried again and never uses up the platform's retries", async () => {
  const client = await WorkerClient.connect("f18", { channel: "f18" });
  const stub = env.CHANNEL.getByName("f18");
  const alarmAt = () => runInDurableObject(stub, (_, { storage }) => storage.getAlarm());
  const rows = () =>
    runInDurableObject(stub, (_, { storage }) => storage.sql.exec("SELECT 1 FROM session").toArray().length);
  const mend = await sabotage(stub);
  client.socket.close(1000);
  await new Promise((resolve) => setTimeout(resolve, 800)); // past the grace: the duty has thrown
  for (let retryCount = 1; retryCount <= 7; retryCount++) {
    await runInDurableObject(stub, async (instance) => {
      const info = { isRetry: true, retryCount, scheduledTime: Date.now() };
      await (instance as unknown as { alarm(info: object): Promise<void> }).alarm(info);
    });
    expect(await alarmAt()).toBeGreaterThan(Date.now());
  }
  expect(await rows()).toBe(1);
  mend();
  await evictDurableObject(stub, { webSockets: "hibernate" });
  await read("/v1/channels/f18"); // whatever wakes it next: a new instance knows of no failure
  await until(async () => (await rows()) === 0);
});

test("[DU5] an object that cannot wake keeps its sockets and its alarm, and goes on once it can", async () => {
  const [ann, ben] = [
    await WorkerClient.connect("du5-ann", { channel: "du5" }),
    await WorkerClient.connect("du5-ben", { channel: "du5" }),
  ];
  const stub = env.CHANNEL.getByName("du5");
  const other = env.CHANNEL.getByName("du5-other");
  const mend = await runInDurableObject(other, (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const { exec } = prototype;
    prototype.exec = (() => {
      throw new Error("storage is full");
    }) as typeof exec;
    return () => {
      prototype.exec = exec;
    };
  });
  try {
    await evictDurableObject(stub, { webSockets: "hibernate" });
    await runInDurableObject(stub, async (instance, { storage }) => {
      await storage.deleteAlarm();
      await (instance as unknown as { alarm(): Promise<void> }).alarm();
      expect(await storage.getAlarm()).toBeGreaterThan(Date.now());
    });
  } finally {
    mend();
  }
  ann.send({ type: "publish", data: "awake" });
  await until(() => ben.ofType("message").length === 1);
  expect([ann.closeCode, ben.closeCode]).toEqual([undefined, undefined]);
});
