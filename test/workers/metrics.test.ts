import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import parse from "parse-prometheus-text-format";
import { afterEach, expect, test, vi } from "vitest";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import type { Point } from "../../src/directory/points.ts";
import { pseudonym } from "../../src/objects/log.ts";
import { shardNames } from "../../src/objects/shards.ts";
import type { Costs } from "../../src/protocol/costs.ts";
import { KEY, publish, read, request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { say } from "./watch.ts";

/** This file runs with `COST_SAMPLE=1` (vitest.config.ts): every moment is counted. */

/** Longer than a window, and than a shard gathers what it is told. */
const atRest = () => new Promise((resolve) => setTimeout(resolve, 2500));

afterEach(() => void vi.restoreAllMocks());

async function metricText(headers: Record<string, string> = {}): Promise<string> {
  return (await request("/metrics", { headers: { ...KEY, ...headers } })).text();
}

/** Every line as the public parser reads it, by family and labels. */
async function metrics(): Promise<(name: string, labels?: Record<string, string>) => number> {
  const families = new Map(parse(await metricText()).map((family) => [family.name, family]));
  return (name, labels = {}) => {
    const found = families.get(`rollcall_${name}`)?.metrics ?? [];
    const isIt = (sample: { labels?: Record<string, string> }) =>
      Object.entries(labels).every(([label, text]) => sample.labels?.[label] === text);
    return found.filter(isIt).reduce((sum, { value, count }) => sum + Number(value ?? count), 0);
  };
}

/** What came to one client on the wire: text frames, without the answers to pings. */
function textFramesOf({ socket }: WorkerClient): { count: number } {
  const frames = { count: 0 };
  socket.addEventListener("message", ({ data }) => void (data === "pong" || frames.count++));
  return frames;
}

/** As the directory asks of whom it misses. */
function tellAnew(user: string): Promise<void> {
  return (env.USER.getByName(user) as unknown as { list(): Promise<void> }).list();
}

test("[MT5] after a scripted load the counters are what clients sent, heard and were refused", async () => {
  const members = await Promise.all(
    Array.from({ length: 5 }, (_, i) => WorkerClient.connect(`mt-${i}`, { channel: "mt" })),
  );
  const own = await WorkerClient.connect("mt-own", { device: "mobile" });
  const [first, second] = members as [WorkerClient, WorkerClient];
  await atRest();
  const before = await metrics();
  const told = [...members, own].map(textFramesOf);
  let sent = 0;
  const send = (client: WorkerClient, frame: object | string) => {
    sent += 1;
    client.send(frame);
  };
  for (let i = 0; i < 30; i++) send(first, { type: "publish", data: i, ref: i });
  for (let i = 0; i < 3; i++) await publish("mt", { data: "once", key: "the same" });
  for (let i = 0; i < 4; i++) send(second, { type: "signal", event: "typing", ref: i });
  send(own, { type: "send", user: "mt-own", data: "hello", ref: 5 });
  send(second, "this is no JSON");
  send(second, { type: "history", after: "one", ref: 6 });
  send(own, { type: "subscribe", channel: "mt", ref: 1 });
  await until(() => own.ofType("subscribed").length === 1);
  for (let i = 0; i < 5; i++) await publish("mt", { data: { later: i } });
  const heard = (type: string) =>
    [...members, own].reduce(
      (sum, client) => sum + client.ofType(type).filter(({ skipped }) => skipped !== true).length,
      0,
    );
  await until(() => own.ofType("message").length === 5 && own.ofType("direct").length === 1);
  await request("/v1/channels/mt", { headers: { Authorization: "Bearer no key of ours" } });
  await request("/v1/nowhere", { headers: KEY });
  await read("/v1/channels/mt");
  await atRest();
  const after = await metrics();
  const grown = (name: string, labels?: Record<string, string>) => after(name, labels) - before(name, labels);

  expect(grown("messages_total", { kind: "message" })).toBe(30 + 1 + 5);
  expect(grown("messages_total", { kind: "signal" })).toBe(heard("signal") / 4);
  expect(grown("messages_total", { kind: "direct" })).toBe(1);
  expect(grown("deliveries_total", { kind: "message" })).toBe(heard("message"));
  expect(heard("message")).toBe(5 * 36 + 5);
  expect(grown("deliveries_total", { kind: "direct" })).toBe(1);
  expect(grown("deliveries_total", { kind: "signal" })).toBe(heard("signal"));
  expect(grown("frames_total", { direction: "in" })).toBe(sent);
  expect(grown("frames_total", { direction: "out" })).toBe(told.reduce((sum, { count }) => sum + count, 0));
  expect(grown("errors_total", { over: "frame" })).toBe(heard("error"));
  expect(grown("errors_total", { over: "frame", code: "invalid_json" })).toBe(1);
  expect(grown("errors_total", { over: "frame", code: "bad_request" })).toBe(1);
  expect(grown("errors_total", { over: "http", code: "unauthenticated" })).toBe(1);
  expect(grown("errors_total", { over: "http", code: "not_found" })).toBe(1);
  expect(grown("http_responses_total", { status: "201" })).toBe(6);
  expect(grown("http_responses_total", { status: "200" })).toBe(2 + 1 + 1); // two repeats, a read, the reading before
  expect(after("sample_share")).toBe(1);
  for (const { socket } of [...members, own]) socket.close(1000);
});

test("[MT3] users, sessions and channels are those that there are", async () => {
  await until(async () => (await read("/v1/stats")).usersOnline === 0);
  const clients = [
    await WorkerClient.connect("mt3-ann", { device: "web" }),
    await WorkerClient.connect("mt3-ann", { device: "mobile" }),
    await WorkerClient.connect("mt3-ann", { channel: "mt3", device: "mobile" }),
    await WorkerClient.connect("mt3-ben", { device: "web" }),
  ];
  const headers = { Accept: "text/event-stream", Authorization: `Bearer ${await tokenFor("mt3-cleo")}` };
  const stream = await request("/v1/connect?device_type=tv", { headers });
  await until(async () => (await read("/v1/stats")).sessions === 5);
  const now = await metrics();
  expect([now("users_online"), now("channels"), now("sessions")]).toEqual([3, 1, 5]);
  expect(now("sessions", { transport: "websocket", device: "mobile" })).toBe(2);
  expect(now("sessions", { transport: "websocket", device: "web" })).toBe(2);
  expect(now("sessions", { transport: "sse", device: "tv" })).toBe(1);
  const text = await metricText();
  expect(text).toContain('rollcall_user_sessions_bucket{le="1"} 2\n');
  expect(text).toContain('rollcall_user_sessions_bucket{le="2"} 2\n');
  expect(text).toContain('rollcall_user_sessions_bucket{le="3"} 3\n');
  expect(text).toContain("rollcall_user_sessions_sum 5\n");
  for (const { socket } of clients) socket.close(1000);
  await stream.body?.cancel();
});

test("[MT4] who is watched and subscribed is known with the next word, which costs no call and no row", async () => {
  const star = await WorkerClient.connect("mt4-star");
  const fans = await Promise.all(Array.from({ length: 3 }, (_, i) => WorkerClient.connect(`mt4-${i}`)));
  for (const fan of fans) fan.send({ type: "watch", users: ["mt4-star", "mt4-nobody"], ref: 1 });
  for (const channel of ["mt4-a", "mt4-b"]) star.send({ type: "subscribe", channel, ref: channel });
  await until(
    () => fans.every((fan) => fan.ofType("ok").length === 1) && star.ofType("subscribed").length === 2,
  );
  await atRest();
  const before = await metrics();
  const meter = await Meter.on(env.USER.getByName("mt4-star"));
  for (const user of ["mt4-star", "mt4-0", "mt4-1", "mt4-2"]) await tellAnew(user);
  await until(async () => (await metrics())("watches") === 6);
  meter.off();
  expect(meter.statements.filter((statement) => !statement.startsWith("INSERT INTO cost"))).toEqual([]);
  const after = await metrics();
  expect(after("subscriptions") - before("subscriptions")).toBe(2);
  expect(after("most_watched", { user: pseudonym("mt4-star") })).toBe(3);
  expect(await metricText()).not.toContain("mt4-star");
  // A word that is news writes its row anyway, and with it what there is.
  await say("mt4-star", { status: "busy" });
  await until(async () => JSON.stringify(await read("/v1/presence")).includes("busy"));
  for (const shard of shardNames(4)) await evictDurableObject(env.DIRECTORY.getByName(shard));
  expect((await metrics())("most_watched")).toBe(3);
  for (const { socket } of [star, ...fans]) socket.close(1000);
});

test("[MT6] a sweep counts itself, and how long each connection was silent", async () => {
  const clients = await Promise.all(
    Array.from({ length: 3 }, (_, i) => WorkerClient.connect(`mt6-${i}`, { channel: "mt6" })),
  );
  await atRest();
  const before = await metrics();
  const later = Date.now() + 70_000; // no client has said anything, and only some will
  vi.useFakeTimers({ toFake: ["Date"], now: later });
  try {
    const { runInDurableObject } = await import("cloudflare:test");
    await runInDurableObject(env.CHANNEL.getByName("mt6"), (object) => object.alarm?.());
    clients[0]?.send({ type: "heartbeat" });
    await until(() => clients.every((client) => client.ofType("probe").length === 1));
    vi.setSystemTime(later + 70_000);
    await runInDurableObject(env.CHANNEL.getByName("mt6"), (object) => object.alarm?.());
    await until(() => clients.filter((client) => client.ofType("closing").length === 1).length >= 2);
  } finally {
    vi.useRealTimers();
  }
  await atRest();
  const after = await metrics();
  const grown = (name: string, labels?: Record<string, string>) => after(name, labels) - before(name, labels);
  expect(grown("sweeps_total")).toBeGreaterThanOrEqual(2);
  expect(grown("ghosts_total")).toBe(
    clients.filter((client) => client.ofType("closing").length === 1).length,
  );
  expect(grown("heartbeat_age_seconds")).toBeGreaterThanOrEqual(6);
  for (const { socket } of clients) socket.close(1000);
});

test("[MT8] what it has cost is what the stats say", async () => {
  await atRest();
  const [text, costs] = [await metrics(), (await read("/v1/stats")).costs as Costs];
  for (const object of ["user", "channel", "directory", "meter"] as const) {
    const said = costs[object];
    if (object === "directory" || object === "meter") continue; // to ask them costs them something
    expect(text("rows_written_total", { object })).toBe(said?.rowsWritten);
    expect(text("billed_requests_total", { object })).toBeCloseTo(said?.requests ?? 0, 1);
    expect(text("wakes_total", { object, cause: "connect" })).toBe(said?.wakes.connect);
    expect(text("events_total", { object, cause: "frame" })).toBe(said?.events.frame);
    expect(text("alarms_set_total", { object })).toBe(said?.alarms);
  }
});

test("[MT1] the metrics are for keys that read or operate, in the format that is asked for", async () => {
  expect((await request("/metrics")).status).toBe(401);
  const token = { Authorization: `Bearer ${await tokenFor("ann")}` };
  expect((await request("/metrics", { headers: token })).status).toBe(403);
  const plain = await request("/metrics", { headers: KEY });
  expect(plain.headers.get("Content-Type")).toBe("text/plain; version=0.0.4; charset=utf-8");
  const Accept = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
  const open = await request("/metrics", { headers: { ...KEY, Accept } });
  expect(open.headers.get("Content-Type")).toBe("application/openmetrics-text; version=1.0.0; charset=utf-8");
  expect(await open.text()).toMatch(/\n# EOF\n$/);
});

test("[MT10] where a shard does not answer, nothing does: a sum without it would look as if counters fell", async () => {
  const { costs } = DirectoryObject.prototype;
  vi.spyOn(DirectoryObject.prototype, "costs").mockImplementation(function (this: DirectoryObject) {
    if (Math.random() < 0.5) throw new Error("as the test asked");
    return costs.call(this);
  });
  vi.spyOn(console, "error").mockImplementation(() => undefined); // what fails is logged
  const answers = await Promise.all(Array.from({ length: 20 }, () => request("/metrics", { headers: KEY })));
  const statuses = new Set(answers.map(({ status }) => status));
  expect([...statuses].filter((status) => status !== 200)).toEqual([500]);
});

test("[MT11] what is refused for want of a credential calls no object for the metrics", async () => {
  await atRest();
  const added = vi.spyOn(DirectoryObject.prototype, "addCosts");
  for (let i = 0; i < 50; i++)
    await request("/v1/channels/mt11", { headers: { Authorization: "Bearer nobody" } });
  await atRest();
  expect(added.mock.calls.filter(([{ kind }]) => kind === "worker")).toEqual([]);
  const before = await metrics();
  await atRest();
  const unauthenticated = { over: "http", code: "unauthenticated" };
  expect((await metrics())("errors_total", unauthenticated) - before("errors_total", unauthenticated)).toBe(
    50,
  );
});

test("[MT12] a point for each kind of object with news goes to Analytics Engine when the row is written", async () => {
  await atRest();
  const points: Point[] = [];
  const dataset = (env as unknown as { METRICS: { writeDataPoint(point: Point): void } }).METRICS;
  const Prototype = Object.getPrototypeOf(dataset) as { writeDataPoint(point: Point): void };
  vi.spyOn(Prototype, "writeDataPoint").mockImplementation((point) => void points.push(point));
  const client = await WorkerClient.connect("mt12", { channel: "mt12" });
  for (let i = 0; i < 7; i++) client.send({ type: "publish", data: i });
  await until(() => client.ofType("message").length === 7);
  await atRest();
  const said = points
    .filter(({ indexes: [kind] }) => kind === "channel")
    .map(({ doubles }) => doubles[5] ?? 0);
  expect(said.reduce((sum, count) => sum + count, 0)).toBe(7);
  expect(points.every(({ doubles, blobs }) => doubles.length <= 20 && blobs.length === 1)).toBe(true);
  expect(points.length).toBeLessThan(20); // per row, not per message
  client.socket.close(1000);
});
