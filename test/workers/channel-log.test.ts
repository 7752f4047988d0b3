import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { publish, read, until, WorkerClient } from "./client.ts";
import { alarmOf, fill, page, recovering, rows, run, told } from "./log-reading.ts";
import { Meter } from "./meter.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * 3_600_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("[MS6] the log shows the newest HISTORY_SIZE messages, and deletes others late and many at once", async () => {
  await fill("ms6", 1, 1100);
  expect(await rows("ms6")).toEqual({ n: 1100, low: 1 });
  expect(await page("ms6", "limit=1&after=0")).toEqual([101]);
  expect(await page("ms6", "limit=1000&after=50&before=103")).toEqual([101, 102]);
  const meter = await Meter.on(env.CHANNEL.getByName("ms6"));
  await fill("ms6", 1101, 1101);
  meter.off();
  expect(await rows("ms6")).toEqual({ n: 1000, low: 102 });
  expect(meter.statements.filter((text) => text.startsWith("DELETE"))).toHaveLength(1);
  expect(meter.rows).toBe(1 + 101);
  const plain = await Meter.on(env.CHANNEL.getByName("ms6"));
  await fill("ms6", 1102, 1150);
  plain.off();
  expect(plain.rows).toBe(49);
});

test("[MS7] what is older than HISTORY_TTL_SECONDS is told to nobody, and goes but for the newest, with one alarm a sweep", async () => {
  const start = Date.now();
  await fill("ms7", 1, 20);
  const { epoch } = await read("/v1/channels/ms7");
  vi.useFakeTimers({ toFake: ["Date"], now: start + DAY_MS - 60_000 });
  expect(await page("ms7")).toEqual(run(1, 20));
  await fill("ms7", 21, 22);
  vi.setSystemTime(start + DAY_MS + 5000);
  expect(await page("ms7")).toEqual([21, 22]);
  const late = await recovering("ann", "ms7", { epoch: String(epoch), offset: 5 });
  expect(late.frames[0]).toMatchObject({ recovered: false, offset: 22, messages: [] });
  late.socket.close(1000);
  await until(async () => (await read("/v1/channels/ms7")).sessions === 0);
  vi.setSystemTime(start + 1.1 * DAY_MS + 5000);
  const meter = await Meter.on(env.CHANNEL.getByName("ms7"));
  await runDurableObjectAlarm(env.CHANNEL.getByName("ms7"));
  meter.off();
  expect(await rows("ms7")).toEqual({ n: 2, low: 21 });
  expect(meter.alarmsSet).toBe(1);
  vi.setSystemTime(start + 2.2 * DAY_MS);
  await runDurableObjectAlarm(env.CHANNEL.getByName("ms7"));
  expect(await rows("ms7")).toEqual({ n: 1, low: 22 });
  expect(await alarmOf("ms7")).toBeNull();
  expect(await page("ms7")).toEqual([]);
  expect((await publish("ms7", { data: "next" })).body).toMatchObject({ offset: 23, epoch });
});

test("[F31] a clock an hour ahead and back keeps offsets, shows nothing that was gone, and deletes nothing early", async () => {
  const start = Date.now();
  await fill("f31", 1, 3);
  vi.useFakeTimers({ toFake: ["Date"], now: start + HOUR_MS });
  await fill("f31", 4, 6);
  await publish("f31", { data: 7, key: "k" });
  vi.setSystemTime(start);
  await fill("f31", 8, 10);
  expect(await publish("f31", { data: 7, key: "k" })).toMatchObject({ status: 200, body: { offset: 7 } });
  expect(await page("f31")).toEqual(run(1, 10));
  vi.setSystemTime(start + DAY_MS + HOUR_MS / 2); // of 4 to 7 half an hour is left; 8 to 10, said later, are kept with them
  expect(await page("f31")).toEqual(run(4, 10));
  await runDurableObjectAlarm(env.CHANNEL.getByName("f31"));
  expect((await rows("f31")).low).toBeLessThanOrEqual(4);
  vi.setSystemTime(start + HOUR_MS);
  expect(await page("f31")).toEqual(run(4, 10));
});

test.each([
  ["above the top", { offset: "11" }],
  ["negative", { offset: "-1" }],
  ["no whole number", { offset: "1.5" }],
  ["no number", { offset: "x" }],
  ["beyond what is a safe integer", { offset: "9007199254740993" }],
  ["of another epoch", { epoch: "other", offset: "3" }],
])("[N26] a position that is %s is not recovered, and nothing of it is told", async (what, query) => {
  const channel = `n26-${what.replaceAll(" ", "-")}`;
  await fill(channel, 1, 10);
  const { epoch } = await read(`/v1/channels/${channel}`);
  const client = await WorkerClient.connect("ann", { channel, query: { epoch: String(epoch), ...query } });
  expect(client.frames[0]).toMatchObject({ recovered: false, epoch, offset: 10, messages: [] });
  client.socket.close(1000);
});

