import { afterAll, beforeAll, expect, test } from "vitest";
import type { OpenApi, Operation } from "../../src/reference/document.ts";
import { openApiDocument } from "../../src/reference/openapi.ts";
import { openApiChecks, pointerPart } from "../fixtures/document-checks.ts";
import { HookServer } from "../fixtures/hook-server.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;

const hook = new HookServer();

beforeAll(async () => {
  hook.answer = () => 410; // so that all events become dead letters at once
  await hook.start();
  const vars = { WEBHOOK_URL: hook.url, WEBHOOK_SECRET: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" };
  service = await startService({ vars: { ...vars, WEBHOOK_ALLOW_INSECURE: "true" } });
});
afterAll(async () => {
  await service.stop();
  await hook.stop();
});

const document = openApiDocument({ isClosed: true });
const check = openApiChecks(document);
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

interface Asked {
  as?: "key" | "ann" | "flo" | "nobody";
  body?: unknown;
  headers?: Record<string, string>;
  /** In place of what stands in braces. */
  names?: Record<string, string>;
  query?: string;
}

/** Asks for one operation, and fails where the answer is not one of those that the document gives. */
async function visit(id: string, asked: Asked = {}): Promise<{ status: number; body: unknown }> {
  const found = operations.find(({ operation }) => operation.operationId === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  const { path, method, operation } = found;
  const names: Record<string, string> = { channel: "lobby", user: "ann", target: "ben", ...asked.names };
  const address = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => names[name] ?? "none");
  const { as = "key" } = asked;
  const bearer =
    as === "key" ? KEY : as === "nobody" ? {} : { Authorization: `Bearer ${await tokenFor(as)}` };
  const init = { method: method.toUpperCase(), headers: { ...bearer, ...asked.headers } };
  const body =
    asked.body === undefined
      ? {}
      : { body: typeof asked.body === "string" ? asked.body : JSON.stringify(asked.body) };
  const answer = await fetch(`${service.url}${address}${asked.query ?? ""}`, { ...init, ...body });
  const text = await answer.text();
  expect(faultsOf({ path, method, operation }, answer, text)).toEqual([]);
  return {
    status: answer.status,
    body: answer.headers.get("Content-Type")?.includes("json") ? JSON.parse(text) : text,
  };
}

/** The dead letters, as soon as there is one. */
async function lettersKept(): Promise<{ id: string }[]> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const { letters } = (await visit("listDeadLetters")).body as { letters: { id: string }[] };
    if (letters.length > 0 || Date.now() > deadline) return letters;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
}

function faultsOf(
  { path, method, operation }: { path: string; method: string; operation: Operation },
  answer: Response,
  text: string,
): string[] {
  const { status } = answer;
  const where = `${operation.operationId} ${status}`;
  const described = operation.responses[String(status)];
  if (described === undefined) return [`${where} is not in the document: ${text}`];
  const missing = Object.keys(described.headers ?? {}).filter((name) => !answer.headers.has(name));
  if (missing.length > 0) return [`${where} has no ${missing.join(", ")}`];
  const [type = ""] = (answer.headers.get("Content-Type") ?? "").split(";");
  const { content = {} } = described;
  if (text === "" && Object.keys(content).every((known) => known.includes("problem"))) return [];
  const one = content[type];
  if (one === undefined) return [`${where} is ${type}, not one of ${Object.keys(content).join(", ")}`];
  const value: unknown = type.includes("json") ? JSON.parse(text) : text;
  const at = `/paths/${pointerPart(path)}/${method}/responses/${status}/content/${pointerPart(type)}/schema`;
  return check(at, value).map((fault) => `${where}: ${fault} in ${text}`);
}

