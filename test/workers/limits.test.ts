import { createExecutionContext, listDurableObjectIds, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, test } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { KEY, request, tokenFor, until, WorkerClient } from "./client.ts";

const app = createApp();
const FORGED = { Authorization: "Bearer rollcall-local-development-kez" };

/** The Worker in an isolate of its own, with these settings: its objects keep theirs. */
function isolate(settings: Record<string, string> = {}) {
  const own = { ...env, ...settings } as unknown as Env;
  return async (path: string, init: RequestInit = {}) => {
    const context = createExecutionContext();
    const answer = await app.fetch(new Request(`https://rollcall.test${path}`, init), own, context);
    await waitOnExecutionContext(context);
    return answer;
  };
}

const codeOf = async (answer: Response) => ((await answer.json()) as { code?: string }).code;
const bearer = async (user: string) => ({ Authorization: `Bearer ${await tokenFor(user)}` });
const post = (body: object, headers: HeadersInit = KEY) =>
  ({ method: "POST", headers, body: JSON.stringify(body) }) as const;

/** How many of `times` were answered with another status than 429. */
async function admitted(times: number, ask: () => Promise<Response>): Promise<number> {
  let passed = 0;
  for (let i = 0; i < times; i++) {
    const { status, body } = await ask();
    await body?.cancel();
    if (status !== 429) passed += 1;
  }
  return passed;
}

let last = 0;
/** No test has used it: counters of the location outlive a test. */
let address: string;
beforeEach(() => {
  address = `203.0.113.${++last}`;
});

describe("[LM1] an address that guesses", () => {
  const slow = { ADDRESS_FAILURES_PER_SECOND: "0.1", ADDRESS_FAILURES_BURST: "5" };

  test("[LM6] is refused after its burst, before anything is verified, whatever it presents then", async () => {
    const ask = isolate(slow);
    const from = { "CF-Connecting-IP": address };
    for (let i = 0; i < 5; i++)
      expect((await ask("/v1/stats", { headers: { ...FORGED, ...from } })).status).toBe(401);
    const refused = await ask("/v1/stats", { headers: { ...KEY, ...from } });
    expect(refused.status).toBe(429);
    const { retryAfterMs, ...problem } = (await refused.json()) as Record<string, unknown>;
    expect(problem).toMatchObject({ status: 429, code: "rate_limited", limit: "address" });
    expect(retryAfterMs).toBeGreaterThan(1000);
    expect(refused.headers.get("Retry-After")).toBe(String(Math.ceil(Number(retryAfterMs) / 1000)));
    expect((await ask("/v1/stats", { headers: { ...KEY, "CF-Connecting-IP": "198.51.100.9" } })).status).toBe(
      200,
    );
  });

  test("is not one whose tokens were good once, nor one without a fault, nor one that nobody knows", async () => {
    const ask = isolate(slow);
    const from = { "CF-Connecting-IP": address };
    const expired = { Authorization: `Bearer ${await tokenFor("ann", { iat: 1, exp: 2 })}` };
    expect(
      await admitted(10, () => ask("/v1/users/ann/presence", { headers: { ...expired, ...from } })),
    ).toBe(10);
    expect(await admitted(10, () => ask("/v1/stats", { headers: { ...KEY, ...from } }))).toBe(10);
    expect(await admitted(10, () => ask("/v1/stats", { headers: FORGED }))).toBe(10);
  });

  test("is refused for a second where the whole location has seen too much of it", async () => {
    const ask = isolate({ ADDRESS_FAILURES_PER_SECOND: "1000", ADDRESS_FAILURES_BURST: "1000" });
    const counter = (env as unknown as Env).ADDRESS_RATE;
    if (counter === undefined) throw new Error("the pool has no counters");
    while ((await counter.limit({ key: address })).success);
    const from = { ...FORGED, "CF-Connecting-IP": address };
    expect(await admitted(30, () => ask("/v1/stats", { headers: from }))).toBeLessThanOrEqual(10);
  });
});

describe("[LM3] a key's limit counts targets", () => {
  const few = { KEY_RATE_PER_SECOND: "0.1", KEY_RATE_BURST: "10" };

  test("a message to so many users is so many, and is refused whole", async () => {
    const ask = isolate(few);
    const users = ["lm3-a", "lm3-b", "lm3-c", "lm3-d"];
    expect((await ask("/v1/messages", post({ data: 1, users }))).status).toBe(200);
    expect((await ask("/v1/messages", post({ data: 1, users }))).status).toBe(200);
    const third = await ask("/v1/messages", post({ data: 1, users }));
    expect([third.status, await codeOf(third)]).toEqual([429, "rate_limited"]);
    const inbox = await request("/v1/users/lm3-a/inbox", { headers: KEY });
    expect(((await inbox.json()) as { messages: unknown[] }).messages).toHaveLength(2);
  });

  test("the presence of so many users is so many", async () => {
    const ask = isolate(few);
    const ofSix = () => ask("/v1/presence?users=a,b,c,d,e,f", { headers: KEY });
    expect((await ofSix()).status).toBe(200);
    expect((await ofSix()).status).toBe(429);
  });

  test("each operation of a batch counts, and those above it are refused one by one", async () => {
    const ask = isolate(few);
    const operations = Array.from({ length: 12 }, () => ({ method: "GET", path: "/v1/channels/lm3" }));
    const answer = await ask("/v1/batch", post({ operations }));
    const { results } = (await answer.json()) as { results: { status: number }[] };
    expect(results.map(({ status }) => status).sort()).toEqual([...Array(9).fill(200), 429, 429, 429]);
  });

  test("and no other key's", async () => {
    const settings = { ...few, API_KEYS: "one=the-first-secret-of-two,two=the-second-secret-of-two" };
    const ask = isolate(settings);
    const as = (secret: string) => () =>
      ask("/v1/channels/lm3", { headers: { Authorization: `Bearer ${secret}` } });
    expect(await admitted(20, as("the-first-secret-of-two"))).toBe(10);
    expect(await admitted(5, as("the-second-secret-of-two"))).toBe(5);
  });
});

