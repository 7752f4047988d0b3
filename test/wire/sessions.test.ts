import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;

beforeAll(async () => {
  service = await startService({ vars: { OFFLINE_GRACE_SECONDS: "3", CLOCK_LEEWAY_SECONDS: "1" } });
});
afterAll(() => service.stop());

const now = () => Math.floor(Date.now() / 1000);
const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });

async function connect(user: string, options: { channel?: string; claims?: object; query?: string } = {}) {
  const { channel, claims = {}, query } = options;
  const token = await tokenFor(user, { ...claims });
  const place = channel === undefined ? {} : { channel };
  return RawClient.welcomed({
    url: service.url,
    token,
    ...place,
    ...(query === undefined ? {} : { query: Object.fromEntries(new URLSearchParams(query)) }),
  });
}

async function call(method: string, path: string, headers: Record<string, string> = KEY, body?: unknown) {
  const init = { method, headers: { ...headers, "Content-Type": "application/json" } };
  const answer = await fetch(
    service.url + path,
    body === undefined ? init : { ...init, body: JSON.stringify(body) },
  );
  const text = await answer.text();
  return {
    status: answer.status,
    body: text === "" ? undefined : (JSON.parse(text) as Record<string, unknown>),
  };
}

/** The HTTP status with which an upgrade is refused. */
async function refusedUpgrade(how: {
  token?: string;
  channel?: string;
  query?: Record<string, string>;
}): Promise<number> {
  const client = new RawClient({ url: service.url, ...how });
  return new Promise((resolve, reject) => {
    client.socket.on("unexpected-response", (request, { statusCode }) => {
      request.destroy();
      resolve(statusCode ?? 0);
    });
    client.socket.on("open", () => reject(new Error("it was welcomed")));
  });
}

/** Waits for the second after this one: tokens issued in the second of a revocation are refused too. */
async function nextSecond(): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, 1000 - (Date.now() % 1000) + 20));
}

test("[SE8] one session is ended with 4502, by its user or a back end and nobody else", async () => {
  const [own, there] = [await connect("se8"), await connect("se8", { channel: "se8" })];
  const path = `/v1/users/se8/sessions/${there.welcome.session}`;
  expect((await call("DELETE", path, bearer(await tokenFor("somebody")))).status).toBe(403);
  expect((await call("DELETE", path, bearer(await tokenFor("se8")))).status).toBe(204);
  expect(await there.next("closing")).toMatchObject({ code: 4502, reconnect: false });
  expect((await call("DELETE", path)).status).toBe(404);
  expect((await call("GET", "/v1/users/se8/sessions")).body?.sessions).toMatchObject([
    { id: own.welcome.session },
  ]);
  expect((await call("DELETE", `/v1/users/se8/sessions/${own.welcome.session}`)).status).toBe(204);
  expect(await own.next("closing")).toMatchObject({ code: 4502 });
});

test("[SE9] all sessions of a user end, wherever they are kept, and new ones may begin", async () => {
  const clients = [
    await connect("se9"),
    await connect("se9", { channel: "se9a" }),
    await connect("se9", { channel: "se9b" }),
  ];
  expect((await call("DELETE", "/v1/users/se9/sessions")).status).toBe(204);
  for (const client of clients) expect(await client.next("closing")).toMatchObject({ code: 4502 });
  expect((await call("GET", "/v1/users/se9/sessions")).body).toEqual({ sessions: [] });
  await (await connect("se9")).close();
});

test("[A10] a revocation ends connections, streams and tickets within 2 s and refuses the token everywhere", async () => {
  const token = await tokenFor("a10");
  const place = (channel?: string) => ({
    url: service.url,
    token,
    ...(channel === undefined ? {} : { channel }),
  });
  const clients = [
    await RawClient.welcomed(place()),
    await RawClient.welcomed(place("a10a")),
    await RawClient.welcomed(place("a10b")),
  ];
  const stream = await RawStream.welcomed(place("a10a"));
  const made = await call("POST", "/v1/tickets", bearer(token), { ttlSeconds: 60 });
  const ticket = { ticket: String(made.body?.ticket) };
  const bystander = await connect("bystander", { channel: "a10a" });
  const since = Date.now();
  expect((await call("DELETE", "/v1/users/a10/sessions?revoke=true")).status).toBe(204);
  for (const client of clients) {
    expect(await client.next("closing")).toMatchObject({ code: 4501, reconnect: false });
  }
  expect((await stream.next("closing")).data).toMatchObject({ code: 4501 });
  expect(Date.now() - since).toBeLessThan(2000);
  expect(await refusedUpgrade({ token })).toBe(401);
  expect(await refusedUpgrade({ token, channel: "a10a" })).toBe(401);
  expect(await refusedUpgrade({ query: ticket })).toBe(401);
  expect(await refusedUpgrade({ query: ticket, channel: "a10a" })).toBe(401);
  await new Promise((resolve) => setTimeout(resolve, 1050)); // the yes for the ticket may be reused for a second
  for (const path of [
    "/v1/users/a10/sessions",
    "/v1/channels/a10a/messages",
    "/v1/users/bystander/presence",
  ]) {
    expect(await call("GET", path, bearer(token))).toMatchObject({
      status: 401,
      body: { code: "token_revoked" },
    });
  }
  expect(await call("POST", "/v1/channels/a10a/messages", bearer(token), { data: 1 })).toMatchObject({
    status: 401,
  });
  expect(await call("POST", "/v1/tickets", bearer(token), {})).toMatchObject({ status: 401 });
  const fresh = await connect("a10", { channel: "a10a" });
  expect(await fresh.ask({ type: "auth", token })).toMatchObject({ type: "error", code: "token_revoked" });
  expect(await fresh.ask({ type: "publish", data: 1 })).toMatchObject({ type: "ok" });
  expect(await bystander.ask({ type: "heartbeat" })).toMatchObject({ type: "ok" });
});

