import { afterAll, beforeAll, expect, test } from "vitest";
import { problemOf } from "../../src/protocol/problem.ts";
import { RollcallError } from "../../src/server/errors.ts";
import { Rollcall } from "../../src/server/index.ts";
import { pauseMs } from "../../src/server/repeating.ts";
import { type Fate, FaultServer } from "../fixtures/fault-server.ts";

const API_KEY = "a-key-that-nobody-else-knows";
const service = new FaultServer();
let rollcall: Rollcall;
/** Gives up soon: for what hangs. */
let hasty: Rollcall;

beforeAll(async () => {
  await service.start();
  rollcall = new Rollcall({ url: service.url, apiKey: API_KEY });
  hasty = new Rollcall({ url: service.url, apiKey: API_KEY, timeoutMs: 300 });
});
afterAll(() => service.stop());

/** A refusal as the service really says it. */
function refusal(code: Parameters<typeof problemOf>[0]["code"], more: object = {}): Fate {
  const { status, body, headers } = problemOf({ code, message: `because of ${code}`, ...more });
  return { status, body, headers };
}

const PUBLISHED = { id: "e-1", channel: "lobby", epoch: "e", offset: 1, at: 5 };
const OK: Fate = { status: 201, body: PUBLISHED };
const soon = { retryAfterMs: 1 };

async function failure(asked: Promise<unknown>): Promise<RollcallError> {
  const error = await asked.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof RollcallError)) throw new Error(`no RollcallError: ${String(error)}`);
  return error;
}

test("[PK1] a message carries a key of its own, and whatever repeats it repeats the key", async () => {
  service.will("cut", refusal("unavailable", soon), refusal("rate_limited", soon), OK);
  const published = await rollcall.channel("lobby").publish({ n: 1 }, { event: "paid", ttlSeconds: 60 });
  expect(published).toEqual(PUBLISHED);
  expect(service.heard).toHaveLength(4);
  const [{ key } = { key: undefined }] = service.heard.map(({ body }) => body ?? {});
  expect(key).toMatch(/^[0-9a-f]{32}$/);
  for (const { method, path, headers, body } of service.heard) {
    expect({ method, path, body }).toEqual({
      method: "POST",
      path: "/v1/channels/lobby/messages",
      body: { data: { n: 1 }, event: "paid", ttlSeconds: 60, key },
    });
    expect(headers.authorization).toBe(`Bearer ${API_KEY}`);
  }
  service.will("cut", OK);
  await rollcall.user("ann").send("hi", { key: "invoice-7" });
  await rollcall.send({ users: ["ann"] }, "hi");
  await rollcall.broadcast("hi");
  const keys = service.heard.map(({ body }) => body?.key);
  expect(keys.slice(0, 2)).toEqual(["invoice-7", "invoice-7"]);
  expect(new Set([key, ...keys]).size).toBe(4);
});

test("[PK2] the pause that the service asks for is waited for, and one beyond 30 s is left to the caller", async () => {
  const after = async (...fates: Fate[]) => {
    service.will(...fates, OK);
    const begin = performance.now();
    await rollcall.channel("lobby").publish(1);
    return performance.now() - begin;
  };
  expect(await after(refusal("rate_limited", { retryAfterMs: 400 }))).toBeGreaterThanOrEqual(399);
  expect(await after({ status: 503, headers: { "Retry-After": "1" } })).toBeGreaterThanOrEqual(999);
  const date = new Date(Date.now() + 2000).toUTCString(); // in whole seconds: at least one of them is left
  expect(await after({ status: 503, headers: { "Retry-After": date } })).toBeGreaterThanOrEqual(900);
  service.will(refusal("rate_limited", { retryAfterMs: 30_001 }), OK);
  const error = await failure(rollcall.channel("lobby").publish(1));
  expect(error).toMatchObject({ code: "rate_limited", retryAfterMs: 30_001 });
  expect(service.heard).toHaveLength(1);
});

test("[PK3] pauses that nobody asks for grow to 10 s, with full jitter", () => {
  const longest = (tries: number) => pauseMs(tries, undefined, 0.999_999);
  expect([1, 2, 3, 4, 7, 20].map(longest)).toEqual([250, 500, 1000, 2000, 10_000, 10_000]);
  expect(pauseMs(20, undefined, 0)).toBe(0);
  expect(pauseMs(1, 5000, 0)).toBe(5000);
  expect(pauseMs(1, 5000, 0.999_999)).toBe(5250);
});

