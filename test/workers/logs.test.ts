import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import { pseudonym } from "../../src/objects/log.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { KEY, publish, request, tokenFor, until, WorkerClient } from "./client.ts";

/** This file runs with `LOG_LEVEL=info` (vitest.config.ts). */

/** Not the marker that a whole run is looked through for: what the test makes fail, the runtime prints by itself. */
const PAYLOAD = "lg-payload-of-mine";
const USER = "lg-ann@example.com";
const CHANNEL = "lg-private-room";

const lines: string[] = [];
const requests = () =>
  lines.map((line) => JSON.parse(line) as Record<string, unknown>).filter(({ event }) => event === "request");

beforeAll(() => {
  for (const method of ["debug", "log", "info", "warn", "error"] as const) {
    vi.spyOn(console, method).mockImplementation((...said: unknown[]) => void lines.push(said.join(" ")));
  }
});
afterAll(() => void vi.restoreAllMocks());
beforeEach(() => void lines.splice(0));

test("[LG5] each request has one line: who, what pattern, how it ended, and why not", async () => {
  const bearer = { Authorization: `Bearer ${await tokenFor(USER)}` };
  await publish(CHANNEL, { data: PAYLOAD });
  await request(`/v1/users/${USER}/presence`, { headers: bearer });
  await request(`/v1/channels/${CHANNEL}`, { headers: bearer });
  await request(`/v1/channels/${CHANNEL}/members`);
  await request(`/nowhere/${USER}?token=${PAYLOAD}`, { method: "POST" });
  await request(`/v1/channels/${CHANNEL}/members`, { method: "PATCH", headers: KEY });
  expect(requests()).toMatchObject([
    { method: "POST", route: "/v1/channels/:channel/messages", status: 201, key: "dev" },
    { method: "GET", route: "/v1/users/:user/presence", status: 200, user: pseudonym(USER) },
    { route: "/v1/channels/:channel", status: 403, code: "forbidden", user: pseudonym(USER) },
    { route: "/v1/channels/:channel/members", status: 401, code: "unauthenticated" },
    { method: "POST", status: 404, code: "not_found" },
    { method: "PATCH", route: "/v1/channels/:channel/members", status: 405, code: "method_not_allowed" },
  ]);
  for (const line of requests())
    expect(line).toMatchObject({ ms: expect.any(Number), request: expect.any(String) });
  expect(lines.join("\n")).not.toMatch(/lg-|payload/);
});

test("[LG6] an answer carries the request's id: what was given where that may be one, else the network's, else a new one", async () => {
  const idOf = async (path: string, headers: Record<string, string> = {}) =>
    (await request(path, { headers })).headers.get("X-Request-Id");
  expect(await idOf("/healthz", { "X-Request-Id": "0d2a6c1e-77" })).toBe("0d2a6c1e-77");
  expect(await idOf("/v1/nowhere", { "X-Request-Id": "0d2a6c1e-78" })).toBe("0d2a6c1e-78");
  expect(await idOf("/healthz", { "CF-Ray": "8f1d2c3b4a5e6f70-FRA" })).toBe("8f1d2c3b4a5e6f70-FRA");
  for (const odd of ["short", 'a"b', "x".repeat(65), "eyJhbGciOi.JIUzI1NiJ9", "ann@example.com"]) {
    const id = await idOf("/healthz", { "X-Request-Id": odd });
    expect(id).toMatch(/^[0-9a-f-]{36}$/);
  }
  const refused = await request("/v1/connect", {
    headers: { "X-Request-Id": "0d2a6c1e-79", Authorization: "Bearer x.y.z", Upgrade: "websocket" },
  });
  expect(refused.headers.get("X-Request-Id")).toBe("0d2a6c1e-79");
  expect(new Set(await Promise.all([idOf("/healthz"), idOf("/healthz")])).size).toBe(2);
  lines.length = 0;
  const batch = JSON.stringify({ operations: [{ method: "GET", path: "/v1/stats" }] });
  const headers = { ...KEY, "X-Request-Id": "0d2a6c1e-80" };
  await request("/v1/batch", { method: "POST", headers, body: batch });
  expect(requests().map((line) => [line.route, line.request])).toEqual([
    ["/v1/stats", "0d2a6c1e-80"],
    ["/v1/batch", "0d2a6c1e-80"],
  ]);
});

/** Bearers of every kind, good and bad, and where they may stand. */
async function credentials() {
  const token = await tokenFor(USER, { info: { name: PAYLOAD } });
  const made = await request("/v1/tickets", {
    method: "POST",
    headers: { Authorization: `Bearer ${token}` },
  });
  const { ticket } = (await made.json()) as { ticket: string };
  return {
    token,
    ticket,
    broken: `${token.slice(0, -6)}AAAAAA`,
    key: KEY.Authorization.slice("Bearer ".length),
  };
}

