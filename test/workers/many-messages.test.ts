import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { KEY, publish, read, request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

afterEach(() => vi.restoreAllMocks());

interface Result {
  user?: string;
  channel?: string;
  status: number;
  id?: string;
  seq?: number;
  offset?: number;
  code?: string;
}

async function send(body: object, headers: Record<string, string> = KEY) {
  const response = await request("/v1/messages", { method: "POST", headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as { results: Result[]; code?: string } };
}

const name = (object: object) => (object as unknown as { ctx: DurableObjectState }).ctx.id.name ?? "";

test("[MM1] one message reaches many channels, each answered in the order named", async () => {
  const ann = await WorkerClient.connect("mm1-ann", { channel: "mm1-b" });
  await publish("mm1-b", { data: "before" });
  const { status, body } = await send({
    data: { n: 1 },
    event: "many",
    channels: ["mm1-a", "mm1-b", "mm1-c"],
  });
  expect(status).toBe(200);
  expect(body.results).toEqual([
    { channel: "mm1-a", status: 201, id: expect.any(String), offset: 1 },
    { channel: "mm1-b", status: 201, id: expect.any(String), offset: 2 },
    { channel: "mm1-c", status: 201, id: expect.any(String), offset: 1 },
  ]);
  await until(() => ann.ofType("message").length === 2);
  expect(ann.ofType("message")[1]).toMatchObject({ event: "many", data: { n: 1 }, offset: 2 });
  expect(ann.ofType("message")[1]).not.toHaveProperty("from");
  ann.socket.close(1000);
});

test("[MM1] users and channels together: users stand first, whether they are there or not", async () => {
  const ann = await WorkerClient.connect("mm1-here");
  const there = await WorkerClient.connect("mm1-other", { channel: "mm1-both" });
  const { body } = await send({ data: { n: 2 }, channels: ["mm1-both"], users: ["mm1-away", "mm1-here"] });
  expect(body.results).toEqual([
    { user: "mm1-away", status: 201, id: expect.any(String), seq: 1 },
    { user: "mm1-here", status: 201, id: expect.any(String), seq: 1 },
    { channel: "mm1-both", status: 201, id: expect.any(String), offset: 1 },
  ]);
  await until(() => ann.ofType("direct").length === 1 && there.ofType("message").length === 1);
  expect(ann.ofType("direct")[0]).toMatchObject({ data: { n: 2 }, event: "message", seq: 1 });
  expect(ann.ofType("direct")[0]).not.toHaveProperty("from");
  const later = await WorkerClient.connect("mm1-away");
  await until(() => later.ofType("direct").length === 1);
  for (const client of [ann, there, later]) client.socket.close(1000);
});

test("[MM2] a target that fails, fails alone", async () => {
  const works = ChannelObject.prototype.publish;
  vi.spyOn(ChannelObject.prototype, "publish").mockImplementation(function (this: ChannelObject, ...args) {
    if (name(this) === "mm2-broken") throw new Error("as the test asked");
    if (name(this) === "mm2-reset") throw Object.assign(new Error("as the test asked"), { retryable: true });
    return works.apply(this, args);
  });
  const channels = ["mm2-a", "no channel", "mm2-broken", "mm2-reset", "mm2-b"];
  const { status, body } = await send({ data: 1, channels, users: ["no user"] });
  expect(status).toBe(200);
  expect(
    body.results.map((result) => `${result.user ?? result.channel}: ${result.status} ${result.code}`),
  ).toEqual([
    "no user: 400 invalid_user",
    "mm2-a: 201 undefined",
    "no channel: 400 invalid_channel",
    "mm2-broken: 500 internal",
    "mm2-reset: 503 unavailable",
    "mm2-b: 201 undefined",
  ]);
});

test("[MM3] a key counts at each target by itself: who has it already answers with the first result", async () => {
  await publish("mm3-other", { data: "another", key: "mm3" });
  const said = { data: 1, key: "mm3" };
  const first = await send({ ...said, channels: ["mm3-a", "mm3-b", "mm3-other"] });
  expect(first.body.results.map((result) => result.status)).toEqual([201, 201, 422]);
  expect(first.body.results[2]).toEqual({ channel: "mm3-other", status: 422, code: "idempotency_mismatch" });
  const inHeader = { ...KEY, "Idempotency-Key": "mm3" };
  const again = await send({ data: 1, channels: ["mm3-a", "mm3-new", "mm3-b"] }, inHeader);
  expect(again.body.results.map((result) => result.status)).toEqual([200, 201, 200]);
  expect(again.body.results[0]).toEqual({ ...first.body.results[0], status: 200 });
  expect((await read("/v1/channels/mm3-a")).offset).toBe(1);
});

test("[MM3] a key counts at each user by itself too, and one who fails takes no other with it", async () => {
  const users = ["mm3-ann", "mm3-ben", "mm3-cho"];
  const works = UserObject.prototype.send;
  const broken = vi.spyOn(UserObject.prototype, "send").mockImplementation(function (
    this: UserObject,
    ...args
  ) {
    if (name(this) === "mm3-ben") throw Object.assign(new Error("as the test asked"), { retryable: true });
    return works.apply(this, args);
  });
  const said = { data: 1, key: "mm3", users };
  const first = await send(said);
  expect(first.body.results.map((result) => `${result.status} ${result.code}`)).toEqual([
    "201 undefined",
    "503 unavailable",
    "201 undefined",
  ]);
  broken.mockRestore();
  const again = await send(said);
  expect(again.body.results.map((result) => result.status)).toEqual([200, 201, 200]);
  expect(again.body.results[0]).toEqual({ ...first.body.results[0], status: 200 });
  const other = await send({ ...said, data: 2 });
  expect(other.body.results.map((result) => result.code)).toEqual(users.map(() => "idempotency_mismatch"));
  for (const user of users) expect(await read(`/v1/users/${user}/inbox`)).toMatchObject({ latest: 1 });
});

test("[MM4] 1-1000 users and 1-100 channels, each named once; at most twenty calls are under way at once", async () => {
  const names = (count: number) => Array.from({ length: count }, (_, i) => `mm4-${i}`);
  const wrong = [
    {},
    { channels: [], users: [] },
    { channels: names(101) },
    { users: names(1001) },
    { channels: ["mm4-0", "mm4-0"] },
    { users: ["mm4-0", "mm4-0"] },
    { channels: "mm4-0" },
    { channels: [5] },
  ];
  for (const targets of wrong) {
    expect(await send({ data: 1, ...targets }), JSON.stringify(targets)).toMatchObject({
      status: 400,
      body: { code: "bad_request" },
    });
  }
  let underWay = 0;
  let most = 0;
  vi.spyOn(ChannelObject.prototype, "publish").mockImplementation(async (): Promise<never> => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 10));
    underWay -= 1;
    return { id: "x", channel: "x", epoch: "x", offset: 1, at: 1 } as never;
  });
  expect((await send({ data: 1, channels: names(100) })).body.results).toHaveLength(100);
  expect(most).toBe(20);
});