test("[A9] [A12] a revoked token stays revoked without iat, and on a resume with a good position", async () => {
  const { epoch } = (await connect("a12-else", { channel: "a12" })).welcome;
  const without = await tokenFor("a12", { iat: undefined });
  await call("DELETE", "/v1/users/a12/sessions?revoke=true");
  expect(await refusedUpgrade({ token: without })).toBe(401);
  const resume = await fetch(`${service.url}/v1/channels/a12/connect?epoch=${epoch}&offset=0`, {
    headers: bearer(await tokenFor("a12-stranger", { channels: {} })),
  });
  expect(resume.status).toBe(403);
});

test("[SE10] a member who is sent away leaves at once, and needs a token issued later to return", async () => {
  const ann = await connect("ann", { channel: "se10" });
  const old = await tokenFor("ben");
  const ben = await RawClient.welcomed({ url: service.url, token: old, channel: "se10" });
  const elsewhere = await RawClient.welcomed({ url: service.url, token: old, channel: "se10-else" });
  await ann.next("members");
  const since = Date.now();
  expect((await call("DELETE", "/v1/channels/se10/members/ben")).status).toBe(204);
  await ann.next("members", ({ left }) => (left as { user: string }[])[0]?.user === "ben");
  expect(Date.now() - since).toBeLessThan(2000); // the grace is three seconds
  expect(await ben.next("closing")).toMatchObject({ code: 4502 });
  expect(await refusedUpgrade({ token: old, channel: "se10" })).toBe(403);
  expect((await call("POST", "/v1/channels/se10/messages", bearer(old), { data: 1 })).status).toBe(403);
  expect((await call("GET", "/v1/channels/se10/members", bearer(old))).status).toBe(403);
  expect(await elsewhere.ask({ type: "heartbeat" })).toMatchObject({ type: "ok" });
  await nextSecond();
  await (await connect("ben", { channel: "se10" })).close();
});

test("[SE11] an erased user looks never seen, in rosters too, and may come back as new", async () => {
  const ann = await connect("ann", { channel: "se11" });
  const clients = [await connect("zoe"), await connect("zoe", { channel: "se11" })];
  await ann.next("members");
  expect((await call("DELETE", "/v1/users/zoe")).status).toBe(204);
  for (const client of clients) expect(await client.next("closing")).toMatchObject({ code: 4502 });
  await ann.next("members", ({ left }) => (left as { user: string }[])[0]?.user === "zoe");
  const never = { user: "zoe", status: "offline", lastActiveAt: null, devices: [] };
  expect((await call("GET", "/v1/users/zoe/presence")).body).toEqual(never);
  expect((await call("GET", "/v1/users/zoe/sessions")).body).toEqual({ sessions: [] });
  const again = await connect("zoe");
  expect((await call("GET", "/v1/users/zoe/presence")).body).toMatchObject({ status: "online" });
  await again.close();
});

test("[SE11] an erased user leaves a roster at once also where only the grace was left", async () => {
  const ann = await connect("ann", { channel: "se11-grace" });
  const yan = await connect("yan", { channel: "se11-grace" });
  await ann.next("members");
  await yan.close();
  await expect
    .poll(() => call("GET", "/v1/users/yan/sessions"), { timeout: 2000 })
    .toMatchObject({ body: { sessions: [] } });
  const since = Date.now();
  expect((await call("DELETE", "/v1/users/yan")).status).toBe(204);
  await ann.next("members", ({ left }) => (left as { user: string }[])[0]?.user === "yan");
  expect(Date.now() - since).toBeLessThan(1500); // the grace is three seconds
});

