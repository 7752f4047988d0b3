import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const API_KEYS = [
  "dev=rollcall-local-development-key",
  "pub:publish=a-key-that-only-publishes",
  "reader:read=a-secret-for-reading-only",
].join(",");

let service: Service;
let persistTo: string;
const start = () => startService({ vars: { API_KEYS, OFFLINE_GRACE_SECONDS: "0.2" }, persistTo });

beforeAll(async () => {
  persistTo = await mkdtemp(join(tmpdir(), "rollcall-many-"));
  service = await start();
});
afterAll(async () => {
  await service.stop();
  await rm(persistTo, { recursive: true, force: true });
});

const bearer = (text: string) => ({ Authorization: `Bearer ${text}` });

async function post(path: string, body: unknown, headers: Record<string, string> = KEY) {
  const answer = await fetch(service.url + path, { method: "POST", headers, body: JSON.stringify(body) });
  return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
}

/** Who is listed as online, in order. */
async function online(): Promise<string[]> {
  const answer = await fetch(`${service.url}/v1/presence?limit=1000`, { headers: KEY });
  return ((await answer.json()) as { users: { user: string }[] }).users.map(({ user }) => user).sort();
}

async function connected(user: string, channel?: string): Promise<RawClient> {
  const token = await tokenFor(user);
  return RawClient.welcomed({ url: service.url, token, ...(channel && { channel }) });
}

const heard = ({ frames }: RawClient, id: unknown) =>
  frames.filter((frame) => frame.type === "broadcast" && frame.id === id).length;

test("[BA1] a batch over the wire: each operation by the scopes of the key, each with its own answer", async () => {
  const operations = [
    { method: "POST", path: "/v1/channels/hall/messages", body: { data: "from a batch" } },
    { method: "GET", path: "/v1/channels/hall/messages" },
    { method: "GET", path: "/v1/stats" },
  ];
  const statuses = async (key: string) => {
    const { status, body } = await post("/v1/batch", { operations }, bearer(key));
    return [status, (body.results as { status: number }[]).map((result) => result.status)];
  };
  expect(await statuses("rollcall-local-development-key")).toEqual([200, [201, 200, 200]]);
  expect(await statuses("a-key-that-only-publishes")).toEqual([200, [201, 403, 403]]);
  expect(await statuses("a-secret-for-reading-only")).toEqual([200, [403, 200, 200]]);
  const { status, body } = await post("/v1/batch", { operations: [{ method: "GET", path: "/v1/connect" }] });
  expect([status, body]).toMatchObject([200, { results: [{ status: 400, body: { code: "bad_request" } }] }]);
});

test("[BC1] a broadcast over the wire reaches sockets and streams of all users, over all shards", async () => {
  const people = await Promise.all(Array.from({ length: 12 }, (_, i) => connected(`bc1-${i}`)));
  const there = await connected("bc1-0", "hall");
  const stream = await RawStream.welcomed({ url: service.url, token: await tokenFor("bc1-stream") });
  await expect.poll(online).toHaveLength(13);
  const { status, body } = await post("/v1/broadcast", { data: { n: 1 }, event: "notice" });
  expect([status, body]).toEqual([202, { id: expect.any(String), users: 13 }]);
  for (const client of [...people, there]) {
    await client.next("broadcast", ({ id }) => id === body.id);
  }
  const event = await stream.next("broadcast");
  expect(event.id).toBeUndefined();
  expect(event.data).toEqual({
    type: "broadcast",
    id: body.id,
    event: "notice",
    data: { n: 1 },
    at: expect.any(Number),
  });
  for (const client of [...people, there]) expect(heard(client, body.id)).toBe(1);
  stream.close();
  await Promise.all([...people, there].map((client) => client.close()));
});

test("[MM1] one message to many over the wire: members of each channel hear it, and a repeat tells nobody", async () => {
  const channels = ["mm1-a", "mm1-b", "mm1-c"];
  const members = await Promise.all(channels.map((channel, i) => connected(`mm1-${i}`, channel)));
  const said = { data: { n: 1 }, event: "many", key: "mm1", channels };
  const first = await post("/v1/messages", said, bearer("a-key-that-only-publishes"));
  expect(first).toMatchObject({
    status: 200,
    body: { results: channels.map((channel) => ({ channel, status: 201, offset: 1 })) },
  });
  for (const member of members)
    await member.next("message", ({ event, offset }) => event === "many" && offset === 1);
  const again = await post("/v1/messages", said, bearer("a-key-that-only-publishes"));
  expect((again.body.results as { status: number }[]).map(({ status }) => status)).toEqual([200, 200, 200]);
  expect((await post("/v1/messages", said, bearer("a-secret-for-reading-only"))).status).toBe(403);
  for (const member of members) {
    expect(member.frames.filter(({ type }) => type === "message")).toHaveLength(1);
    await member.close();
  }
});

test("[MM1] users and channels in one message: who is away finds it in the inbox", async () => {
  const ann = await connected("mm1-ann");
  const targets = { users: ["mm1-ann", "mm1-away", "no user"], channels: ["mm1-both"] };
  const { body } = await post("/v1/messages", { data: "to all of you", ...targets });
  const results = body.results as { status: number; code?: string }[];
  expect(results.map(({ status, code }) => `${status} ${code}`)).toEqual([
    "201 undefined",
    "201 undefined",
    "400 invalid_user",
    "201 undefined",
  ]);
  await ann.next("direct", ({ data }) => data === "to all of you");
  const away = await connected("mm1-away");
  await away.next("direct", ({ data }) => data === "to all of you");
  await Promise.all([ann, away].map((client) => client.close()));
});

test("[BC3] a broadcast's key outlives kill -9: repeated, it is the same one, and nobody hears it again", async () => {
  const ann = await connected("bc3-ann");
  await expect.poll(online).toContain("bc3-ann");
  const said = { data: 1, event: "notice", key: "bc3" };
  const first = await post("/v1/broadcast", said);
  expect(first.status).toBe(202);
  await ann.next("broadcast", ({ id }) => id === first.body.id);
  await service.kill();
  await ann.closed;
  service = await start();
  const ben = await connected("bc3-ben");
  await expect.poll(online).toContain("bc3-ben");
  expect(await post("/v1/broadcast", said)).toEqual(first);
  const last = await post("/v1/broadcast", { data: 2 });
  await ben.next("broadcast", ({ id }) => id === last.body.id);
  expect(heard(ben, first.body.id)).toBe(0);
  await ben.close();
});