test("[PK4] after so many tries the last failure is told, with all that the service said of it", async () => {
  const thrice = new Rollcall({ url: service.url, apiKey: API_KEY, tries: 3 });
  service.will(refusal("rate_limited", { ...soon, limit: "key" }));
  const limited = await failure(thrice.stats());
  expect(limited).toMatchObject({ code: "rate_limited", status: 429, retryAfterMs: 1, limit: "key" });
  expect(limited.message).toBe("because of rate_limited");
  expect(service.heard).toHaveLength(3);
  service.will("cut");
  expect(await failure(thrice.stats())).toMatchObject({ code: "unreachable", name: "RollcallError" });
  expect(service.heard).toHaveLength(3);
});

test("[PK5] what is refused is not asked again, and says which fields were wrong", async () => {
  for (const code of ["bad_request", "token_revoked", "forbidden", "idempotency_mismatch"] as const) {
    const errors = [{ path: "key", message: "too long" }];
    service.will(refusal(code, { errors }));
    const error = await failure(rollcall.channel("lobby").publish(1, { key: "k" }));
    expect(error).toMatchObject({ code, errors });
    expect(service.heard).toHaveLength(1);
  }
});

test("[PK6] a signal is said again only where nobody can have heard it", async () => {
  for (const fate of ["cut", "hangs", refusal("unavailable", soon), refusal("internal")] as const) {
    service.will(fate, { status: 202, body: {} });
    await failure((fate === "hangs" ? hasty : rollcall).channel("lobby").signal("typing"));
    expect(service.heard).toHaveLength(1);
  }
  service.will(refusal("rate_limited", soon), { status: 202, body: {} });
  await rollcall.channel("lobby").signal("typing", { in: "lobby" });
  expect(service.heard.map(({ body }) => body)).toEqual([
    { event: "typing", data: { in: "lobby" } },
    { event: "typing", data: { in: "lobby" } },
  ]);
});

test("[PK7] no answer in time is `timed_out`, and what does no harm twice is asked again", async () => {
  service.will("hangs", { status: 200, body: { sessions: [] } });
  expect(await hasty.user("ann").sessions()).toEqual([]);
  expect(service.heard.length).toBeGreaterThanOrEqual(2); // more where this machine is slow
  const once = new Rollcall({ url: service.url, apiKey: API_KEY, timeoutMs: 100, tries: 1 });
  service.will("hangs");
  expect(await failure(once.stats())).toMatchObject({ code: "timed_out" });
});

test("[PK8] what no Rollcall answers is `bad_answer`; a redirect is not followed; no error holds the key", async () => {
  const fates: Fate[] = [
    { status: 200, body: "<html>" },
    { status: 404, body: "<html>" },
    { status: 400, body: { message: "another service" } },
    { status: 302, headers: { Location: `${service.url}/elsewhere` } },
  ];
  for (const fate of fates) {
    service.will(fate);
    const error = await failure(rollcall.channel("lobby").publish(1));
    expect(error).toMatchObject({ code: "bad_answer", status: (fate as { status: number }).status });
    expect(service.heard).toHaveLength(1);
    expect(JSON.stringify([error, error.message, error.stack, String(error.cause)])).not.toContain(API_KEY);
  }
  service.will({ status: 520, body: "<html>" }, OK);
  expect(await rollcall.channel("lobby").publish(1)).toEqual(PUBLISHED);
});

test("[PK9] names are escaped; one that URLs fold away asks nothing", async () => {
  const odd = "a:b@c=d+e~f";
  service.will({ status: 200, body: {} });
  await rollcall.user(odd).presence();
  await rollcall.channel(odd).members({ cursor: "a+b", limit: 3 });
  expect(service.heard.map(({ path }) => path)).toEqual([
    `/v1/users/${encodeURIComponent(odd)}/presence`,
    `/v1/channels/${encodeURIComponent(odd)}/members?cursor=a%2Bb&limit=3`,
  ]);
  service.will({ status: 200, body: {} });
  for (const name of ["", ".", ".."]) {
    expect(() => rollcall.channel(name)).toThrow(expect.objectContaining({ code: "invalid_channel" }));
    expect(() => rollcall.user(name)).toThrow(expect.objectContaining({ code: "invalid_user" }));
    await expect(rollcall.user("ann").watch(name)).rejects.toMatchObject({ code: "invalid_user" });
    expect(
      await rollcall
        .user("ann")
        .session(name)
        .catch(({ code }) => code),
    ).toBe("not_found");
  }
  expect(service.heard).toEqual([]);
});

