import { constants, deflateRawSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import WebSocket from "ws";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { inTurns } from "../fixtures/in-turns.ts";
import type { Service } from "../fixtures/process-group.ts";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

/* Much at once, on the runtime alone: the proxy before `wrangler dev` would buffer what a slow reader does not take. */

let service: Service;

beforeAll(async () => {
  service = await startBareService({ vars: { HISTORY_SIZE: "5000", OFFLINE_GRACE_SECONDS: "1" } });
});
afterAll(() => service.stop());

async function join(channel: string, user: string, query: Record<string, string> = {}): Promise<RawClient> {
  const token = await tokenFor(user);
  const client = new RawClient({ url: service.url, token, channel, query, answersProbes: true });
  await client.next("welcome", undefined, 60_000); // hundreds come at once
  return client;
}

async function publish(channel: string, data: unknown): Promise<void> {
  const answer = await fetch(`${service.url}/v1/channels/${channel}/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ data }),
  });
  if (answer.status !== 201) throw new Error(`${answer.status} ${await answer.text()}`);
}

const offsetsOf = (client: RawClient) =>
  [
    ...((client.welcome.messages ?? []) as RawFrame[]),
    ...client.frames.filter(({ type }) => type === "message"),
  ].map(({ offset }) => offset);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, i) => first + i);

test("[F27] who stops reading is cut off at 4 MiB, the others hear everything, and it recovers when it returns", async () => {
  const COUNT = 2000;
  const readers = await Promise.all(["ann", "ben", "cem"].map((user) => join("f27", user)));
  const slow = await join("f27", "slow");
  const { epoch } = slow.welcome;
  slow.socket.pause();
  const data = "x".repeat(10_000);
  await inTurns(upTo(COUNT), 8, () => publish("f27", data));
  await Promise.all(
    readers.map((reader) => reader.next("message", ({ offset }) => offset === COUNT, 60_000)),
  );
  for (const reader of readers) {
    expect(offsetsOf(reader)).toEqual(upTo(COUNT));
    expect(reader.frames.filter(({ type }) => type === "closing")).toEqual([]);
  }
  const members = async () => {
    const answer = await fetch(`${service.url}/v1/channels/f27/members`, { headers: KEY });
    return ((await answer.json()) as { members: { user: string }[] }).members.map(({ user }) => user);
  };
  await expect.poll(members, { timeout: 10_000 }).not.toContain("slow"); // it is cut off, though it reads nothing
  slow.socket.resume();
  expect((await slow.closed).code).toBe(4005);
  const closing = slow.frames.find(({ type }) => type === "closing");
  expect(closing).toMatchObject({ code: 4005, reason: "slow reader", reconnect: true });
  const heard = offsetsOf(slow);
  expect(heard).toEqual(upTo(heard.length));
  expect(heard.length * 10_000).toBeGreaterThan(3.5 * 1_048_576);
  expect(heard.length * 10_000).toBeLessThan(6 * 1_048_576);
  const back = await join("f27", "slow", { epoch: String(epoch), offset: String(heard.length) });
  expect(back.welcome).toMatchObject({ recovered: true });
  await back.next("message", ({ offset }) => offset === COUNT, 60_000);
  expect(offsetsOf(back)).toEqual(upTo(COUNT, heard.length + 1));
  for (const client of [...readers, back]) client.socket.terminate();
}, 180_000);

test("[F34] two hundred who return at once to a long log are each told all, by pages, and a publish does not wait for them", async () => {
  const COUNT = 600;
  await inTurns(upTo(COUNT), 16, (i) => publish("f34", { i, text: "x".repeat(200) }));
  const first = await join("f34", "first");
  const query = { epoch: String(first.welcome.epoch), offset: "0" };
  const clients = await inTurns(upTo(200), 200, (i) => join("f34", `u${i}`, query));
  const since = Date.now();
  await publish("f34", "now");
  expect(Date.now() - since).toBeLessThan(5_000);
  for (const client of clients) {
    await client.next("message", ({ offset }) => offset === COUNT + 1, 60_000);
    expect((client.welcome.messages as object[]).length).toBeLessThanOrEqual(100);
    expect(offsetsOf(client)).toEqual(upTo(COUNT + 1));
  }
  for (const client of [first, ...clients]) client.socket.terminate();
}, 180_000);

test("[SN13] a thousand who connect to one channel at once are all welcomed, and told of one another in few frames", async () => {
  const COUNT = 1000;
  const since = Date.now();
  const clients = await inTurns(upTo(COUNT), 200, (i) => join("sn13", `u${i}`));
  const isThere = async () => {
    const answer = await fetch(`${service.url}/v1/channels/sn13`, { headers: KEY });
    return ((await answer.json()) as { members: number }).members;
  };
  expect(await isThere()).toBe(COUNT);
  const last = (client: RawClient) => client.frames.findLast(({ type }) => type === "members")?.count;
  await expect
    .poll(() => clients.slice(0, -1).every((client) => last(client) === COUNT), { timeout: 30_000 })
    .toBe(true);
  const ticks = Math.ceil((Date.now() - since) / 50) + 1;
  for (const { frames } of clients) {
    expect(frames.filter(({ type }) => type === "members").length).toBeLessThanOrEqual(
      Math.min(ticks, COUNT),
    );
  }
  const told = clients.reduce(
    (sum, { frames }) => sum + frames.filter(({ type }) => type === "members").length,
    0,
  );
  expect(told).toBeLessThan((COUNT * COUNT) / 4); // each of each would be twice that
  for (const { socket } of clients) socket.terminate();
}, 300_000);

test("[F17] after twelve idle seconds the object sleeps, and a message is delivered all the same", async () => {
  const channel = `f17-${Date.now()}`; // tried again it is another one
  const ann = await join(channel, "ann");
  await new Promise((resolve) => setTimeout(resolve, 12_000));
  await publish(channel, "good morning");
  expect(await ann.next("message")).toMatchObject({ data: "good morning", offset: 1 });
  expect(ann.frames.map(({ type }) => type).filter((type) => type !== "members")).toEqual([
    "welcome",
    "message",
  ]);
  ann.socket.terminate();
}, 120_000);

test.each(["/v1/channels/n31/connect", "/v1/connect"])(
  "[N31] %s does not compress, and a frame that would inflate to 32 MiB ends its connection only",
  async (path) => {
    const ben = await join("n31", "ben");
    const headers = { Authorization: `Bearer ${await tokenFor("ann")}` };
    const socket = new WebSocket(service.url.replace("http", "ws") + path, {
      headers,
      perMessageDeflate: true,
    });
    socket.on("error", () => undefined); // the runtime's reason is longer than a close frame may be
    await new Promise((resolve) => socket.once("message", resolve));
    expect(socket.extensions).toBe("");
    const inflating = deflateRawSync(Buffer.alloc(32 * 1024 * 1024 - 16, "a"), {
      finishFlush: constants.Z_SYNC_FLUSH,
    });
    const head = Buffer.alloc(14);
    head[0] = 0xc1; // final, text, and compressed
    head[1] = 0x80 | 127;
    head.writeBigUInt64BE(BigInt(inflating.length), 2);
    const closed = new Promise((resolve) => socket.once("close", resolve));
    (socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket.write(
      Buffer.concat([head, inflating]),
    );
    expect([1002, 1006, 1007, 1009]).toContain(await closed);
    expect(await ben.ask({ type: "publish", data: "still here" })).toMatchObject({ type: "ok" });
    ben.socket.terminate();
  },
);