test("[MM5] what is wrong for all is refused before any object is touched", async () => {
  const touched = async () =>
    (await Promise.all([env.USER, env.CHANNEL].map((kind) => listDurableObjectIds(kind)))).flat().length;
  const before = await touched();
  const user = { Authorization: `Bearer ${await tokenFor("ann")}` };
  const channels = ["mm5"];
  const wrong: [body: object, status: number, code: string, headers?: Record<string, string>][] = [
    [{ data: 1, channels }, 401, "unauthenticated", {}],
    [{ data: 1, channels }, 403, "forbidden", user],
    [{ channels }, 400, "bad_request"],
    [{ data: 1, channels, exclude: { device: "d" } }, 400, "bad_request"],
    [{ data: 1, channels, key: "a" }, 400, "bad_request", { ...KEY, "Idempotency-Key": "b" }],
    [{ data: "x".repeat(33_000), channels }, 413, "too_large"],
  ];
  for (const [body, status, code, headers = KEY] of wrong) {
    expect(await send(body, headers)).toMatchObject({ status, body: { code } });
  }
  expect(await touched()).toBe(before);
});

test("[MM6] a message to many writes one row at each target, two with a key, and none as a repeat", async () => {
  const targets = { channels: ["mm6-a", "mm6-b", "mm6-c"], users: ["mm6-ann", "mm6-ben"] };
  for (let i = 0; i < 2; i++) await send({ data: i, ...targets, key: `warm-${i}` }); // the second sets an alarm
  const meter = await Meter.on(env.CHANNEL.getByName("mm6-a"));
  await send({ data: 1, ...targets });
  await send({ data: 1, ...targets, key: "mm6" });
  await send({ data: 1, ...targets, key: "mm6" });
  meter.off();
  expect([meter.rows, meter.alarmsSet], meter.statements.join("\n")).toEqual([15, 0]);
});