test("[OA12] every answer that is no refusal is what the document says, over all operations", async () => {
  const seen = new Set<string>();
  const visited = async (id: string, asked: Asked = {}) => {
    const { status, body } = await visit(id, asked);
    seen.add(`${id} ${status}`);
    return body as Record<string, unknown>;
  };
  const member = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ann"),
    channel: "lobby",
    device: "web",
  });
  const own = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ben"),
    query: { device_id: "ben-1", device_name: "Ben's" },
  });
  const session = String(member.welcome.session);

  const keyed = { event: "order.paid", data: { id: 7 }, key: "order-7" };
  await visited("publishToChannel", { body: keyed });
  await visited("publishToChannel", { body: keyed });
  expect((await visit("publishToChannel", { body: { ...keyed, data: 8 } })).status).toBe(422);
  await visited("publishToChannel", {
    as: "ann",
    body: { data: "hi" },
    headers: { "Rollcall-Session": session },
  });
  expect(
    (
      await visit("publishToChannel", {
        as: "ann",
        body: { data: 1 },
        headers: { "Rollcall-Session": "gone" },
      })
    ).status,
  ).toBe(409);
  await visited("readChannel", { query: "?after=0&limit=1000&order=desc" });
  await visited("readChannel", { names: { channel: "never-used" } });
  await visited("signalChannel", { body: { event: "typing.started", data: 1 } });
  await visited("listMembers");
  await visited("listMembers", { as: "ann", query: "?limit=1" });
  await visited("readChannelSummary");
  await visited("readChannelSummary", { names: { channel: "never-used" } });

  const invoice = { event: "invoice", data: { id: 7 }, key: "invoice-7" };
  await visited("sendToUser", { names: { user: "ben" }, body: invoice });
  await visited("sendToUser", { names: { user: "ben" }, body: invoice });
  await visited("sendToUser", { as: "ann", names: { user: "ben" }, body: { data: "lunch?" } });
  await visited("readInbox", { names: { user: "ben" }, query: "?after=0" });
  await visited("ackInbox", { as: "ann", body: { seq: 0 } });
  await visited("sendToMany", { body: { data: 1, users: ["ann", "no one"], channels: ["lobby"] } });
  await visited("broadcast", { body: { event: "maintenance", data: { inMinutes: 5 } } });
  const operationsAsked = [
    { method: "GET", path: "/v1/stats" },
    { method: "GET", path: "/v1/nowhere" },
    { method: "DELETE", path: "/v1/channels/other" },
  ];
  await visited("batch", { body: { operations: operationsAsked } });

  await visited("makeTicket", { as: "ann" });
  await visited("makeTicket", {
    body: { user: "cid", ttlSeconds: 60, channels: { "room:*": ["subscribe"] } },
  });
  await visited("setPresence", {
    as: "ann",
    body: { status: "busy", text: "In a meeting", expiresInSeconds: 60 },
  });
  await visited("setPresence", {
    body: { status: "away", emoji: "🌴", scope: "user", visibility: { except: ["eve"] } },
  });
  await visited("readPresence");
  await visited("readPresence", { as: "ann", names: { user: "never-seen" } });
  await visited("listPresence");
  await visited("listPresence", { as: "ann", query: "?users=ann,ben,never-seen" });
  await visited("listSessions");
  await visited("listSessions", { names: { user: "ben" } });
  await visited("readSession", { as: "ann", names: { session } });
  await visited("watch");
  await visited("readWatch");
  await visited("listWatching");
  await visited("listWatchers", { names: { user: "ben" } });
  await visited("unwatch", { as: "ann" });
  await visited("listChannels", { query: "?prefix=lo&limit=10" });
  await visited("readStats");
  await visited("readHealth", { as: "nobody" });
  await visited("readOpenApi", { as: "nobody" });
  await visited("readAsyncApi", { as: "nobody" });
  await visited("readDocs", { as: "nobody" });
  expect(await visited("readHealth")).toMatchObject({ checks: { object: { ok: true } } });
  await visited("readMetrics");
  await visited("readMetrics", { headers: { Accept: "application/openmetrics-text" } });
  expect(await visited("cleanUp")).toMatchObject({ more: false });
  const [letter] = await lettersKept();
  await visited("listDeadLetters", { query: "?limit=1" });
  await visited("replayDeadLetter", { names: { id: letter?.id ?? "none" } });

  await visited("endSession", { as: "ann", names: { session } });
  await visited("endSessions", { query: "?revoke=true", names: { user: "ben" } });
  await visited("removeMember");
  await visited("forgetChannel");
  await visited("eraseUser");
  for (const { socket } of [member, own]) socket.terminate(); // the server's close alone may take seconds

  const apart = ["readHealth 503"]; // a part would have to break
  const wanted = operations.flatMap(({ operation, path }) =>
    Object.keys(operation.responses)
      .filter((status) => Number(status) < 300 && !path.endsWith("/connect"))
      .map((status) => `${operation.operationId} ${status}`),
  );
  expect(wanted.filter((answer) => !seen.has(answer) && !apart.includes(answer))).toEqual([]);
});

