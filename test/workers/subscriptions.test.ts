import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { UserObject } from "../../src/user/user-object.ts";
import { KEY, publish, read, request, until, WorkerClient } from "./client.ts";
import { fill, run } from "./log-reading.ts";
import { ask, heardOf, subscribe } from "./subscribing.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const members = async (channel: string) =>
  ((await read(`/v1/channels/${channel}/members`)).members as { user: string }[]).map(({ user }) => user);

test("[SU1] a subscribed session is told where it stands, and everything that is said from then on", async () => {
  await publish("su1", { data: "before" });
  const ann = await WorkerClient.connect("su1-ann");
  const ben = await WorkerClient.connect("su1-ben", { channel: "su1" });
  const stand = await subscribe(ann, "su1");
  expect(stand).toMatchObject({
    type: "subscribed",
    channel: "su1",
    offset: 1,
    recovered: false,
    messages: [],
    count: 2,
  });
  expect((stand.members as { user: string }[]).map(({ user }) => user)).toEqual(["su1-ann", "su1-ben"]);
  await until(() => ben.ofType("members").length === 1); // as on a channel connection: it is a member
  expect(ben.ofType("members")[0]).toMatchObject({ joined: [{ user: "su1-ann" }] });
  ben.send({ type: "publish", data: "hello", event: "greeting" });
  ben.send({ type: "signal", event: "typing" });
  await until(() => ann.ofType("signal").length === 1);
  expect(ann.ofType("message")).toMatchObject([
    { channel: "su1", offset: 2, event: "greeting", data: "hello", from: { user: "su1-ben" } },
  ]);
  ann.send({ type: "publish", channel: "su1", data: "own" });
  ann.send({ type: "signal", channel: "su1", event: "mine" });
  await until(() => ben.ofType("signal").length === 1);
  await until(() => ann.ofType("message").length === 2); // its own message too, and no signal of its own
  expect(ann.ofType("signal")).toHaveLength(1);
  expect((await read("/v1/channels/su1")).subscribers).toBe(1);
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[SU2] unsubscribing is a leave at once, and ends what is told", async () => {
  const ann = await WorkerClient.connect("su2-ann");
  const ben = await WorkerClient.connect("su2-ben", { channel: "su2" });
  await subscribe(ann, "su2");
  await until(() => ben.ofType("members").length === 1);
  vi.useFakeTimers({ toFake: ["Date"] }); // no grace can pass
  expect(await ask(ann, { type: "unsubscribe", channel: "su2" })).toMatchObject({ type: "ok" });
  await until(() => ben.ofType("members").some(({ left }) => (left as unknown[]).length === 1));
  expect(await members("su2")).toEqual(["su2-ben"]);
  await publish("su2", { data: 1 });
  await until(() => ben.ofType("message").length === 1);
  expect(ann.ofType("message")).toEqual([]);
  expect((await read("/v1/channels/su2")).subscribers).toBe(0);
  expect(await ask(ann, { type: "unsubscribe", channel: "never" })).toMatchObject({ type: "ok" });
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[SU3] a subscription ends with its session, after the grace; a return within it is invisible and recovers", async () => {
  const ben = await WorkerClient.connect("su3-ben", { channel: "su3" });
  const first = await WorkerClient.connect("su3-ann");
  const { epoch, offset } = await subscribe(first, "su3");
  await until(() => ben.ofType("members").length === 1);
  first.socket.close(1000);
  await publish("su3", { data: "missed" });
  const second = await WorkerClient.connect("su3-ann");
  expect(await subscribe(second, "su3", { epoch, offset })).toMatchObject({
    recovered: true,
    offset: 1,
    messages: [{ offset: 1, data: "missed" }],
  });
  await new Promise((resolve) => setTimeout(resolve, 800)); // longer than the grace of these tests
  expect(ben.ofType("members")).toHaveLength(1);
  second.socket.close(1000);
  await until(() => ben.ofType("members").some(({ left }) => (left as unknown[]).length === 1));
  expect(await members("su3")).toEqual(["su3-ben"]);
  const left = await runInDurableObject(env.USER.getByName("su3-ann"), (_, { storage }) =>
    storage.sql.exec("SELECT session FROM subscription").toArray(),
  );
  expect(left).toEqual([]);
  ben.socket.close(1000);
});

