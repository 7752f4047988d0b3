import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const AWAY_AFTER_MS = 2000;
let service: Service;

beforeAll(async () => {
  const vars = { OFFLINE_GRACE_SECONDS: "1", AWAY_AFTER_SECONDS: String(AWAY_AFTER_MS / 1000) };
  service = await startService({ vars });
});
afterAll(() => service.stop());

type Body = Record<string, unknown>;

async function call(method: string, path: string, headers: Record<string, string> = KEY, body?: unknown) {
  const init = { method, headers: { ...headers, "Content-Type": "application/json" } };
  const answer = await fetch(
    service.url + path,
    body === undefined ? init : { ...init, body: JSON.stringify(body) },
  );
  return { status: answer.status, body: (await answer.json()) as Body };
}

const as = async (user: string, claims: object = {}) => ({
  Authorization: `Bearer ${await tokenFor(user, { ...claims })}`,
});

/** Presence as a back end sees it, or as this user does. */
async function presenceOf(user: string, reader?: string): Promise<Body> {
  const headers = reader === undefined ? KEY : await as(reader);
  return (await call("GET", `/v1/users/${user}/presence`, headers)).body;
}

async function connected(user: string, device = "web"): Promise<RawClient> {
  return RawClient.welcomed({ url: service.url, token: await tokenFor(user), device });
}

const isStatus = (user: string, status: string, reader?: string) =>
  expect
    .poll(async () => (await presenceOf(user, reader)).status, { timeout: 8000, interval: 50 })
    .toBe(status);

const NEVER_SEEN = { status: "offline", lastActiveAt: null, devices: [] };

test("[PR5] two devices: busy on one is busy, and no longer once that one is gone", async () => {
  const web = await connected("two");
  const mobile = await connected("two", "mobile");
  const said = await mobile.ask({ type: "presence", status: "busy", text: "in a call", emoji: "📞" });
  expect(said).toMatchObject({ type: "ok", user: "two", status: "busy", text: "in a call", emoji: "📞" });
  expect(await presenceOf("two", "other")).toMatchObject({ status: "busy", devices: ["mobile", "web"] });
  await mobile.close();
  expect(await presenceOf("two", "other")).toMatchObject({ status: "online", devices: ["web"] });
  await web.close();
});

test("[PR7] what was said for a time ends at that time, and the version grows", async () => {
  const client = await connected("short");
  const { version, expiresAt } = await client.ask({ type: "presence", status: "busy", expiresInSeconds: 1 });
  expect(Number(expiresAt)).toBeGreaterThan(Date.now());
  await isStatus("short", "online");
  const now = await presenceOf("short");
  expect(Date.now()).toBeGreaterThanOrEqual(Number(expiresAt));
  expect(now.expiresAt).toBeUndefined();
  expect(Number(now.version)).toBe(Number(version) + 1);
  await client.close();
  await call("PUT", "/v1/users/short/presence", KEY, { text: "back at noon", expiresInSeconds: 2 });
  await isStatus("short", "offline");
  expect((await presenceOf("short", "other")).text).toBe("back at noon");
  await expect.poll(async () => (await presenceOf("short", "other")).text, { timeout: 5000 }).toBeUndefined();
});

test("[PR9] idle on all devices is away, after the time and not before, and back with the next thing done", async () => {
  const since = Date.now();
  const client = await connected("idle");
  const timer = setInterval(() => client.send({ type: "heartbeat" }), 200); // no activity
  await isStatus("idle", "away", "other");
  expect(Date.now() - since).toBeGreaterThanOrEqual(AWAY_AFTER_MS);
  const other = await connected("idle", "mobile");
  expect((await presenceOf("idle", "other")).status).toBe("online");
  await isStatus("idle", "away", "other");
  const { version } = await presenceOf("idle");
  await client.ask({ type: "publish", channel: "room", data: 1 });
  expect(await presenceOf("idle", "other")).toMatchObject({ status: "online" });
  expect(Number((await presenceOf("idle")).version)).toBe(Number(version) + 1);
  clearInterval(timer);
  await Promise.all([client.close(), other.close()]);
});

test("[PR9] an explicit online turns away too, busy does not, and a request with Rollcall-Session is activity", async () => {
  const client = await connected("explicit");
  await client.ask({ type: "presence", status: "online", scope: "user" });
  await isStatus("explicit", "away");
  const headers = { ...(await as("explicit")), "Rollcall-Session": String(client.welcome.session) };
  expect((await call("GET", "/v1/users/explicit/sessions", headers)).status).toBe(200);
  expect((await presenceOf("explicit")).status).toBe("online");
  await client.ask({ type: "presence", status: "busy", scope: "user" });
  await new Promise((resolve) => setTimeout(resolve, AWAY_AFTER_MS + 500));
  expect((await presenceOf("explicit")).status).toBe("busy");
  await client.close();
});