/** Each route once, with a body that holds what no log may hold. */
async function everyRoute(headers: Record<string, string>): Promise<void> {
  const channel = `/v1/channels/${CHANNEL}`;
  const user = `/v1/users/${USER}`;
  const body = { data: PAYLOAD, event: "lg-event", key: "lg-key-of-mine", text: PAYLOAD, status: PAYLOAD };
  const asked: [method: string, path: string, body?: unknown][] = [
    ["POST", `${channel}/messages`, body],
    ["GET", `${channel}/messages?after=${PAYLOAD}`],
    ["POST", `${channel}/signals`, body],
    ["GET", `${channel}/members?cursor=${PAYLOAD}`],
    ["GET", channel],
    ["GET", `/v1/channels?prefix=${CHANNEL}`],
    ["DELETE", `${channel}/members/lg-ben`],
    ["POST", `${user}/messages`, body],
    ["POST", "/v1/messages", { ...body, users: [USER], channels: [CHANNEL] }],
    ["POST", "/v1/broadcast", body],
    ["POST", "/v1/batch", { operations: [{ method: "POST", path: `${channel}/messages`, body }] }],
    ["GET", `/v1/presence?users=${USER}`],
    ["PUT", `${user}/presence`, body],
    ["PUT", `${user}/presence`, { status: "busy", text: PAYLOAD }],
    ["GET", `${user}/sessions/${PAYLOAD}`],
    ["DELETE", `${user}/sessions/${PAYLOAD}`],
    ["PUT", `${user}/watching/lg-ben`],
    ["GET", `${user}/inbox`],
    ["POST", `${user}/inbox/ack`, { seq: PAYLOAD }],
    ["POST", `/v1/dev/token`, { user: USER, claims: { info: { name: PAYLOAD } } }],
    ["GET", "/metrics"],
    ["GET", `/lg-nowhere?token=${headers.Authorization}`],
  ];
  for (const [method, path, sent] of asked) {
    const init = { method, headers, ...(sent !== undefined && { body: JSON.stringify(sent) }) };
    await (await request(path, init)).text();
  }
  const wrong = { method: "POST", headers, body: `{"data": "${PAYLOAD}", ${PAYLOAD}` };
  await (await request(`${channel}/messages`, wrong)).text();
}

test("[LG7] [A23] nothing of a run through routes, frames and failures tells a secret, a payload or a name", async () => {
  const { token, ticket, broken, key } = await credentials();
  for (const bearer of [key, token, broken, `dev=${key}`])
    await everyRoute({ Authorization: `Bearer ${bearer}` });
  await request(`/v1/users/${USER}/presence?ticket=${ticket}`);
  await request(`/v1/users/${USER}/presence?ticket=${ticket}`);
  await request(`/v1/users/${USER}/presence?token=${broken}`);

  const clients = [
    await WorkerClient.connect(USER, { claims: { info: { name: PAYLOAD } } }),
    await WorkerClient.connect(USER, { channel: CHANNEL, query: { device_id: PAYLOAD } }),
  ];
  // What may fail on the way fails, with an error that quotes what it was given, as engines do.
  const fail = (about: unknown): never => {
    throw new SyntaxError(`"${JSON.stringify(about)}" is not valid JSON`);
  };
  const failing = [
    vi.spyOn(ChannelObject.prototype, "publish").mockImplementation((sent) => fail(sent)),
    vi.spyOn(ChannelObject.prototype, "subscribe").mockImplementation((sent) => fail(sent)),
    vi.spyOn(ChannelObject.prototype, "setMember").mockImplementation((...sent) => fail(sent)),
    vi.spyOn(UserObject.prototype, "watchedBy").mockImplementation((...sent) => fail(sent)),
    vi.spyOn(UserObject.prototype, "send").mockImplementation((sent) => fail(sent)),
    vi.spyOn(UserObject.prototype, "signalTogether").mockImplementation((sent) => fail(sent)),
    vi.spyOn(UserObject.prototype, "setPresence").mockImplementation((sent) => fail(sent)),
    vi.spyOn(DirectoryObject.prototype, "setUser").mockImplementation((sent) => fail(sent)),
    vi.spyOn(DirectoryObject.prototype, "broadcast").mockImplementation((sent) => fail(sent)),
  ];
  await everyRoute({ Authorization: `Bearer ${key}` });
  await everyRoute({ Authorization: `Bearer ${token}` });
  for (const client of clients) {
    for (const frame of [
      { type: "publish", channel: CHANNEL, data: PAYLOAD, ref: PAYLOAD },
      { type: "subscribe", channel: CHANNEL, ref: 2 },
      { type: "subscribe", channel: "lg-other-room", ref: 3 },
      { type: "watch", users: ["lg-ben", "lg-cleo"], ref: 4 },
      { type: "send", user: "lg-ben", data: PAYLOAD, ref: 5 },
      { type: "signal", user: "lg-ben", event: "lg-event", data: PAYLOAD, ref: 6 },
      { type: "signal", channel: CHANNEL, event: "lg-event", data: PAYLOAD, ref: 7 },
      { type: "presence", status: "busy", text: PAYLOAD, ref: 8 },
      { type: "auth", token: broken, ref: 9 },
      { type: PAYLOAD, ref: 10 },
    ])
      client.send(frame);
    client.send(`{"type": "publish", "data": "${PAYLOAD}`);
  }
  await until(() => clients.every((client) => client.ofType("error").length >= 5));
  await new Promise((resolve) => setTimeout(resolve, 1500)); // what goes on after the answers
  for (const mock of failing) mock.mockRestore();
  for (const { socket } of clients) socket.close(1000);

  const said = lines.join("\n");
  expect(requests().length).toBeGreaterThan(100);
  const events = new Set(lines.map((line) => String(JSON.parse(line).event)));
  expect(events.size, [...events].join()).toBeGreaterThan(5);
  for (const secret of [token, broken, ticket, key, token.split(".")[2], token.split(".")[1], PAYLOAD]) {
    expect(said).not.toContain(secret);
  }
  expect(said).not.toMatch(/lg-|example\.com|eyJ|Bearer/);
  for (const line of lines) expect(line).not.toMatch(/\n/);
});
