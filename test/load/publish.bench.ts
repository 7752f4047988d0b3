import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { test, vi } from "vitest";
import { UserObject } from "../../src/user/user-object.ts";
import { publish, until, WorkerClient } from "../workers/client.ts";
import { Meter } from "../workers/meter.ts";
import { heardOf, subscribe } from "../workers/subscribing.ts";

/*
 * What publishing costs: rows written, alarms set, and calls to users' objects, each of which wakes one that sleeps.
 * It could lie in one way: everything is in one process, so calls are quick, and fewer of them wait to be batched
 * than on the platform.
 */
const SUBSCRIBERS = 20;
const BURST = 100;
/** The default, and how long messages and keys are kept. */
const HISTORY_SIZE = 1000;
const DAY_MS = 86_400_000;

function counted(): { calls: number } {
  const count = { calls: 0 };
  const original = UserObject.prototype.deliver;
  vi.spyOn(UserObject.prototype, "deliver").mockImplementation(function (this: UserObject, delivery) {
    count.calls += 1;
    return original.call(this, delivery);
  });
  return count;
}

async function measured(what: string, channel: string, messages: number, act: () => Promise<unknown>) {
  const meter = await Meter.on(env.CHANNEL.getByName(channel));
  const count = counted();
  await act();
  await new Promise((resolve) => setTimeout(resolve, 1000));
  meter.off();
  vi.restoreAllMocks();
  const per = (n: number) => (n / messages).toFixed(2).padStart(6);
  console.log(
    `${what.padEnd(58)} rows ${per(meter.rows)}  alarms ${per(meter.alarmsSet)}  calls to users ${per(count.calls)}`,
  );
}

test("what a publish costs", async () => {
  const here = await WorkerClient.connect("here", { channel: "sockets" });
  const users = Array.from({ length: SUBSCRIBERS }, (_, i) => `subscriber-${i}`);
  const there = await Promise.all(users.map((user) => WorkerClient.connect(user)));
  for (const client of there) await subscribe(client, "subscribed");
  await publish("sockets", { data: "warm" });
  await publish("subscribed", { data: "warm" });
  await new Promise((resolve) => setTimeout(resolve, 1500));

  await measured("one message, heard by a socket of the channel", "sockets", 1, () =>
    publish("sockets", { data: 1 }),
  );
  await measured("the same with a key", "sockets", 1, () => publish("sockets", { data: 1, key: "k" }));
  await measured("the key again", "sockets", 1, () => publish("sockets", { data: 1, key: "k" }));
  await measured(`one message, heard by ${SUBSCRIBERS} subscribed users`, "subscribed", 1, () =>
    publish("subscribed", { data: 1 }),
  );
  await measured(
    `${BURST} at once, heard by ${SUBSCRIBERS} subscribed users: each`,
    "subscribed",
    BURST,
    async () => {
      await Promise.all(Array.from({ length: BURST }, (_, i) => publish("subscribed", { data: i })));
      await until(() => there.every((client) => heardOf(client, "subscribed").at(-1) === BURST + 2), 20_000);
    },
  );
  const many = (from: number, to: number) =>
    Promise.all(
      Array.from({ length: to - from }, (_, i) => publish("full", { data: from + i, key: `k${from + i}` })),
    );
  for (let i = 0; i < HISTORY_SIZE; i += BURST) await many(i, i + BURST);
  await measured("with a key in a full log, which gives up old ones: each", "full", 2 * BURST, async () => {
    await many(HISTORY_SIZE, HISTORY_SIZE + 2 * BURST);
  });
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 1.5 * DAY_MS });
  await measured("a day later, all that it kept and every key: each", "full", HISTORY_SIZE + 2 * BURST, () =>
    runDurableObjectAlarm(env.CHANNEL.getByName("full")),
  );
  vi.useRealTimers();
  for (const { socket } of [here, ...there]) socket.close(1000);
});