test("[PK10] what is asked of a batch that is on its way is refused, and nothing hangs", async () => {
  service.will({ status: 200, body: { results: [{ status: 200, body: PUBLISHED }] } });
  const [late] = await rollcall.batch((together) => [
    together
      .channel("lobby")
      .publish(1)
      .then(() => together.channel("lobby").publish(2)),
  ]);
  expect(late).toMatchObject({ status: "rejected", reason: expect.any(TypeError) });
});

test("[PK10] a batch is one request, whose parts each carry their key and are each told by themselves", async () => {
  const results = [
    { status: 201, body: PUBLISHED },
    { status: 403, body: problemOf({ code: "forbidden", message: "no" }).body },
    { status: 204, body: null },
  ];
  service.will("cut", { status: 200, body: { results } });
  const [published, sent, removed] = await rollcall.batch((together) => [
    together.channel("lobby").publish(1),
    together.user("ann").send(2),
    together.channel("lobby").remove("ben"),
  ]);
  expect(published).toEqual({ status: "fulfilled", value: PUBLISHED });
  expect(sent).toMatchObject({ status: "rejected", reason: { code: "forbidden", status: 403 } });
  expect(removed).toEqual({ status: "fulfilled", value: undefined });
  expect(service.heard).toHaveLength(2);
  expect(service.heard[0]?.body).toEqual(service.heard[1]?.body);
  const key = expect.stringMatching(/^[0-9a-f]{32}$/);
  expect(service.heard[0]).toMatchObject({ method: "POST", path: "/v1/batch" });
  expect(service.heard[0]?.body?.operations).toEqual([
    { method: "POST", path: "/v1/channels/lobby/messages", body: { data: 1, key } },
    { method: "POST", path: "/v1/users/ann/messages", body: { data: 2, key } },
    { method: "DELETE", path: "/v1/channels/lobby/members/ben" },
  ]);
  service.will("cut");
  const lost = await rollcall.batch((together) => [
    together.channel("lobby").signal("typing"),
    together.stats(),
  ]);
  expect(lost).toMatchObject([{ reason: { code: "unreachable" } }, { reason: { code: "unreachable" } }]);
  expect(service.heard).toHaveLength(1); // with a signal in it, it is not made again
  service.will({ status: 200, body: {} });
  expect(await rollcall.batch(() => [])).toEqual([]);
  expect(service.heard).toEqual([]);
});

test("[PK11] what is done because of an event says how often it went round; a prefix of the address is kept", async () => {
  const below = new Rollcall({ url: `${service.url}/presence?x=1#y`, apiKey: API_KEY });
  service.will(OK);
  await below.because({ hop: 3 }).channel("lobby").publish(1);
  await below.channel("lobby").publish(1);
  expect(service.heard.map(({ path, headers }) => [path, headers["rollcall-hop"]])).toEqual([
    ["/presence/v1/channels/lobby/messages", "3"],
    ["/presence/v1/channels/lobby/messages", undefined],
  ]);
});

test("[PK12] options that can't be right are refused at once, and `undefined` is no message", async () => {
  const options = { url: service.url, apiKey: API_KEY };
  for (const wrong of [
    { url: "ws://example.com" },
    { url: "example.com" },
    { apiKey: "" },
    { apiKey: "a key" },
    { tries: 0 },
    { timeoutMs: 0 },
  ])
    expect(() => new Rollcall({ ...options, ...wrong })).toThrow(TypeError);
  await expect(rollcall.channel("lobby").publish(undefined)).rejects.toThrow(TypeError);
  service.will({ status: 503, body: { status: "failing", checks: {} } });
  expect(await rollcall.health()).toEqual({ status: "failing", checks: {} });
  service.will(refusal("unavailable", soon));
  expect(await failure(rollcall.health())).toMatchObject({ code: "unavailable" });
});
