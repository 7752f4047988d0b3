import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const vars = { SESSION_TTL_SECONDS: "8", HEARTBEAT_INTERVAL_SECONDS: "2", OFFLINE_GRACE_SECONDS: "1" };
let service: Service;
let persistTo: string;

beforeAll(async () => {
  persistTo = await mkdtemp(join(tmpdir(), "rollcall-watching-"));
  service = await startService({ vars, persistTo });
});
afterAll(async () => {
  await service.stop();
  await rm(persistTo, { recursive: true, force: true });
});

async function connect(user: string, claims: object = {}): Promise<RawClient> {
  const token = await tokenFor(user, { ...claims });
  return RawClient.welcomed({ url: service.url, token, pingEveryMs: 1000, answersProbes: true });
}

async function call(method: string, path: string, headers: Record<string, string> = KEY) {
  const answer = await fetch(service.url + path, { method, headers });
  const text = await answer.text();
  return {
    status: answer.status,
    body: (text === "" ? {} : JSON.parse(text)) as Record<string, unknown>,
  };
}

const bearer = async (user: string, claims: object = {}) => ({
  Authorization: `Bearer ${await tokenFor(user, { ...claims })}`,
});
const watching = async (user: string) =>
  ((await call("GET", `/v1/users/${user}/watching`)).body.users as { user: string }[]).map(
    (watch) => watch.user,
  );
const watchers = async (user: string) =>
  ((await call("GET", `/v1/users/${user}/watchers`)).body.watchers as { user: string }[]).map(
    (watcher) => watcher.user,
  );
const shows = (user: string, status: string) => (frame: RawFrame) =>
  frame.user === user && frame.status === status;

test("[WA2] watching over frames: the answer, enter and leave, and both directions", async () => {
  const ann = await connect("ann");
  expect(await ann.ask({ type: "watch", users: ["ben", "cat"] })).toMatchObject({
    type: "ok",
    presence: [
      { user: "ben", status: "offline", lastActiveAt: null },
      { user: "cat", status: "offline" },
    ],
  });
  const ben = await connect("ben");
  await ann.next("presence", shows("ben", "online"));
  expect([await watching("ann"), await watchers("ben")]).toEqual([["ben", "cat"], ["ann"]]);
  await ben.close();
  const left = await ann.next("presence", shows("ben", "offline"));
  expect(left).toMatchObject({ version: 2, devices: [] });
  expect(await ann.ask({ type: "unwatch", users: ["ben", "cat"] })).toMatchObject({ type: "ok" });
  await expect.poll(() => watchers("ben")).toEqual([]);
  expect(await ann.ask({ type: "watch", users: [] })).toMatchObject({ type: "error", code: "bad_request" });
  expect(await ann.ask({ type: "watch", users: ["no name"] })).toMatchObject({ code: "bad_request" });
  await ann.close();
});

test("[WA23] watches over HTTP are the user's own or a back end's, and go by the user's grants", async () => {
  const path = "/v1/users/dan/watching/eva";
  expect((await call("PUT", path, await bearer("eva"))).status).toBe(403);
  expect(await call("PUT", path, await bearer("dan", { watch: ["nobody"] }))).toMatchObject({
    status: 403,
    body: { code: "forbidden" },
  });
  const put = await call("PUT", path, await bearer("dan"));
  expect(put).toMatchObject({ status: 200, body: { user: "eva", presence: { status: "offline" } } });
  expect(await call("PUT", path)).toMatchObject({ status: 200 });
  expect(await call("GET", path, await bearer("dan"))).toMatchObject({ status: 200, body: { user: "eva" } });
  for (const read of ["/v1/users/dan/watching", "/v1/users/dan/watchers"]) {
    expect((await call("GET", read, await bearer("eva"))).status).toBe(403);
  }
  expect((await call("PUT", "/v1/users/dan/watching/no%20name")).status).toBe(400);
  expect((await call("DELETE", path, await bearer("dan"))).status).toBe(204);
  expect((await call("DELETE", path)).status).toBe(204);
  expect((await call("GET", path)).status).toBe(404);
});

test("[WA24] a stream watches whom its address names, by its token's grants", async () => {
  const refused = await fetch(`${service.url}/v1/connect?watch=fay`, {
    headers: { ...(await bearer("gil", { watch: ["x*"] })), Accept: "text/event-stream" },
  });
  expect(refused.status).toBe(403);
  const token = await tokenFor("gil");
  const stream = await RawStream.welcomed({ url: service.url, token, query: "?watch=fay,hal" });
  expect((await stream.next("presence", ({ data }) => data.user === "fay")).data).toMatchObject({
    status: "offline",
  });
  const fay = await connect("fay");
  const online = ({ data }: { data: Record<string, unknown> }) => data.status === "online";
  expect((await stream.next("presence", online)).data).toMatchObject({ user: "fay" });
  expect(await watching("gil")).toEqual(["fay", "hal"]);
  await fay.close();
  stream.close();
});

test("[WA12] [F21] after kill -9 of the service, watchers converge, whichever side comes back", async () => {
  await call("PUT", "/v1/users/kim/watching/lea");
  await call("PUT", "/v1/users/kim/watching/max");
  const kim = await connect("kim");
  for (const name of ["lea", "max"]) await connect(name);
  await kim.next("presence", shows("max", "online"));
  await service.kill();
  service = await startService({ vars, persistTo });
  const back = await connect("kim"); // lea comes back, max never does
  const lea = await connect("lea");
  await back.next("presence", shows("lea", "online"));
  await back.next("presence", shows("max", "offline"), 25_000);
  await lea.close();
  await back.next("presence", shows("lea", "offline"));
  expect([await watching("kim"), await watchers("max")]).toEqual([["lea", "max"], ["kim"]]);
  const versions = back.frames.filter(({ user, type }) => type === "presence" && user === "lea");
  const numbers = versions.map(({ version }) => Number(version));
  expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
  await back.close();
});