test("[SU4] subscribing again while subscribed is the check that nothing was missed", async () => {
  const ann = await WorkerClient.connect("su4");
  const { epoch } = await subscribe(ann, "su4");
  await fill("su4", 1, 3);
  await until(() => heardOf(ann, "su4").length === 3);
  expect(await subscribe(ann, "su4", { epoch, offset: 1 })).toMatchObject({
    recovered: true,
    offset: 3,
    messages: [{ offset: 2 }, { offset: 3 }],
  });
  expect(await subscribe(ann, "su4", { epoch: "another", offset: 1, rewind: 1 })).toMatchObject({
    recovered: false,
    messages: [{ offset: 3 }],
  });
  await publish("su4", { data: 4 });
  await until(() => heardOf(ann, "su4").at(-1) === 4);
  expect(heardOf(ann, "su4")).toEqual([1, 2, 3, 2, 3, 3, 4]);
  ann.socket.close(1000);
});

test("[SU5] above SUBSCRIBED_USERS_MAX users the channel asks for a connection of its own", async () => {
  const first = await WorkerClient.connect("su5-first");
  const other = await WorkerClient.connect("su5-other");
  const again = await WorkerClient.connect("su5-first");
  await subscribe(first, "su5");
  await runInDurableObject(env.CHANNEL.getByName("su5"), (_, { storage }) => {
    for (let i = 0; i < 999; i++) {
      storage.sql.exec(
        `INSERT INTO session (session, user, device, connected_at, joined_at, sub_order) VALUES (?, ?, '{"type":"web"}', ?, 1, 1)`,
        `su5-${i}`,
        `su5-${i}`,
        Date.now() - 3_600_000,
      );
    }
  });
  await evictDurableObject(env.CHANNEL.getByName("su5"));
  vi.spyOn(UserObject.prototype, "deliver").mockResolvedValue({ gone: [] }); // a thousand more objects prove nothing
  expect(await subscribe(other, "su5")).toMatchObject({ type: "error", code: "use_channel_connection" });
  expect(await subscribe(again, "su5")).toMatchObject({ type: "subscribed" }); // the user counts, not the session
  expect(await ask(first, { type: "unsubscribe", channel: "su5" })).toMatchObject({ type: "ok" });
  expect(await ask(again, { type: "unsubscribe", channel: "su5" })).toMatchObject({ type: "ok" });
  expect(await subscribe(other, "su5")).toMatchObject({ type: "subscribed" });
  for (const { socket } of [first, other, again]) socket.close(1000);
});

test("[SU6] with `events` all others are skipped, runs merged, live and on recovery", async () => {
  const ann = await WorkerClient.connect("su6");
  const stand = await subscribe(ann, "su6", { events: ["a"] });
  await fill("su6", 1, 2);
  await publish("su6", { event: "a", data: 3 });
  await fill("su6", 4, 5);
  await until(() => heardOf(ann, "su6").at(-1) === 5);
  const live = ann.ofType("message");
  expect(live.filter(({ skipped }) => skipped !== true)).toMatchObject([{ offset: 3, event: "a" }]);
  expect(heardOf(ann, "su6")).toEqual([...heardOf(ann, "su6")].sort((one, other) => one - other));
  const again = await subscribe(ann, "su6", { epoch: stand.epoch, offset: 0, events: ["a"] });
  expect(again.messages).toMatchObject([
    { offset: 2, skipped: true },
    { offset: 3, event: "a" },
    { offset: 5, skipped: true },
  ]);
  ann.socket.close(1000);
});

test("[SU7] who is excluded is told `skipped`, by session, device or user", async () => {
  const ann = await WorkerClient.connect("su7", { query: { device_id: "d" } });
  const other = await WorkerClient.connect("su7");
  for (const client of [ann, other]) await subscribe(client, "su7");
  await publish("su7", { data: 1, exclude: { user: "su7", device: "d" } });
  await publish("su7", { data: 2, exclude: { session: other.session } });
  await publish("su7", { data: 3, exclude: { user: "su7" } });
  await until(() => [ann, other].every((client) => heardOf(client, "su7").at(-1) === 3));
  expect(ann.ofType("message")).toMatchObject([
    { offset: 1, skipped: true },
    { data: 2 },
    { offset: 3, skipped: true },
  ]);
  expect(other.ofType("message").filter(({ data }) => data !== undefined)).toMatchObject([{ data: 1 }]);
  for (const { socket } of [ann, other]) socket.close(1000);
});

test("[SU8] both objects may sleep between any two messages", async () => {
  const ann = await WorkerClient.connect("su8");
  await subscribe(ann, "su8");
  for (let i = 1; i <= 3; i++) {
    await evictDurableObject(env.USER.getByName("su8"), { webSockets: "hibernate" });
    await evictDurableObject(env.CHANNEL.getByName("su8"));
    await publish("su8", { data: i });
    await until(() => heardOf(ann, "su8").length === i);
  }
  expect(heardOf(ann, "su8")).toEqual(run(1, 3));
  expect(ann.ofType("subscribed"), JSON.stringify(ann.frames)).toHaveLength(1);
  expect(await members("su8")).toEqual(["su8"]);
  ann.socket.close(1000);
});