test("[SE12] Rollcall-Session speaks for a live session of that very user, and for no other", async () => {
  const ann = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ann"),
    channel: "se12",
    query: { device_id: "phone-1" },
  });
  const other = await connect("ben", { channel: "se12" });
  const publish = async (session: unknown) =>
    call(
      "POST",
      "/v1/channels/se12/messages",
      { ...bearer(await tokenFor("ann")), "Rollcall-Session": String(session) },
      { data: 1 },
    );
  expect((await publish(ann.welcome.session)).status).toBe(201);
  expect(await other.next("message")).toMatchObject({
    from: { user: "ann", session: ann.welcome.session, device: "phone-1" },
  });
  for (const session of [other.welcome.session, "no-such-session", "not a session"]) {
    expect(await publish(session)).toMatchObject({ status: 409, body: { code: "session_gone" } });
  }
  await ann.close();
  await expect.poll(() => publish(ann.welcome.session), { timeout: 5000 }).toMatchObject({ status: 409 });
});

test("[A11] [SE13] a session goes on with a new token of the same user, and with no other", async () => {
  const exp = now() + 2;
  const [renewed, left] = [
    await connect("se13", { channel: "se13", claims: { exp } }),
    await connect("se13", { channel: "se13", claims: { exp } }),
  ];
  const own = await connect("se13", { claims: { exp } });
  for (const client of [renewed, own]) {
    expect(await client.ask({ type: "auth", token: await tokenFor("other") })).toMatchObject({
      code: "token_invalid",
    });
    expect(await client.ask({ type: "auth", token: "nonsense" })).toMatchObject({ code: "token_invalid" });
    const later = now() + 3600;
    const answer = await client.ask({ type: "auth", token: await tokenFor("se13", { exp: later }) });
    expect(answer).toMatchObject({ type: "ok", expiresAt: later * 1000 });
  }
  expect(await left.next("closing")).toMatchObject({ code: 4001, reconnect: true });
  expect(Date.now()).toBeGreaterThanOrEqual((exp + 1) * 1000); // not before the leeway
  for (const client of [renewed, own]) {
    expect(await client.ask({ type: "heartbeat" })).toMatchObject({ type: "ok" });
    expect(client.frames.some(({ type }) => type === "closing")).toBe(false);
    await client.close();
  }
});

test("[A14] a renewal without the grant ends the subscription, and lost grants end at once", async () => {
  const ann = await connect("a14", { channel: "a14" });
  const bare = await tokenFor("a14", { channels: { a14: ["subscribe"] } });
  expect(await ann.ask({ type: "auth", token: bare })).toMatchObject({ type: "ok" });
  expect(await ann.ask({ type: "publish", data: 1 })).toMatchObject({ type: "error", code: "forbidden" });
  const none = await tokenFor("a14", { channels: {} });
  ann.send({ type: "auth", token: none });
  expect(await ann.next("closing")).toMatchObject({ code: 4502 });
});

test("[SE14] who returns with what it has seen gets what it missed, or is told that this can't be", async () => {
  const ann = await connect("ann", { channel: "se14" });
  for (let i = 1; i <= 150; i++) ann.send({ type: "publish", data: i });
  await ann.next("message", ({ offset }) => offset === 100);
  await new Promise((resolve) => setTimeout(resolve, 1100)); // the rate allows the rest
  for (let i = 1; ann.frames.filter(({ type }) => type === "ok").length < 150 && i < 100; i++) {
    await ann.ask({ type: "publish", data: "more" });
  }
  const top = Number((await call("GET", "/v1/channels/se14")).body?.offset);
  const { epoch } = ann.welcome;
  const back = await connect("ben", { channel: "se14", query: `epoch=${epoch}&offset=20` });
  const inside = back.welcome.messages as { offset: number }[];
  expect(back.welcome).toMatchObject({ recovered: true, offset: top });
  expect(inside).toHaveLength(100);
  await back.next("message", ({ offset }) => offset === top);
  const offsets = [...inside, ...back.frames.filter(({ type }) => type === "message")].map(
    ({ offset }) => offset,
  );
  expect(offsets).toEqual(Array.from({ length: top - 20 }, (_, i) => 21 + i));
  for (const query of [
    `epoch=${epoch}&offset=${top + 1}`,
    "epoch=another&offset=1",
    `epoch=${epoch}&offset=x`,
    "offset=5",
  ]) {
    const lost = await connect("cat", { channel: "se14", query });
    expect(lost.welcome).toMatchObject({ recovered: false, messages: [], offset: top });
    await lost.close();
  }
});