test("[PR11] invisible looks offline to others, since then and whatever it does", async () => {
  const client = await connected("ghost");
  const seen = await presenceOf("ghost", "other");
  expect(seen.status).toBe("online");
  await client.ask({ type: "presence", status: "invisible", scope: "user" });
  const hidden = await presenceOf("ghost", "other");
  expect(hidden).toMatchObject({ status: "offline", devices: [], version: Number(seen.version) + 1 });
  expect((await presenceOf("ghost", "ghost")).status).toBe("invisible");
  expect((await presenceOf("ghost")).status).toBe("invisible");
  const more = await connected("ghost", "tv");
  await more.close();
  await client.ask({ type: "presence", text: "only I see this for my session" });
  expect(await presenceOf("ghost", "other")).toEqual(hidden);
  await client.close();
  await isStatus("ghost", "offline");
  expect(await presenceOf("ghost", "other")).toEqual(hidden);
  const again = await connected("ghost");
  expect((await presenceOf("ghost", "other")).status).toBe("offline");
  expect((await again.ask({ type: "presence", status: null, scope: "user" })).status).toBe("online");
  expect((await presenceOf("ghost", "other")).status).toBe("online");
  await again.close();
});

test("[PR8] what is said for all and visibility outlive sessions; what is said for one does not", async () => {
  const client = await connected("keeps");
  await client.ask({ type: "presence", status: "busy", scope: "user", visibility: { only: ["friend"] } });
  await client.ask({ type: "presence", text: "for this session" });
  await client.close();
  await isStatus("keeps", "offline");
  const again = await connected("keeps");
  expect(await presenceOf("keeps", "friend")).toMatchObject({ status: "busy" });
  expect((await presenceOf("keeps")).text).toBeUndefined();
  expect(await presenceOf("keeps", "stranger")).toEqual({ user: "keeps", ...NEVER_SEEN });
  await again.close();
});

test("[PR12] whom the user hides from reads what a user never seen looks like, and the others read on", async () => {
  const client = await connected("shy");
  await client.ask({ type: "presence", visibility: { except: ["ex"] }, text: "hello", scope: "user" });
  expect(await presenceOf("shy", "ex")).toEqual({ user: "shy", ...NEVER_SEEN });
  expect(await presenceOf("nobody-ever", "ex")).toEqual({ user: "nobody-ever", ...NEVER_SEEN });
  expect(await presenceOf("shy", "friend")).toMatchObject({ status: "online", text: "hello" });
  await client.ask({ type: "presence", visibility: "nobody" });
  expect(await presenceOf("shy", "friend")).toEqual({ user: "shy", ...NEVER_SEEN });
  expect(await presenceOf("shy", "shy")).toMatchObject({ status: "online", text: "hello" });
  await client.ask({ type: "presence", visibility: "everyone" });
  expect(await presenceOf("shy", "ex")).toMatchObject({ status: "online" });
  await client.close();
});

test("[PR13] the PUT says it for the user, or for its session, and not for others", async () => {
  const client = await connected("put");
  const path = "/v1/users/put/presence";
  expect((await call("PUT", path, await as("put"), { status: "busy" })).body).toMatchObject({
    status: "busy",
  });
  expect((await call("PUT", path, await as("other"), { status: "busy" })).status).toBe(403);
  const headers = { ...(await as("put")), "Rollcall-Session": String(client.welcome.session) };
  await call("PUT", path, KEY, { status: null });
  expect((await call("PUT", path, headers, { status: "away" })).body).toMatchObject({ status: "away" });
  await client.close();
  await isStatus("put", "offline");
  const next = await connected("put");
  expect((await presenceOf("put")).status).toBe("online"); // the session's word went with it
  expect((await call("PUT", path, await as("put"), { status: "busy", scope: "session" })).body).toMatchObject(
    {
      code: "bad_request",
    },
  );
  await next.close();
});

test("[PR14] a heartbeat may bring another device", async () => {
  const client = await connected("moves", "web");
  const device = { id: "d1", type: "mobile", name: "phone" };
  expect((await client.ask({ type: "heartbeat", device })).type).toBe("ok");
  expect((await presenceOf("moves")).devices).toEqual(["mobile"]);
  const { body } = await call("GET", "/v1/users/moves/sessions");
  expect(body.sessions).toMatchObject([{ device }]);
  await client.close();
});

test("[PR15] what is wrong is refused with the name of the field, and changes nothing", async () => {
  const client = await connected("wrong");
  const before = await presenceOf("wrong");
  for (const [change, path] of [
    [{ status: "offline" }, "status"],
    [{ text: "x".repeat(257) }, "text"],
    [{ emoji: "\u0007" }, "emoji"],
    [{ status: "busy", expiresInSeconds: 0 }, "expiresInSeconds"],
    [{ scope: "all" }, "scope"],
    [{ status: "busy", visibility: { only: ["a b"] } }, "visibility.only[0]"],
    [{ visibility: { only: [], except: [] } }, "visibility"],
  ] as [object, string][]) {
    const refused = await client.ask({ type: "presence", ...change });
    expect(refused).toMatchObject({ type: "error", code: "bad_request", errors: [{ path }] });
    const answer = await call("PUT", "/v1/users/wrong/presence", KEY, change);
    expect([answer.status, answer.body.errors]).toMatchObject([400, [{ path }]]);
  }
  const after = await presenceOf("wrong");
  expect([after.status, after.version]).toEqual([before.status, before.version]);
  await client.close();
});
