import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const TTL_MS = 8000;
const HEARTBEAT_MS = 2000;
const vars = {
  SESSION_TTL_SECONDS: "8",
  HEARTBEAT_INTERVAL_SECONDS: "2",
  OFFLINE_GRACE_SECONDS: "1",
  MAX_SESSIONS_PER_USER: "2",
};
let service: Service;

beforeAll(async () => {
  service = await startService({ vars });
});
afterAll(() => service.stop());

async function open(user: string, channel?: string, headers: Record<string, string> = {}) {
  const where = channel === undefined ? {} : { channel };
  return RawStream.welcomed({ url: service.url, token: await tokenFor(user), headers, ...where });
}

async function publish(channel: string, data: unknown): Promise<void> {
  const answer = await fetch(`${service.url}/v1/channels/${channel}/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ data }),
  });
  if (answer.status !== 201) throw new Error(`${answer.status}`);
}

async function sessionsOf(user: string): Promise<Record<string, unknown>[]> {
  const answer = await fetch(`${service.url}/v1/users/${user}/sessions`, { headers: KEY });
  return ((await answer.json()) as { sessions: Record<string, unknown>[] }).sessions;
}

/** How long the user's last session is still there. */
async function untilGone(user: string): Promise<number> {
  const since = Date.now();
  while ((await sessionsOf(user)).length > 0) {
    if (Date.now() - since > 3 * TTL_MS) throw new Error(`${user} is still there`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return Date.now() - since;
}

async function plain(path: string, init: { method?: string; headers?: Record<string, string> } = {}) {
  const Authorization = `Bearer ${await tokenFor("ann")}`;
  const headers = { Accept: "text/event-stream", Authorization, ...init.headers };
  return fetch(service.url + path, { ...init, headers });
}

test.concurrent("[ES1] the first event is the welcome, under the headers that EventSource and proxies need", async () => {
  for (const channel of [undefined, "es1"]) {
    const stream = await open("es1", channel, { Origin: "https://app.example.com" });
    expect(stream.headers).toMatchObject({
      "content-type": "text/event-stream; charset=utf-8",
      "cache-control": "no-store",
      "x-accel-buffering": "no",
      "access-control-allow-origin": "https://app.example.com",
    });
    expect(stream.headers["content-encoding"]).toBeUndefined();
    expect(stream.events[0]).toMatchObject({ type: "welcome", id: undefined });
    expect(stream.welcome).toMatchObject({ type: "welcome", user: "es1", protocol: 1 });
    expect(stream.welcome.channel).toBe(channel);
    stream.close();
  }
});

test.concurrent("[ES2] messages of a channel come with their positions, everything else without an id", async () => {
  const stream = await open("es2", "es2");
  const { epoch } = stream.welcome;
  const ben = await RawClient.welcomed({ url: service.url, token: await tokenFor("ben"), channel: "es2" });
  for (const data of ["one\nid: 9\r\n\r\nevent: closing", "\u2028two", 3]) await publish("es2", data);
  ben.send({ type: "signal", event: "typing" });
  await stream.next("signal", ({ id, data }) => id === undefined && data.event === "typing");
  await stream.next("members", ({ id }) => id === undefined);
  const messages = stream.events.filter(({ type }) => type === "message");
  expect(messages.map(({ id, data }) => [id, data.data])).toEqual([
    [`${epoch}:1`, "one\nid: 9\r\n\r\nevent: closing"],
    [`${epoch}:2`, "\u2028two"],
    [`${epoch}:3`, 3],
  ]);
  stream.close();
  await ben.close();
});

test.concurrent("[ES3] heartbeats come on time, and a stream that takes them lives on over several TTLs", async () => {
  const [there, own] = [await open("es3", "es3"), await open("es3")];
  await new Promise((resolve) => setTimeout(resolve, 3 * TTL_MS + 500));
  for (const stream of [there, own]) {
    const beats = stream.events.filter(({ type }) => type === "heartbeat");
    expect(beats.length).toBeGreaterThanOrEqual(11);
    expect(beats.length).toBeLessThanOrEqual(13);
    expect(beats.every(({ id, data }) => id === undefined && Object.keys(data).length === 0)).toBe(true);
    // Who says in time that it is there is never asked; and a question would be none of the client's business.
    expect(stream.events.some(({ type }) => type === "probe" || type === "ok")).toBe(false);
  }
  const sessions = await sessionsOf("es3");
  expect(sessions).toHaveLength(2);
  for (const { lastSeenAt } of sessions) {
    expect(Date.now() - Number(lastSeenAt)).toBeLessThan(2 * HEARTBEAT_MS);
  }
  there.close();
  own.close();
}, 60_000);

test.concurrent("[ES5] a stream is a session like any other, and says what it is", async () => {
  const token = await tokenFor("es5");
  const query = "?device_id=d1&device_type=tv";
  const stream = await RawStream.welcomed({ url: service.url, token, channel: "es5", query });
  expect(await sessionsOf("es5")).toMatchObject([
    { id: stream.welcome.session, transport: "sse", channel: "es5", device: { id: "d1", type: "tv" } },
  ]);
  stream.close();
});

test.concurrent("[ES8] `closing` comes as an event, and the stream ends after it", async () => {
  const first = await open("es8", "es8");
  await open("es8", "es8");
  await open("es8", "es8");
  const { data } = await first.next("closing");
  expect(data).toMatchObject({ code: 4503, reconnect: false });
  await first.ended;
  expect(first.events.at(-1)?.type).toBe("closing");
  expect(first.endedCleanly).toBe(true);
});

test.concurrent("[ES8] to end a stream from outside is to delete its session", async () => {
  const stream = await open("es8-delete", "es8-delete");
  const path = `/v1/users/es8-delete/sessions/${stream.welcome.session}`;
  expect((await fetch(service.url + path, { method: "DELETE", headers: KEY })).status).toBe(204);
  expect((await stream.next("closing")).data).toMatchObject({ code: 4502, reconnect: false });
  await stream.ended;
});

test.concurrent("[ES9] a refused stream is answered with a problem, and opens nothing", async () => {
  const refusals: [string, number, Parameters<typeof plain>[1]?][] = [
    ["/v1/connect", 401, { headers: { Authorization: "Bearer x" } }],
    ["/v1/channels/a%20b/connect", 400],
    ["/v1/channels/private:es9/connect", 403],
    ["/v1/channels/es9/connect?rewind=x", 400],
    ["/v1/connect?channels=a,private:b", 403],
    ["/v1/connect?channels=a,,b", 400],
    ["/v1/connect?watch=a%20b", 400],
    ["/v1/connect", 426, { headers: { Accept: "*/*" } }],
    ["/v1/channels/es9/connect", 426, { headers: { Accept: "application/json" } }],
  ];
  for (const [path, status, init] of refusals) {
    const answer = await plain(path, init);
    expect([path, answer.status]).toEqual([path, status]);
    expect(answer.headers.get("Content-Type")).toContain("application/problem+json");
    await answer.body?.cancel();
  }
  expect((await plain("/v1/connect", { method: "HEAD" })).status).toBe(426);
  expect(await sessionsOf("ann")).toEqual([]);
});

test.concurrent("[N28] a Last-Event-ID that is no position is as if it were absent", async () => {
  await publish("n28", 1);
  const token = await tokenFor("n28");
  for (const id of ["", "garbage", ":", "x:-1", "e:99999999999999999999", "x".repeat(10_240), "a:1; b"]) {
    const headers = { "Last-Event-ID": id };
    const stream = await RawStream.welcomed({ url: service.url, token, channel: "n28", headers });
    expect(stream.welcome).toMatchObject({ recovered: false, offset: 1 });
    stream.close();
  }
  const query = "?epoch=a%0D%0Ab&offset=1e9";
  const stream = await RawStream.welcomed({ url: service.url, token, channel: "n28", query });
  expect(stream.welcome).toMatchObject({ recovered: false });
  stream.close();
});

test.concurrent("[F26] a stream that its client ends with a FIN or a RST is gone within heartbeat and TTL", async () => {
  for (const channel of [undefined, "f26"]) {
    const closed = await open("f26-fin", channel);
    closed.close();
    expect(await untilGone("f26-fin")).toBeLessThan(HEARTBEAT_MS + TTL_MS);
    const reset = await open("f26-rst", channel);
    reset.reset();
    expect(await untilGone("f26-rst")).toBeLessThan(HEARTBEAT_MS + TTL_MS);
  }
}, 60_000);

test.concurrent("[F26] a stream whose client's process is killed is gone within heartbeat and TTL", async () => {
  const script = new URL("../fixtures/killable-stream.ts", import.meta.url).pathname;
  const args = [script, service.url, await tokenFor("f26-kill"), "f26-kill"];
  const child: ChildProcess = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const [printed] = child.stdout === null ? [] : await once(child.stdout, "data");
  expect(String(printed)).toBe("welcomed\n");
  child.kill("SIGKILL");
  expect(await untilGone("f26-kill")).toBeLessThan(HEARTBEAT_MS + TTL_MS);
}, 60_000);

test.concurrent("[F28] a reader that stops is cut at the cap, and the others go on", async () => {
  const [slow, quick] = [await open("f28-slow", "f28"), await open("f28", "f28")];
  slow.stopReading();
  const data = "x".repeat(30_000);
  let published = 0;
  // Proxies and kernels along the way take some ten megabytes before anything is left to the Worker.
  while ((await sessionsOf("f28-slow")).length > 0 && published < 2000) {
    await Promise.all(Array.from({ length: 20 }, () => publish("f28", data)));
    published += 20;
  }
  expect(published).toBeLessThan(2000);
  await quick.next("message", ({ data: { offset } }) => offset === published, 30_000);
  expect(await sessionsOf("f28")).toHaveLength(1);
  slow.readOn();
  await slow.ended;
  const offsets = slow.events.filter(({ type }) => type === "message").map(({ data: { offset } }) => offset);
  expect(offsets.length).toBeLessThan(published);
  expect(offsets).toEqual(offsets.map((_, i) => i + 1)); // cut off, but without a gap
  quick.close();
}, 90_000);
