import { listDurableObjectIds } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { KEY, read, request, tokenFor, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";

afterEach(() => vi.restoreAllMocks());

interface Result {
  status: number;
  body: Record<string, unknown> | null;
}

interface Answer {
  status: number;
  body: { results: Result[]; code?: string; detail?: string };
}

async function batch(operations: unknown, headers: Record<string, string> = KEY): Promise<Answer> {
  const body = JSON.stringify({ operations });
  const response = await request("/v1/batch", { method: "POST", headers, body });
  return { status: response.status, body: (await response.json()) as Answer["body"] };
}

/** Objects that were ever touched have an id. */
async function objectsTouched(): Promise<number> {
  const ids = await Promise.all([env.USER, env.CHANNEL].map((kind) => listDurableObjectIds(kind)));
  return ids.flat().length;
}

const post = (path: string, body: unknown) => ({ method: "POST", path, body });
const get = (path: string) => ({ method: "GET", path });
const publish = (channel: string, data: unknown, more: object = {}) =>
  post(`/v1/channels/${channel}/messages`, { data, ...more });

test("[BA1] each operation of a batch is answered in its place, as it would be by itself", async () => {
  const { status, body } = await batch([
    publish("ba1", "first"),
    get("/v1/channels/ba1/messages?limit=1"),
    { method: "DELETE", path: "/v1/users/ba1/sessions/none" },
    { method: "DELETE", path: "/v1/users/ba1/sessions" },
    get("/v1/users/a%20b/presence"),
    get("/v1/nowhere"),
    { method: "PUT", path: "/v1/stats" },
    get("/v1/stats"),
    get("/healthz"),
  ]);
  expect(status).toBe(200);
  expect(body.results.map((result) => result.status)).toEqual([201, 200, 404, 204, 400, 404, 405, 200, 200]);
  expect(body.results[0]?.body).toMatchObject({ channel: "ba1", offset: 1 });
  expect(body.results[1]?.body).toMatchObject({ messages: [{ data: "first", offset: 1 }] });
  expect(body.results[2]?.body).toMatchObject({ code: "not_found", status: 404 });
  expect(body.results[3]?.body).toBeNull();
  expect(body.results[4]?.body).toMatchObject({ code: "invalid_user" });
  expect(body.results[7]?.body).toHaveProperty("usersOnline");
  const alone = await read("/v1/channels/ba1/messages?limit=1");
  expect(body.results[1]?.body).toEqual(alone);
});

test("[BA2] connects, batches, foreign addresses and malformed operations are 400 for themselves alone", async () => {
  const wrong = [
    get("/v1/connect"),
    get("/v1/channels/x/connect"),
    get("/v1/%63onnect"),
    post("/v1/batch", { operations: [get("/healthz")] }),
    post("/v1/%62atch", { operations: [get("/healthz")] }),
    post("/v1/%2562atch", { operations: [get("/healthz")] }),
    get("/"),
    post("/v1/dev/token", { user: "eve" }),
    get("//evil.example.com/v1/stats"),
    get("/\\evil.example.com/v1/stats"),
    get("https://evil.example.com/v1/stats"),
    get("/v1/../"),
    get("v1/stats"),
    { method: "PATCH", path: "/v1/stats" },
    { method: "GET", path: 5 },
    { method: "GET", path: "/v1/stats", body: { a: 1 } },
    "no operation",
    null,
  ];
  const { status, body } = await batch([...wrong, publish("ba2", "told all the same")]);
  expect(status).toBe(200);
  const codes = body.results.map((result) => `${result.status} ${result.body?.code}`);
  // What the router does not know by that spelling is a route that does not exist.
  expect(codes.slice(0, wrong.length)).toEqual(
    wrong.map((_, i) =>
      i === 5 ? expect.stringMatching(/^(400 bad_request|404 not_found)$/) : "400 bad_request",
    ),
  );
  expect(body.results.at(-1)?.status).toBe(201);
  expect(body.results[13]?.body).toMatchObject({ errors: [{ path: "operations[13].method" }] });
});

test("[BA2] a batch is 1 to 100 operations, of at most 2,000 users and channels together", async () => {
  for (const operations of [[], Array(101).fill(get("/healthz")), "none", undefined]) {
    expect(await batch(operations)).toMatchObject({ status: 400, body: { code: "bad_request" } });
  }
  expect((await batch(Array(100).fill(get("/healthz")))).body.results).toHaveLength(100);
  const users = Array.from({ length: 1000 }, (_, i) => `u${i}`);
  const many = post("/v1/messages", { data: 1, users });
  const before = await objectsTouched();
  expect(await batch([many, many, get("/healthz")])).toMatchObject({
    status: 400,
    body: { code: "bad_request", detail: expect.stringContaining("at most 2000") },
  });
  const asked = users.slice(0, 200);
  const eleven = Array(11).fill(get(`/v1/presence?users=${asked}`));
  expect(await batch(eleven)).toMatchObject({ status: 400 });
  expect(await objectsTouched()).toBe(before);
});

test("[BA3] what is about one channel or user happens in the order listed, whatever else is under way", async () => {
  const operations = Array.from({ length: 60 }, (_, i) => publish(`ba3-${i % 3}`, i));
  const slow = ChannelObject.prototype.publish;
  let underWay = 0;
  let most = 0;
  vi.spyOn(ChannelObject.prototype, "publish").mockImplementation(async function (
    this: ChannelObject,
    ...args
  ) {
    most = Math.max(most, ++underWay);
    // The earlier one is, the longer it takes: only waiting keeps the order.
    await new Promise((resolve) => setTimeout(resolve, 60 - Number(args[0].dataJson)));
    underWay -= 1;
    return slow.apply(this, args);
  });
  const { body } = await batch(operations);
  expect(body.results.map((result) => result.body?.offset)).toEqual(
    operations.map((_, i) => Math.floor(i / 3) + 1),
  );
  expect(most).toBe(3);
  for (const channel of ["ba3-0", "ba3-1", "ba3-2"]) {
    const { messages } = await read(`/v1/channels/${channel}/messages`);
    const said = (messages as { data: number }[]).map(({ data }) => data);
    expect(said).toEqual([...said].sort((a, b) => a - b));
    expect(said).toHaveLength(20);
  }
});

test("[BA3] what names no one channel or user comes after all before it and before all after it", async () => {
  const ann = await WorkerClient.connect("ba3-ann");
  const presence = (status: string) => ({
    method: "PUT",
    path: "/v1/users/ba3-ann/presence",
    body: { status },
  });
  const { body } = await batch([
    presence("busy"),
    get("/v1/presence?users=ba3-ann"),
    presence("away"),
    get("/v1/presence?users=ba3-ann"),
  ]);
  const seen = [1, 3].map((i) => body.results[i]?.body);
  expect(seen).toMatchObject([{ users: [{ status: "busy" }] }, { users: [{ status: "away" }] }]);
  ann.socket.close(1000);
});

test("[BA3] at most ten operations of a batch are under way at once", async () => {
  let underWay = 0;
  let most = 0;
  vi.spyOn(ChannelObject.prototype, "summary").mockImplementation(async () => {
    most = Math.max(most, ++underWay);
    await new Promise((resolve) => setTimeout(resolve, 20));
    underWay -= 1;
    return {} as never;
  });
  const { body } = await batch(Array.from({ length: 40 }, (_, i) => get(`/v1/channels/ba3-many-${i}`)));
  expect(body.results.every(({ status }) => status === 200)).toBe(true);
  expect(most).toBe(10);
});

test("[BA4] keys in the bodies of a batch publish once, and a key for the whole is refused", async () => {
  const operations = [
    publish("ba4", 1, { key: "one" }),
    publish("ba4", 1, { key: "one" }),
    publish("ba4", 2, { key: "one" }),
  ];
  const first = await batch(operations);
  expect(first.body.results.map(({ status }) => status)).toEqual([201, 200, 422]);
  const again = await batch(operations);
  expect(again.body.results.map(({ status }) => status)).toEqual([200, 200, 422]);
  const whole = await batch(operations, { ...KEY, "Idempotency-Key": "all" });
  expect(whole).toMatchObject({ status: 400, body: { errors: [{ path: "Idempotency-Key" }] } });
});

test("[BA5] a batch is for keys, and touches no object for anybody else", async () => {
  const before = await objectsTouched();
  const operations = [publish("ba5", 1), get("/v1/users/ba5/presence")];
  const token = await tokenFor("ann");
  expect((await batch(operations, {})).status).toBe(401);
  expect((await batch(operations, { Authorization: "Bearer rollcall-local-development-kez" })).status).toBe(
    401,
  );
  expect((await batch(operations, { Authorization: `Bearer ${token}` })).status).toBe(403);
  expect(await objectsTouched()).toBe(before);
  await batch(operations);
  expect(await objectsTouched()).toBe(before + 2);
});

test("[BA6] answers beyond 8 MiB in all are left out, and say so; what was asked has happened", async () => {
  const data = "x".repeat(32_000);
  for (let i = 0; i < 4; i++) await batch(Array.from({ length: 7 }, () => publish("ba6", data)));
  const page = get("/v1/channels/ba6/messages?limit=1000");
  const { status, body } = await batch([...Array(12).fill(page), publish("ba6-after", 1)]);
  expect(status).toBe(200);
  const statuses = body.results.map((result) => result.status);
  expect(statuses.filter((one) => one === 200)).toHaveLength(9);
  expect(statuses.filter((one) => one === 413)).toHaveLength(3);
  expect(statuses[12]).toBe(201);
  expect(body.results.find((result) => result.status === 413)?.body?.detail).toContain("answered with 200");
});

test("[BA7] a batch writes what its operations write", async () => {
  await batch([0, 0].flatMap((data) => [publish("ba7-a", data), publish("ba7-b", data)])); // the second sets an alarm
  const meter = await Meter.on(env.CHANNEL.getByName("ba7-a"));
  await batch(Array.from({ length: 10 }, (_, i) => publish(i % 2 ? "ba7-a" : "ba7-b", i)));
  meter.off();
  expect([meter.rows, meter.alarmsSet]).toEqual([10, 0]);
});
