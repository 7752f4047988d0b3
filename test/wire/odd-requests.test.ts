import { mkdtemp, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { askRaw, pourRaw, type RawRequest, sayRaw } from "../fixtures/raw-http.ts";
import type { Service } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

/*
 * Requests as no library would send them, against the bare runtime. An object that was ever woken has a database on the
 * disk: so it shows whether one was.
 */
const ALLOWED = "https://app.example.com";
const KEYED = { ...KEY, "Content-Type": "application/json" };
const STRANGER = { Authorization: "Bearer no-key-of-ours" };
const PUBLISH = "/v1/channels/odd/messages";

let service: Service;
let storage: string;

beforeAll(async () => {
  storage = await mkdtemp(join(tmpdir(), "rollcall-odd-"));
  const vars = { COST_SAMPLE: "0", ALLOWED_ORIGINS: ALLOWED };
  service = await startBareService({ persistTo: storage, vars });
});
afterAll(async () => {
  await service.stop();
  await rm(storage, { recursive: true, force: true });
});

const ask = (path: string, request: RawRequest = {}) =>
  askRaw(service.url, path, { headers: KEYED, ...request });

/** How many objects were ever woken. */
async function objects(): Promise<number> {
  const files = await readdir(storage, { recursive: true });
  // The alarms of a whole namespace are in `metadata`, which is there from the start.
  return files.filter((file) => file.endsWith(".sqlite") && !file.endsWith("metadata.sqlite")).length;
}

/** A path of the documentation, with a name in each place. */
const fill = (path: string) => path.replaceAll(/:\w+/g, "odd");

const codeOf = (text: string) => (JSON.parse(text) as { code: string }).code;

test("[N24] a path of 70 KB, a header of 140 KB and five hundred headers are refused, and no object wakes", async () => {
  const many = Object.fromEntries(Array.from({ length: 500 }, (_, i) => [`X-Odd-${i}`, "x".repeat(300)]));
  const answers = await Promise.all([
    ask(`/v1/channels/${"a".repeat(70_000)}/messages`),
    ask(`${PUBLISH}?${"a".repeat(70_000)}`),
    // The runtime takes them, and nobody reads them: they open nothing to a stranger.
    ask(PUBLISH, { headers: { ...STRANGER, "X-Odd": "x".repeat(140_000) } }),
    ask(PUBLISH, { headers: { ...STRANGER, ...many } }),
    ask(PUBLISH, { headers: { Authorization: `Bearer ${"x".repeat(140_000)}` } }),
    ask(PUBLISH, { headers: { Authorization: `Bearer ${"x".repeat(20_000)}.${"y".repeat(20_000)}.z` } }),
  ]);
  const statuses = answers.map(({ status }) => status);
  expect({ statuses, areRefused: statuses.every((status) => status >= 400 && status < 500) }).toMatchObject({
    areRefused: true,
  });
  expect(await objects()).toBe(0);
  expect((await ask("/healthz", { headers: {} })).status).toBe(200); // with a key it would look at objects
});

test("[N25] a method that a path does not have is 405 with those it has, whoever asks, and no object wakes", async () => {
  const routes = new Map<string, Set<string>>();
  const documented = await readFile(new URL("../../docs/protocol.md", import.meta.url), "utf8");
  for (const [, method = "", path = ""] of documented.matchAll(/`(GET|POST|PUT|DELETE) (\/v1\/[^`?]*)/g))
    routes.set(fill(path), (routes.get(fill(path)) ?? new Set()).add(method));
  expect(routes.size).toBeGreaterThan(20);
  for (const [path, known] of routes) {
    for (const method of ["TRACE", "PUT", "POST", "DELETE", "PATCH", "PROPFIND", "HEAD", "OPTIONS"]) {
      const isKnown = known.has(method) || (method === "HEAD" && known.has("GET")) || method === "OPTIONS";
      if (isKnown || path.startsWith("/v1/dev/")) continue;
      const { status, headers } = await ask(path, { method, ...(method === "TRACE" && { headers: KEY }) });
      expect({ path, method, status }).toEqual({ path, method, status: 405 });
      for (const name of known) expect(headers.allow).toContain(name);
    }
  }
  expect(await objects()).toBe(0);
});

test("[N25] a connect without an upgrade is 426, and asking which methods there are changes nothing", async () => {
  const headers = { Authorization: `Bearer ${await tokenFor("odd")}` };
  for (const path of ["/v1/connect", "/v1/channels/odd/connect"]) {
    for (const method of ["GET", "HEAD"]) {
      const { status } = await ask(path, { method, headers });
      expect({ path, method, status }).toEqual({ path, method, status: 426 });
    }
    expect((await ask(path, { method: "OPTIONS", headers })).status).toBeLessThan(300);
  }
  expect(await objects()).toBe(0);
});