test("[N26] a position from which one message is gone is not recovered; the one after it is", async () => {
  await fill("n26-gone", 1, 1005);
  const epoch = String((await read("/v1/channels/n26-gone")).epoch);
  const lost = await recovering("ann", "n26-gone", { epoch, offset: 4 }, { rewind: "2" });
  expect(lost.frames[0]).toMatchObject({ recovered: false, offset: 1005 });
  expect(told(lost)).toEqual([1004, 1005]);
  const kept = await recovering("ben", "n26-gone", { epoch, offset: 5 });
  expect(kept.frames[0]).toMatchObject({ recovered: true, offset: 1005 });
  await until(() => told(kept).length === 1000);
  expect(told(kept)).toEqual(run(6, 1005));
  for (const { socket } of [lost, kept]) socket.close(1000);
});

test("[RC4] whoever catches up over many turns survives hibernation in between, and hears what is said meanwhile in order", async () => {
  await fill("rc4", 1, 900, { dataJson: JSON.stringify("x".repeat(2000)) });
  const epoch = String((await read("/v1/channels/rc4")).epoch);
  const client = await recovering("ann", "rc4", { epoch, offset: 0 });
  expect(client.ofType("probe").length).toBeLessThanOrEqual(1);
  await until(() => client.ofType("probe").length === 1); // 1 MiB was sent: it waits for the answer
  const before = told(client).length;
  expect(before).toBeLessThan(600);
  await fill("rc4", 901, 905);
  await evictDurableObject(env.CHANNEL.getByName("rc4"), { webSockets: "hibernate" });
  await fill("rc4", 906, 910);
  expect(told(client).length).toBe(before); // nothing new overtakes what it missed
  client.send({ type: "heartbeat", n: client.ofType("probe")[0]?.n });
  await until(() => told(client).length === 910);
  expect(told(client)).toEqual(run(1, 910));
  await publish("rc4", { data: "live" });
  await until(() => told(client).length === 911);
  client.socket.close(1000);
});

test("[RC5] who answers with ping alone goes on by a due time, and who catches up too slowly begins anew", async () => {
  await fill("rc5", 1, 900, { dataJson: JSON.stringify("x".repeat(2000)) });
  const epoch = String((await read("/v1/channels/rc5")).epoch);
  const [pings, silent] = [
    await recovering("ann", "rc5", { epoch, offset: 0 }),
    await recovering("ben", "rc5", { epoch, offset: 0 }),
  ];
  await until(() => pings.ofType("probe").length === 1 && silent.ofType("probe").length === 1);
  pings.send("ping");
  await until(() => pings.pongs === 1);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6000 });
  await runDurableObjectAlarm(env.CHANNEL.getByName("rc5"));
  await until(() => told(pings).length === 900);
  expect(told(silent).length).toBeLessThan(900);
  await fill("rc5", 901, 2000);
  silent.send({ type: "heartbeat", n: silent.ofType("probe")[0]?.n });
  await until(() => silent.closeCode === 4000);
  expect(told(silent)).toEqual(run(1, told(silent).length)); // no gap before it
  pings.socket.close(1000);
});

test("[RC6] one turn of recovery reads at most 500 rows of the log", async () => {
  await fill("rc6", 1, 1000);
  const epoch = String((await read("/v1/channels/rc6")).epoch);
  const turns: number[] = [0];
  await runInDurableObject(env.CHANNEL.getByName("rc6"), (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const { exec } = prototype;
    vi.spyOn(prototype, "exec").mockImplementation(function (this: SqlStorage, ...args: unknown[]) {
      const cursor = (exec as (...all: unknown[]) => SqlStorageCursor<never>).apply(this, args);
      if (/^SELECT offset, at, event/.test(String(args[0]))) {
        const found = cursor.toArray();
        turns[turns.length - 1] = (turns.at(-1) ?? 0) + found.length;
        queueMicrotask(() => turns.at(-1) !== 0 && turns.push(0));
        return { toArray: () => found } as never;
      }
      return cursor;
    });
  });
  const client = await recovering("ann", "rc6", { epoch, offset: 0 });
  await until(() => told(client).length === 1000);
  expect(Math.max(...turns)).toBeLessThanOrEqual(500);
  expect(turns.filter((count) => count > 0).length).toBeGreaterThanOrEqual(2);
  client.socket.close(1000);
});
