import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { createApp } from "../../src/http/app.ts";
import { KEY, tokenFor } from "./client.ts";

/** Whatever is asked of any object, the platform says that it has too much to do. */
function overloadedService() {
  const calls: string[] = [];
  const fail = (what: string) => {
    calls.push(what);
    return Promise.reject(
      Object.assign(new Error("Durable Object is overloaded."), { overloaded: true, retryable: true }),
    );
  };
  const stub = new Proxy({}, { get: (_, method) => () => fail(String(method)) });
  const objects = { getByName: () => stub };
  const overloaded = { ...env, USER: objects, CHANNEL: objects, RELAY: objects, DIRECTORY: objects };
  const app = createApp();
  return { calls, ask: (path: string, init: RequestInit = {}) => app.request(path, init, overloaded) };
}

const published = { method: "POST", headers: KEY, body: '{"data":1,"key":"k"}' };

test.each([
  ["a publish with a key", "/v1/channels/c/messages", published],
  ["a page of the log", "/v1/channels/c/messages", { headers: KEY }],
  ["a direct message with a key", "/v1/users/u/messages", published],
  ["a presence", "/v1/users/u/presence", { headers: KEY }],
])(
  "[LM12] [F44] %s that meets an overloaded object is asked once, and answered 503 with a time to come back",
  async (_, path, init) => {
    vi.spyOn(console, "warn").mockImplementation(() => undefined);
    const { calls, ask } = overloadedService();
    const answer = await ask(path, init);
    expect(answer.status).toBe(503);
    expect(answer.headers.get("Retry-After")).toBe("1");
    expect(await answer.json()).toMatchObject({ code: "unavailable", status: 503, retryAfterMs: 1000 });
    expect(calls).toHaveLength(1);
    vi.restoreAllMocks();
  },
);

test("[LM12] a connect that meets an overloaded object is asked once too", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const { calls, ask } = overloadedService();
  const headers = { Authorization: `Bearer ${await tokenFor("ann")}`, Upgrade: "websocket" };
  const answer = await ask("/v1/connect", { headers });
  expect([answer.status, answer.headers.get("Retry-After")]).toEqual([503, "1"]);
  expect(calls).toEqual(["fetch"]);
  vi.restoreAllMocks();
});

test("[LM12] of a message to many each target is asked once, and the answer says which to send again", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const { calls, ask } = overloadedService();
  const body = JSON.stringify({ data: 1, key: "k", users: ["a", "b"], channels: ["c"] });
  const answer = await ask("/v1/messages", { method: "POST", headers: KEY, body });
  const { results } = (await answer.json()) as { results: { status: number; code: string }[] };
  expect(results.map(({ status, code }) => `${status} ${code}`)).toEqual(Array(3).fill("503 unavailable"));
  expect(calls).toHaveLength(3);
  vi.restoreAllMocks();
});