test("[SU9] [A26] a user is subscribed to at most MAX_SUBSCRIPTIONS channels, over all sessions", async () => {
  const ann = await WorkerClient.connect("su9");
  const bare = { session: ann.session, slot: 0, order: 1 };
  await runInDurableObject(env.USER.getByName("su9"), (_, { storage }) => {
    for (let i = 0; i < 199; i++) {
      storage.sql.exec(
        "INSERT INTO subscription (session, channel, slot, sub_order, begun) VALUES (?, ?, ?, ?, 1)",
        bare.session,
        `su9-${i}`,
        i,
        i + 1,
      );
    }
  });
  await evictDurableObject(env.USER.getByName("su9"), { webSockets: "hibernate" });
  expect(await subscribe(ann, "su9-last")).toMatchObject({ type: "subscribed" });
  expect(await subscribe(ann, "su9-more")).toMatchObject({ type: "error", code: "too_many_subscriptions" });
  expect(await subscribe(ann, "su9-last")).toMatchObject({ type: "subscribed" });
  const other = await WorkerClient.connect("su9");
  expect(await subscribe(other, "su9-more")).toMatchObject({ code: "too_many_subscriptions" });
  expect(await ask(ann, { type: "unsubscribe", channel: "su9-last" })).toMatchObject({ type: "ok" });
  expect(await subscribe(other, "su9-more")).toMatchObject({ type: "subscribed" });
  for (const { socket } of [ann, other]) socket.close(1000);
});

test("[SU10] [A13] a subscription needs its grants: `subscribe`, `history` to rewind, `members` for the roster", async () => {
  const channels = { "su10*": ["subscribe"], su10: ["subscribe", "publish"], "su10-not": ["publish"] };
  const ann = await WorkerClient.connect("su10", { claims: { channels } });
  expect(await subscribe(ann, "private:su10")).toMatchObject({ type: "error", code: "forbidden" });
  expect(await subscribe(ann, "elsewhere")).toMatchObject({ type: "error", code: "forbidden" });
  expect(await subscribe(ann, "su10", { rewind: 1 })).toMatchObject({ type: "error", code: "forbidden" });
  expect(await subscribe(ann, "su10", { rewind: 1001 })).toMatchObject({ code: "bad_request" });
  expect(await ask(ann, { type: "subscribe" })).toMatchObject({ code: "invalid_channel" });
  const stand = await subscribe(ann, "su10");
  expect(stand).toMatchObject({ type: "subscribed", count: 1 });
  expect(stand.members).toBeUndefined();
  const ben = await WorkerClient.connect("su10-ben", { channel: "su10" });
  await publish("su10", { data: 1 });
  await until(() => heardOf(ann, "su10").length === 1);
  expect(ann.ofType("members")).toEqual([]);
  const there = await WorkerClient.connect("su10-there", { channel: "su10" });
  expect(await ask(there, { type: "unsubscribe", channel: "su10" })).toMatchObject({ code: "bad_request" });
  for (const { socket } of [ann, ben, there]) socket.close(1000);
});

test("[SU11] who is sent away, and who was in a channel that is deleted, is told so and subscribed no longer", async () => {
  const ann = await WorkerClient.connect("su11");
  await subscribe(ann, "su11");
  await subscribe(ann, "su11-deleted");
  await request("/v1/channels/su11/members/su11", { method: "DELETE", headers: KEY });
  await until(() => ann.ofType("error").length === 1);
  expect(ann.ofType("error")[0]).toMatchObject({ code: "forbidden", channel: "su11" });
  expect(await members("su11")).toEqual([]);
  expect(await subscribe(ann, "su11")).toMatchObject({ type: "error", code: "forbidden" });
  await publish("su11", { data: 1 });
  await request("/v1/channels/su11-deleted", { method: "DELETE", headers: KEY });
  await until(() => ann.ofType("error").some(({ channel }) => channel === "su11-deleted"));
  expect(ann.ofType("error").at(-1)).toMatchObject({ code: "unavailable", retryAfterMs: 1000 });
  expect(await subscribe(ann, "su11-deleted")).toMatchObject({ type: "subscribed", offset: 0, count: 1 });
  expect(ann.ofType("message")).toEqual([]);
  ann.socket.close(1000);
});
