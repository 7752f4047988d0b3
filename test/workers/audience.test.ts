import { afterEach, expect, test, vi } from "vitest";
import { publish, read, until, WorkerClient } from "./client.ts";
import { fill, page, port, recovering } from "./log-reading.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

test("[MS8] who is left out gets skipped, live, on recovery and in no page; runs are merged", async () => {
  const own = await WorkerClient.connect("ann", { channel: "ms8" });
  const other = await WorkerClient.connect("ben", { channel: "ms8" });
  const epoch = String(own.frames[0]?.epoch);
  own.send({ type: "publish", data: 1, exclude: { session: own.session } });
  await until(() => other.ofType("message").length === 1);
  await publish("ms8", { data: 2, exclude: { user: "ann" } });
  await publish("ms8", { data: 3, exclude: { user: "ann" } });
  await publish("ms8", { data: 4 });
  await publish("ms8", { data: 5, exclude: { user: "ann" } });
  await until(() => own.ofType("message").length === 5 && other.ofType("message").length === 5);
  expect(own.ofType("message")[0]).toEqual({ type: "message", channel: "ms8", offset: 1, skipped: true });
  expect(own.ofType("message").map(({ skipped = false }) => skipped)).toEqual([
    true,
    true,
    true,
    false,
    true,
  ]);
  expect(other.ofType("message").map(({ data }) => data)).toEqual([1, 2, 3, 4, 5]);
  const back = await recovering("ann", "ms8", { epoch, offset: 1 });
  expect(back.frames[0]).toMatchObject({
    recovered: true,
    messages: [{ channel: "ms8", offset: 3, skipped: true }, { data: 4 }, { offset: 5, skipped: true }],
  });
  own.send({ type: "history", ref: "own" });
  other.send({ type: "history", ref: "other" });
  const data = (client: WorkerClient) =>
    (client.ofType("ok").find(({ messages }) => messages)?.messages as { data: number }[] | undefined)?.map(
      (m) => m.data,
    );
  await until(() => data(own) !== undefined && data(other) !== undefined);
  expect([data(own), data(other)]).toEqual([[4], [1, 2, 3, 4, 5]]);
  for (const { socket } of [own, other, back]) socket.close(1000);
});

test("[MS9] a message whose ttlSeconds is over is skipped on recovery and in no page, and recovered stays true", async () => {
  const start = Date.now();
  await publish("ms9", { data: 1 });
  await publish("ms9", { data: 2, ttlSeconds: 60 });
  await publish("ms9", { data: 3, ttlSeconds: 600 });
  const epoch = String((await read("/v1/channels/ms9")).epoch);
  vi.useFakeTimers({ toFake: ["Date"], now: start + 61_000 });
  const client = await recovering("ann", "ms9", { epoch, offset: 0 });
  expect(client.frames[0]).toMatchObject({
    recovered: true,
    messages: [{ data: 1 }, { offset: 2, skipped: true }, { data: 3 }],
  });
  expect(await page("ms9")).toEqual([1, 3]);
  expect(await page("ms9", "limit=1&after=1")).toEqual([3]); // a page is filled with what is told
  client.socket.close(1000);
});

test("[N27] a page of the log has limits, an order and a lower end", async () => {
  await fill("n27", 1, 1010);
  for (const limit of ["0", "-1", "1e9", "1.5", "x", ""]) {
    const { code, errors } = await read(`/v1/channels/n27/messages?limit=${limit}`);
    expect([code, (errors as { path: string }[])[0]?.path]).toEqual(["bad_request", "limit"]);
  }
  expect(await page("n27", "limit=3")).toEqual([11, 12, 13]);
  expect(await page("n27", "limit=3&order=desc")).toEqual([1010, 1009, 1008]);
  expect(await page("n27", "limit=1000&order=desc&before=13")).toEqual([12, 11]);
  expect(await page("n27", "after=2&before=9")).toEqual([]);
  expect(await page("n27", "after=1010")).toEqual([]);
});

test("[MS10] a channel that is deleted forgets messages, keys and members, tells its users, and begins a new epoch", async () => {
  const client = await WorkerClient.connect("ms10", { channel: "ms10" });
  await publish("ms10", { data: 1, key: "k" });
  const { epoch } = await read("/v1/channels/ms10");
  await port("ms10").forget();
  await until(() => client.closeCode === 4000);
  expect(client.ofType("closing")).toMatchObject([{ code: 4000, reconnect: true, retryAfterMs: 1000 }]);
  expect(await read("/v1/channels/ms10")).toMatchObject({ members: 0, sessions: 0, epoch: null, offset: 0 });
  await until(async () => ((await read("/v1/users/ms10/sessions")).sessions as unknown[]).length === 0);
  const again = await publish("ms10", { data: 1, key: "k" });
  expect(again).toMatchObject({ status: 201, body: { offset: 1 } });
  expect(again.body.epoch).not.toBe(epoch);
  const back = await recovering("ms10", "ms10", { epoch: String(epoch), offset: 1 });
  expect(back.frames[0]).toMatchObject({ recovered: false, offset: 1 });
  back.socket.close(1000);
});