describe("[LM4] a user's requests", () => {
  const few = { RATE_PER_SECOND: "0.1", RATE_BURST: "10" };

  test("count as the messages of one connection do, pages and names by what they hold", async () => {
    const headers = await bearer("lm4");
    const ask = (settings = few) => {
      const own = isolate(settings);
      return (path: string) => own(path, { headers });
    };
    const plain = ask();
    expect(await admitted(15, () => plain("/v1/users/lm4/presence"))).toBe(10);
    const pages = ask();
    expect(await admitted(5, () => pages("/v1/channels/lm4/messages?limit=100"))).toBe(1);
    const names = ask();
    expect(await admitted(5, () => names("/v1/presence?users=a,b,c,d,e,f,g,h"))).toBe(2);
    const refused = await names("/v1/presence?users=a,b,c,d,e,f,g,h");
    expect(await refused.json()).toMatchObject({ code: "rate_limited", limit: "user" });
  });

  test("are no other user's, and to connect is none of them", async () => {
    const ask = isolate(few);
    const [ann, ben] = [await bearer("lm4-ann"), await bearer("lm4-ben")];
    expect(await admitted(12, () => ask("/v1/users/lm4-ann/presence", { headers: ann }))).toBe(10);
    expect(await admitted(5, () => ask("/v1/users/lm4-ben/presence", { headers: ben }))).toBe(5);
    expect((await ask("/v1/connect", { headers: ann })).status).toBe(426);
  });
});

describe("[LM7] connections of one user", () => {
  /** What came of connecting so often, one after another. */
  async function connects(user: string, times: number, channel?: string): Promise<Response[]> {
    const headers = { ...(await bearer(user)), Upgrade: "websocket" };
    const path = channel === undefined ? "/v1/connect" : `/v1/channels/${channel}/connect`;
    const answers: Response[] = [];
    for (let i = 0; i < times; i++) {
      const answer = await request(path, { headers });
      answer.webSocket?.accept();
      answer.webSocket?.close(1000);
      answers.push(answer);
    }
    return answers;
  }

  const refusedOf = (answers: Response[]) => answers.filter(({ status }) => status !== 101);

  test("that begin too often are refused with a time to come back, of either kind, and no other user's are", async () => {
    expect(refusedOf(await connects("lm7", 100))).toEqual([]);
    let first: Response | undefined; // a slow machine gives some of them back meanwhile
    while (first === undefined) [first] = refusedOf(await connects("lm7", 5));
    expect(first?.status).toBe(429);
    expect(Number(first?.headers.get("Retry-After"))).toBeGreaterThan(0);
    expect(await first?.json()).toMatchObject({ code: "rate_limited", limit: "connects" });
    let channel: Response | undefined;
    while (channel === undefined) [channel] = refusedOf(await connects("lm7", 5, "lm7"));
    expect(channel.status).toBe(429);
    expect((await connects("lm7-other", 1, "lm7"))[0]?.status).toBe(101);
  });

  test("[LM8] twenty devices that return twice in a row after a deploy are all welcomed", async () => {
    for (let round = 0; round < 3; round++) {
      const devices = await Promise.all(
        Array.from({ length: 20 }, (_, i) => WorkerClient.connect("lm8", { query: { device_id: `d${i}` } })),
      );
      expect(devices.every(({ frames }) => frames[0]?.type === "welcome")).toBe(true);
      for (const { socket } of devices) socket.close(1001);
    }
  });
});