test("[A19] a page of another origin is told nothing by CORS, on any route, and nobody is told to send credentials", async () => {
  const routes = [
    ["POST", PUBLISH],
    ["DELETE", "/v1/channels/odd"],
    ["DELETE", "/v1/users/odd/sessions"],
    ["POST", "/v1/broadcast"],
    ["POST", "/v1/batch"],
    ["GET", "/v1/stats"],
  ] as const;
  const evil = [
    "https://evil.example.com",
    "null",
    `${ALLOWED}.evil.io`,
    "https://APP.example.com",
    `${ALLOWED}:8443`,
  ];
  for (const [method, path] of routes) {
    for (const origin of [...evil, ALLOWED]) {
      const asked = {
        Origin: origin,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization",
      };
      const preflight = await ask(path, { method: "OPTIONS", headers: asked });
      const wrong = await ask(path, {
        method,
        headers: { Origin: origin, ...STRANGER },
      });
      expect(wrong.status).toBe(401);
      for (const { headers } of [preflight, wrong]) {
        const told = headers["access-control-allow-origin"];
        expect({ path, origin, told }).toEqual({
          path,
          origin,
          told: origin === ALLOWED ? ALLOWED : undefined,
        });
        expect(headers["access-control-allow-credentials"]).toBeUndefined();
        if (origin === ALLOWED) expect(headers.vary).toMatch(/origin/i);
      }
    }
  }
  expect(await objects()).toBe(0);
});

test("[N17] a name is read after one decoding, exactly, and what is none is refused", async () => {
  const nowhere = [
    "",
    " ",
    "a/b",
    "a/",
    "/a",
    "a//b",
    "../odd",
    "a%2Fb",
    "a%252Fb",
    "a%20b",
    "%",
    "%zz",
    "%00",
    "a%5Cb",
  ];
  for (const name of nowhere) {
    const path = `/v1/channels/${name}/messages`;
    const { status } = await ask(path.replaceAll(" ", "%20"), { method: "POST", body: '{"data":1}' });
    expect({ name, isRefused: [400, 404, 405].includes(status) }).toEqual({ name, isRefused: true });
  }
  expect(await objects()).toBe(0);
  // Most clients take `.` and `..` out of a path before they send it; here they arrive as they are.
  const exact = [".", "..", "%2E%2e", "a.b", "a..b", "...", "A", "a%2Eb", "%61%2d1", "a:b@c=d+e~f_g-h"];
  for (const name of exact) {
    const { status, text } = await ask(`/v1/channels/${name}/messages`, {
      method: "POST",
      body: '{"data":1}',
    });
    expect(status).toBe(201);
    expect((JSON.parse(text) as { channel: string }).channel).toBe(decodeURIComponent(name));
  }
});

test("[N18] a name of 1 and of 128 characters works everywhere, one of 129 and of 5,000 nowhere", async () => {
  for (const length of [1, 128]) {
    const [user, channel] = ["u".repeat(length), "c".repeat(length)];
    const client = await RawClient.welcomed({ url: service.url, token: await tokenFor(user), channel });
    expect(client.welcome).toMatchObject({ user, channel });
    const own = await RawClient.welcomed({ url: service.url, token: await tokenFor(user) });
    own.send({ type: "subscribe", channel });
    expect(await own.next("subscribed")).toMatchObject({ channel });
    expect(
      (await ask(`/v1/channels/${channel}/messages`, { method: "POST", body: '{"data":1}' })).status,
    ).toBe(201);
    expect(await own.next("message")).toMatchObject({ channel, data: 1 });
    expect(JSON.parse((await ask(`/v1/users/${user}/presence`)).text)).toMatchObject({
      user,
      status: "online",
    });
    await Promise.all([client.close(), own.close()]);
  }
  const ann = await RawClient.welcomed({ url: service.url, token: await tokenFor("ann") });
  const before = await objects();
  for (const length of [129, 5000]) {
    const long = "x".repeat(length);
    expect(codeOf((await ask(`/v1/channels/${long}/messages`)).text)).toBe("invalid_channel");
    expect(codeOf((await ask(`/v1/users/${long}/presence`)).text)).toBe("invalid_user");
    const asLong = { headers: { Authorization: `Bearer ${await tokenFor(long)}` } };
    expect(codeOf((await ask("/v1/connect", asLong)).text)).toBe("token_invalid");
    expect(await ann.ask({ type: "subscribe", channel: long })).toMatchObject({ code: "invalid_channel" });
    expect(await ann.ask({ type: "watch", users: [long] })).toMatchObject({
      code: "bad_request",
      errors: [{ path: "users[0]" }],
    });
  }
  expect(await objects()).toBe(before);
  await ann.close();
});

