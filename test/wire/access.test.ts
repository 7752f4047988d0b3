import { afterAll, beforeAll, expect, test } from "vitest";
import { PAYLOAD } from "../fixtures/logged-secrets.ts";
import { RawClient, type RawClientOptions } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, signed, tokenFor } from "../fixtures/tokens.ts";
import { upgradeStatus } from "../fixtures/upgrade.ts";

let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: {
      ALLOWED_ORIGINS: "https://app.example.com",
      API_KEYS: "writer:publish=a-secret-for-publishing,reader:read=a-secret-for-reading-only",
      DEFAULT_GRANTS: "closed",
    },
  });
});
afterAll(() => service.stop());

const bearer = (credential: string) => ({ Authorization: `Bearer ${credential}` });
const get = (path: string, headers: Record<string, string> = {}) => fetch(service.url + path, { headers });

const upgrade = (options: Partial<RawClientOptions>) => upgradeStatus({ url: service.url, ...options });

test.each([
  ["null", 403],
  ["https://evil.example.com", 403],
  ["https://app.example.com.evil.io", 403],
  ["https://evilapp.example.com", 403],
  ["http://app.example.com", 403],
  ["https://app.example.com:8443", 403],
  ["HTTPS://APP.EXAMPLE.COM", 403],
  ["https://app.example.com", 101],
])("[A18] a browser page of origin %s gets %i", async (origin, status) => {
  expect(await upgrade({ token: await tokenFor("ann"), headers: { Origin: origin } })).toBe(status);
});

test("[A18] no Origin is no browser, and passes", async () => {
  expect(await upgrade({ token: await tokenFor("ann") })).toBe(101);
});

test("[A1] [A2] [A3] [A6] [A8] refused tokens never become a connection", async () => {
  const now = Math.floor(Date.now() / 1000);
  const bad = [
    `${btoa('{"alg":"none"}').replaceAll("=", "")}.${btoa(`{"sub":"ann","exp":${now + 60}}`).replaceAll("=", "")}.`,
    await signed({ sub: "ann" }),
    await signed({ sub: 5, exp: now + 60 }),
    await signed({ sub: "ann", exp: now * 1000 }),
    await signed({ sub: "ann", exp: now - 3600 }),
    await signed({ sub: "ann", exp: now + 60 }, "another-secret-of-at-least-32-characters"),
    `${await tokenFor("ann")}=`,
  ];
  for (const token of bad) expect(await upgrade({ token })).toBe(401);
});

test("[AU13] grants come from the claims: without one a closed service lets nobody in", async () => {
  expect(await upgrade({ token: await tokenFor("ann"), channel: "lobby" })).toBe(403);
  const member = await tokenFor("ann", {
    channels: { "room:*": ["subscribe"], "private:*": ["subscribe", "publish"] },
  });
  expect(await upgrade({ token: member, channel: "room:1" })).toBe(101);
  expect(await upgrade({ token: member, channel: "lobby" })).toBe(403);
  expect(await upgrade({ token: member, channel: "private:x" })).toBe(101);
  const ann = await RawClient.welcomed({ url: service.url, token: member, channel: "room:1" });
  expect(ann.welcome.members).toBeUndefined();
  expect(ann.welcome.cursor).toBeUndefined();
  for (const type of ["publish", "signal", "history", "members"]) {
    expect(await ann.ask({ type, data: 1, event: "x" })).toMatchObject({ type: "error", code: "forbidden" });
  }
  await ann.close();
});

test("[A13] what belongs to another user is closed, alike whether it exists or not", async () => {
  const headers = bearer(await tokenFor("eve", { channels: { "*": ["subscribe"] }, watch: [] }));
  await RawClient.welcomed({ url: service.url, token: await tokenFor("ann") });
  const routes = [
    ["GET", "presence"],
    ["PUT", "presence", { status: "busy" }],
    ["GET", "sessions"],
    ["GET", "sessions/some-session"],
    ["DELETE", "sessions"],
    ["DELETE", "sessions/some-session"],
    ["GET", "watching"],
    ["GET", "watching/eve"],
    ["PUT", "watching/eve"],
    ["DELETE", "watching/eve"],
    ["GET", "watchers"],
    ["DELETE", ""],
  ] as const;
  for (const [method, path, body] of routes) {
    const ask = async (user: string) => {
      const init = { method, headers, ...(body && { body: JSON.stringify(body) }) };
      const answer = await fetch(`${service.url}/v1/users/${user}${path && `/${path}`}`, init);
      return { status: answer.status, text: (await answer.text()).replaceAll(user, "somebody") };
    };
    const [there, absent] = [await ask("ann"), await ask("nobody-ever")];
    expect({ method, path, ...there }).toMatchObject({
      status: 403,
      text: expect.stringContaining("forbidden"),
    });
    expect(absent).toEqual(there);
  }
});