describe("[A28] a back end that floods", () => {
  test("[LM11] channels with its key begins so many, then speaks only to those that exist", async () => {
    const ask = isolate({ NEW_CHANNELS_PER_MINUTE: "6" });
    const say = (channel: string, headers: HeadersInit = KEY) =>
      ask(`/v1/channels/${channel}/messages`, post({ data: 1, key: "k" }, headers));
    for (let i = 0; i < 6; i++) expect((await say(`a28-new-${i}`)).status).toBe(201);
    for (let i = 0; i < 6; i++) expect((await say(`a28-new-${i}`)).status).toBe(200);
    const seventh = await say("a28-new-6");
    expect(seventh.status).toBe(429);
    expect(await seventh.json()).toMatchObject({ code: "rate_limited", limit: "new_channels" });
    const many = await ask("/v1/messages", post({ data: 2, channels: ["a28-new-1", "a28-new-7"] }));
    const { results } = (await many.json()) as { results: { status: number }[] };
    expect(results.map(({ status }) => status)).toEqual([201, 429]);
    const summary = await request("/v1/channels/a28-new-7", { headers: KEY });
    expect(await summary.json()).toMatchObject({ epoch: null });
    expect((await say("a28-new-8", await bearer("a28-user"))).status).toBe(201); // a limit of its own
  });

  test("[LM11] a channel that a user begins weighs like ten, over HTTP and in frames", async () => {
    const ask = isolate({ NEW_CHANNELS_PER_MINUTE: "20" });
    const headers = await bearer("lm11");
    const statuses: number[] = [];
    for (let i = 0; i < 4; i++)
      statuses.push((await ask(`/v1/channels/lm11-${i}/messages`, post({ data: 1 }, headers))).status);
    expect(statuses).toEqual([201, 201, 429, 429]);

    const ben = await WorkerClient.connect("lm11-ben");
    for (let i = 0; i < 95; i++) ben.send({ type: "publish", channel: `lm11-ben-${i}`, data: 1, ref: i });
    await until(() => ben.ofType("ok").length + ben.ofType("error").length === 95, 30_000);
    expect(ben.ofType("ok").length).toBeGreaterThanOrEqual(60);
    expect(ben.ofType("ok").length).toBeLessThan(95);
    expect(ben.ofType("error")[0]).toMatchObject({ code: "rate_limited", limit: "new_channels" });
    ben.send({ type: "publish", channel: "lm11-ben-0", data: 2, ref: "again" });
    await until(() => ben.ofType("ok").some(({ ref }) => ref === "again"));
    ben.socket.close(1000);
  });
});

test("[A21] a key does what its scopes say, on every route, and one that was taken back does nothing", async () => {
  const keys = {
    publish: "a-secret-for-publishing",
    read: "a-secret-for-reading-only",
    manage: "a-secret-for-managing-all",
    ops: "a-secret-for-operations",
  };
  const written = Object.entries(keys).map(([scope, secret]) => `${scope}:${scope}=${secret}`);
  const ask = isolate({ API_KEYS: written.join(",") });
  const body = { body: "{}" };
  const routes: [needs: (keyof typeof keys)[], path: string, init: RequestInit][] = [
    [["publish"], "/v1/channels/a21/messages", { method: "POST", ...body }],
    [["publish"], "/v1/channels/a21/signals", { method: "POST", ...body }],
    [["publish"], "/v1/messages", { method: "POST", ...body }],
    [["publish"], "/v1/broadcast", { method: "POST", ...body }],
    [["publish"], "/v1/users/a21/messages", { method: "POST", ...body }],
    [["read"], "/v1/channels/a21/messages", {}],
    [["read"], "/v1/channels/a21/members", {}],
    [["read"], "/v1/channels/a21", {}],
    [["read"], "/v1/channels", {}],
    [["read"], "/v1/presence", {}],
    [["read"], "/v1/users/a21/presence", {}],
    [["read"], "/v1/users/a21/sessions", {}],
    [["read"], "/v1/users/a21/inbox", {}],
    [["read"], "/v1/users/a21/watchers", {}],
    [["read", "ops"], "/v1/stats", {}],
    [["manage"], "/v1/channels/a21/members/ann", { method: "DELETE" }],
    [["manage"], "/v1/channels/a21", { method: "DELETE" }],
    [["manage"], "/v1/users/a21", { method: "DELETE" }],
    [["manage"], "/v1/users/a21/sessions?revoke=true", { method: "DELETE" }],
    [["manage"], "/v1/users/a21/sessions/none", { method: "DELETE" }],
    [["manage"], "/v1/tickets", { method: "POST", ...body }],
  ];
  for (const [needs, path, init] of routes) {
    for (const scope of Object.keys(keys) as (keyof typeof keys)[]) {
      const headers = { Authorization: `Bearer ${keys[scope]}` };
      const { status } = await ask(path, { ...init, headers });
      const isIn = needs.includes(scope);
      expect({ path, method: init.method, scope, isRefused: status === 403 }).toMatchObject({
        isRefused: !isIn,
      });
    }
  }
  const without = isolate({ API_KEYS: written.slice(1).join(",") });
  const known = (await listDurableObjectIds(env.CHANNEL)).length;
  const old = post({ data: 1 }, { Authorization: `Bearer ${keys.publish}` });
  expect((await without("/v1/channels/a21-revoked/messages", old)).status).toBe(401);
  const other = { headers: { Authorization: `Bearer ${keys.read}` } };
  expect((await without("/v1/stats", other)).status).toBe(200);
  expect(await listDurableObjectIds(env.CHANNEL)).toHaveLength(known);
});