test("[N16] a NUL is no part of a name, and comes back in data as it was sent", async () => {
  for (const path of ["/v1/channels/a%00b/messages", "/v1/users/a%00b/presence"])
    expect((await ask(path)).status).toBe(400);
  const data = { "a\0b": "\0c\0", d: "\0" };
  const body = JSON.stringify({ data, event: "e" });
  expect((await ask("/v1/channels/n16/messages", { method: "POST", body })).status).toBe(201);
  const { text } = await ask("/v1/channels/n16/messages");
  expect((JSON.parse(text) as { messages: unknown[] }).messages).toMatchObject([{ data }]);
});

test("[N22] an object, a list, a number or true where text is expected is refused, and is nobody's name", async () => {
  const ann = await RawClient.welcomed({ url: service.url, token: await tokenFor("ann") });
  const before = await objects();
  for (const value of [{}, { toString: "x" }, [], ["ann"], 5, true, null]) {
    const bodies: [path: string, body: object][] = [
      [PUBLISH, { data: 1, event: value }],
      [PUBLISH, { data: 1, key: value }],
      [PUBLISH, { data: 1, exclude: { user: value } }],
      ["/v1/messages", { data: 1, users: [value] }],
      ["/v1/messages", { data: 1, channels: [value] }],
      ["/v1/tickets", { user: value }],
      ["/v1/batch", { operations: [{ method: "GET", path: value }] }],
    ];
    for (const [path, body] of bodies) {
      const { status, text } = await ask(path, { method: "POST", body: JSON.stringify(body) });
      if (path === "/v1/batch") expect(JSON.parse(text)).toMatchObject({ results: [{ status: 400 }] });
      else expect({ path, value, status }).toEqual({ path, value, status: 400 });
    }
    const frames = [
      { type: "subscribe", channel: value },
      { type: "send", user: value, data: 1 },
      { type: "watch", users: [value] },
      { type: "publish", channel: "odd", data: 1, event: value },
    ];
    for (const frame of frames) expect(await ann.ask(frame)).toMatchObject({ type: "error" });
    expect(await ann.ask({ type: "heartbeat" })).toMatchObject({ type: "ok" }); // ten bad ones in a row would end it
  }
  expect(await objects()).toBe(before);
  await ann.close();
});

test("[N23] a body that lies about itself is refused in bounded time and memory, and the service goes on", async () => {
  const head = (...lines: string[]) =>
    [`POST ${PUBLISH} HTTP/1.1`, "Host: odd", `Authorization: ${KEY.Authorization}`, ...lines, "", ""].join(
      "\r\n",
    );
  const statusOf = (heard: string) => Number(heard.slice(9, 12));
  const body = '{"data":"said"}';

  const endless = await pourRaw(service.url, head("Transfer-Encoding: chunked"), 64 * 1024 * 1024);
  expect([413, 0]).toContain(statusOf(endless.heard)); // what it still pours may make the kernel throw the answer away
  expect(endless.sent).toBeLessThan(16 * 1024 * 1024); // what lies in the buffers between

  const short = await sayRaw(service.url, `${head("Content-Length: 5")}${body}`, 2000);
  expect(statusOf(short)).toBe(400); // five characters are no JSON, and what follows is no request
  expect(short.match(/^HTTP\/1\.1 2/gm)).toBeNull();

  await sayRaw(service.url, `${head("Content-Length: 500")}${body}`, 1000, true); // it ends before it has come
  await sayRaw(service.url, `${head("Transfer-Encoding: chunked")}zz\r\n${body}\r\n`, 1000, true);
  const both = await sayRaw(
    service.url,
    `${head("Content-Length: 15", "Transfer-Encoding: chunked")}f\r\n${body}\r\n0\r\n\r\n`,
    1000,
  );
  expect([0, 201, 400]).toContain(statusOf(both));

  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024, " "));
  const zipped = await ask(PUBLISH, {
    method: "POST",
    headers: { ...KEYED, "Content-Encoding": "gzip" },
    body: bomb,
  });
  expect([400, 413, 415]).toContain(zipped.status);
  expect((await ask(PUBLISH, { method: "POST" })).status).toBe(400);
  const text = { ...KEY, "Content-Type": "text/html", "Content-Length": "15" };
  expect((await ask(PUBLISH, { method: "POST", headers: text, body })).status).toBe(201); // what it is called decides nothing

  const { messages } = JSON.parse((await ask(PUBLISH)).text) as { messages: { data: unknown }[] };
  expect(messages.length).toBeLessThanOrEqual(2);
  for (const { data } of messages) expect(data).toBe("said");
});