test("[OA13] every refusal is what the document says: nobody, a wrong name, a wrong body, a wrong query", async () => {
  for (const { path, operation, method } of operations) {
    const id = operation.operationId;
    const closed =
      operation.security.length > 0 && !operation.security.some((way) => Object.keys(way).length === 0);
    if (closed) expect((await visit(id, { as: "nobody", body: bodyOf(method) })).status, id).toBe(401);
    if (closed)
      expect(
        (await visit(id, { headers: { Authorization: "Bearer a.b.c" }, body: bodyOf(method) })).status,
        id,
      ).toBe(401);
    for (const name of ["channel", "user", "target"].filter((parameter) => path.includes(`{${parameter}}`))) {
      const as = operation.security.some((way) => "apiKey" in way) ? "key" : "ann";
      expect(
        (await visit(id, { as, names: { [name]: "a%20b" }, body: bodyOf(method) })).status,
        `${id} ${name}`,
      ).toBe(400);
    }
    if (operation.requestBody === undefined) continue;
    const as = operation.security.some((way) => "apiKey" in way) ? "key" : "ann";
    expect((await visit(id, { as, body: "{" })).status, id).toBe(400);
    expect(
      (await visit(id, { as, body: JSON.stringify({ seq: "a", data: [], event: 7, status: 7, user: 7 }) }))
        .status,
      id,
    ).toBe(400);
    expect((await visit(id, { as, body: `"${"x".repeat(300_000)}"` })).status, id).toBe(413);
  }
  expect((await visit("readChannel", { query: "?limit=0" })).status).toBe(400);
  expect((await visit("listPresence", { query: "?users=a%20b" })).status).toBe(400);
  expect((await visit("readSession", { names: { session: "none" } })).status).toBe(404);
  expect((await visit("replayDeadLetter", { names: { id: "none" } })).status).toBe(404);
  expect((await visit("listDeadLetters", { query: "?cursor=x" })).status).toBe(400);
  expect((await visit("cleanUp", { query: "?cursor=x" })).status).toBe(400);
  expect((await visit("readHealth", { as: "ann" })).status).toBe(403);
  expect((await visit("connectUser", { as: "ann" })).status).toBe(426);
  expect((await visit("connectToChannel", { as: "ann", query: "?rewind=x" })).status).toBe(400);
  expect((await visit("connectToChannel")).status).toBe(403);
});

test("[OA13] what goes round for ever is refused as the document says, and so is no number", async () => {
  const said = (hop: string) => ({ body: { data: 1 }, headers: { "Rollcall-Hop": hop } });
  expect((await visit("publishToChannel", said("8"))).status).toBe(201);
  expect((await visit("publishToChannel", said("9"))).status).toBe(409);
  expect((await visit("publishToChannel", said("often"))).status).toBe(400);
});

test("[OA13] what is too much is refused as the document says, and names the limit", async () => {
  const asked = Array.from({ length: 300 }, () =>
    visit("listWatching", { as: "flo", names: { user: "flo" } }),
  );
  const answers = await Promise.all(asked);
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(0);
  for (const { body } of refused) expect(body).toMatchObject({ code: "rate_limited", limit: "user" });
});

test("[OA12] a connection answers as the document says, as a WebSocket and as a stream", async () => {
  const token = await tokenFor("dee");
  for (const [id, channel] of [["connectUser"], ["connectToChannel", "lobby"]] as const) {
    const { responses } = operationOf(document, id);
    const options = { url: service.url, token, ...(channel && { channel }) };
    const stream = await RawStream.open(options);
    const [type = ""] = (stream.headers["content-type"] ?? "").split(";");
    expect(Object.keys(responses["200"]?.content ?? {})).toEqual([type]);
    const socket = new RawClient(options);
    const upgraded = new Promise((resolve) =>
      socket.socket.once("upgrade", ({ statusCode }) => resolve(statusCode)),
    );
    expect(responses).toHaveProperty(String(await upgraded));
    socket.socket.terminate();
    stream.close();
  }
});

test("[OA14] documents are told from older ones by their ETag, and the page may load nothing", async () => {
  for (const path of ["/v1/openapi.json", "/v1/asyncapi.json", "/docs"]) {
    const first = await fetch(service.url + path);
    const etag = first.headers.get("ETag") ?? "";
    expect(first.headers.get("Cache-Control")).toBe("public, max-age=300");
    expect(etag).toMatch(/^(W\/)?"\w+"$/);
    expect((await first.text()).length).toBeGreaterThan(10_000);
    const again = await fetch(service.url + path, { headers: { "If-None-Match": etag } });
    expect([again.status, await again.text(), again.headers.get("ETag")]).toEqual([304, "", etag]);
    expect((await fetch(service.url + path, { headers: { "If-None-Match": '"other"' } })).status).toBe(200);
  }
  const page = await fetch(`${service.url}/docs`);
  expect(page.headers.get("Content-Type")).toBe("text/html; charset=utf-8");
  expect(page.headers.get("Content-Security-Policy")).toBe("frame-ancestors 'none'");
  expect(page.headers.get("X-Content-Type-Options")).toBe("nosniff");
  const [, policy = ""] =
    /<meta http-equiv="Content-Security-Policy" content="([^"]+)">/.exec(await page.text()) ?? [];
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
});

function bodyOf(method: string): unknown {
  return method === "get" ? undefined : {};
}

function operationOf({ paths }: OpenApi, id: string): Operation {
  const found = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .find(({ operationId }) => operationId === id);
  if (found === undefined) throw new Error(`no operation ${id}`);
  return found;
}