test.each([
  ["room:*", "room"],
  ["room:*", "xroom:1"],
  ["room:*", "Room:1"],
  ["*", "private:x"],
  ["**", "private:x"],
  ["*private:x", "private:x"],
  ["privat*:x", "private:x"],
  ["a*b", "ab1"],
  ["a.c", "abc"],
])("[A13] the pattern %j opens nothing of the channel %j", async (pattern, channel) => {
  const all = ["subscribe", "publish", "signal", "history", "members"];
  const token = await tokenFor("eve", { channels: { [pattern]: all } });
  expect(await upgrade({ token, channel })).toBe(403);
  const eve = await RawClient.welcomed({ url: service.url, token });
  const headers = { ...bearer(token), "Content-Type": "application/json" };
  const path = `/v1/channels/${channel}`;
  for (const type of ["publish", "signal", "history", "members"]) {
    const frame = { type, channel, event: "x", ...(type === "publish" && { data: 1 }) };
    expect(await eve.ask(frame)).toMatchObject({ code: "forbidden" });
  }
  for (const route of ["messages", "members"])
    expect((await get(`${path}/${route}`, headers)).status).toBe(403);
  for (const route of ["messages", "signals"]) {
    const init = { method: "POST", headers, body: JSON.stringify({ event: "x", data: 1 }) };
    expect((await fetch(`${service.url}${path}/${route}`, init)).status).toBe(403);
  }
  await eve.close();
});

test("[A20] a key is found whole or not at all, and only within its scope", async () => {
  const wrong = [
    "a-secret-for-publishin",
    "a-secret-for-publishingx",
    "",
    "é",
    "a-secret-for-publishing, x",
    "a secret",
  ];
  for (const key of wrong) {
    const answer = await get("/v1/channels/lobby", bearer(encodeURIComponent(key)));
    expect(answer.status).toBe(401);
  }
  expect((await get("/v1/channels/lobby", bearer("a-secret-for-reading-only"))).status).toBe(200);
  expect((await get("/v1/channels/lobby", bearer("a-secret-for-publishing"))).status).toBe(403);
  expect((await get("/v1/channels/lobby", KEY)).status).toBe(401);
  const twice = new Headers(bearer("a-secret-for-reading-only"));
  twice.append("Authorization", "Bearer a-secret-for-reading-only");
  expect((await fetch(`${service.url}/v1/channels/lobby`, { headers: twice })).status).toBe(401);
});

test("[A23] [LG8] no token, key or payload reaches a log or an answer", async () => {
  const open = await startService({ vars: { ALLOW_QUERY_TOKEN: "true" } });
  try {
    const token = await tokenFor("ann");
    const broken = `${token.slice(0, -4)}AAAA`;
    const answers = await Promise.all([
      fetch(`${open.url}/v1/users/ann/presence?token=${token}`),
      fetch(`${open.url}/v1/users/ann/presence?token=${broken}`),
      fetch(`${open.url}/v1/users/ann/presence`, { headers: bearer(broken) }),
      fetch(`${open.url}/v1/users/ann/presence`, { headers: bearer("rollcall-local-development-kez") }),
      fetch(`${open.url}/v1/nowhere?token=${token}`),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([200, 401, 401, 401, 404]);
    await fetch(`${open.url}/v1/channels/lobby/messages`, {
      method: "POST",
      headers: KEY,
      body: JSON.stringify({ data: PAYLOAD }),
    });
    const client = new RawClient({ url: open.url, token: broken });
    expect((await client.closed).code).toBe(1006);
    const said = `${(await Promise.all(answers.map((answer) => answer.text()))).join("\n")}\n${open.output()}`;
    for (const secret of [
      token,
      broken,
      token.split(".")[2] ?? "",
      "rollcall-local-development-ke",
      PAYLOAD,
    ]) {
      expect(said).not.toContain(secret);
    }
  } finally {
    await open.stop();
  }
});

test("[HT1] errors are problem details with a code, also for what does not exist", async () => {
  const answer = await get("/v1/nowhere");
  expect(answer.headers.get("Content-Type")).toContain("application/problem+json");
  expect(await answer.json()).toMatchObject({ status: 404, code: "not_found", title: "Not found" });
  const method = await fetch(`${service.url}/v1/channels/lobby/members`, { method: "DELETE" });
  expect(method.status).toBe(405);
  expect(await method.json()).toMatchObject({ code: "method_not_allowed" });
  expect(method.headers.get("Allow")).toContain("GET");
  const plain = await get("/v1/connect", bearer(await tokenFor("ann")));
  expect(plain.status).toBe(426);
});

test("[HT2] CORS answers allowed origins only, and never with credentials", async () => {
  const preflight = (origin: string) =>
    fetch(`${service.url}/v1/channels/lobby/messages`, {
      method: "OPTIONS",
      headers: { Origin: origin, "Access-Control-Request-Method": "POST" },
    });
  const allowed = await preflight("https://app.example.com");
  expect(allowed.headers.get("Access-Control-Allow-Origin")).toBe("https://app.example.com");
  expect(allowed.headers.get("Access-Control-Allow-Credentials")).toBeNull();
  expect((await preflight("https://evil.example.com")).headers.get("Access-Control-Allow-Origin")).toBeNull();
});

test("[HT3] a bad setting stops the Worker with a message that names it and not its value", async () => {
  const fail = startService({ vars: { SESSION_TTL_SECONDS: "a-value-nobody-may-see" } });
  await expect(fail).rejects.toThrow(/SESSION_TTL_SECONDS/);
  await expect(fail).rejects.not.toThrow(/a-value-nobody-may-see/);
});

test("[HT4] without CONSOLE neither the console nor its token maker exists", async () => {
  const closed = await startService({ vars: { CONSOLE: "false" } });
  try {
    expect((await fetch(`${closed.url}/`)).status).toBe(404);
    const answer = await fetch(`${closed.url}/v1/dev/token`, { method: "POST", body: '{"user":"ann"}' });
    expect(answer.status).toBe(404);
  } finally {
    await closed.stop();
  }
});
