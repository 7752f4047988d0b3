import {
  createExecutionContext,
  createMessageBatch,
  getQueueResult,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test, vi } from "vitest";
import { consume } from "../../src/events/queues.ts";
import { targetName } from "../../src/events/target-name.ts";
import { webhookOf } from "../../src/objects/stubs.ts";
import { KEY, publish, read, request, until, WorkerClient } from "./client.ts";
import { Hook } from "./hook.ts";
import { sendTo } from "./inbox.ts";
import { Meter } from "./meter.ts";
import { say } from "./watch.ts";

/** This file runs with a webhook and `EVENTS=*` (vitest.config.ts); events take the real queue. */
const hook = Hook.install();
const webhook = async () => webhookOf(env, await targetName("https://hooks.example.com/rollcall"));
const isOffline = async (user: string) => (await read(`/v1/users/${user}/presence`)).status === "offline";
const typesOf = (events: readonly { type: string }[]) => events.map(({ type }) => type);
const rowsLeft = (stub: DurableObjectStub) =>
  runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec("SELECT 1 FROM outgoing_event").toArray().length,
  );

test("[EV10] a session, and the presence that it makes, are told from beginning to end, each once, with versions that grow", async () => {
  const first = await WorkerClient.connect("ev-ann", { device: "mobile" });
  const second = await WorkerClient.connect("ev-ann", { device: "mobile" });
  await say("ev-ann", { status: "busy", text: "at work" });
  second.socket.close(1000);
  await until(async () => ((await read("/v1/users/ev-ann/sessions")).sessions as unknown[]).length === 1);
  first.socket.close(1000);
  await until(() => isOffline("ev-ann"));
  await hook.until(() => hook.ofUser("ev-ann").length >= 7);
  const events = hook.ofUser("ev-ann");
  expect(typesOf(events)).toEqual([
    "session.started",
    "presence.changed",
    "session.started",
    "presence.changed",
    "session.ended",
    "session.ended",
    "presence.changed",
  ]);
  const versions = events.map(({ data }) => Number(data.version));
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  expect(events[0]).toMatchObject({
    timestamp: expect.any(Number),
    data: {
      id: first.session,
      device: { type: "mobile" },
      transport: "websocket",
      lastSeenAt: expect.any(Number),
    },
  });
  expect(events[1]?.data).toMatchObject({ status: "online", devices: ["mobile"] });
  expect(events[3]?.data).toMatchObject({ status: "busy", text: "at work" });
  expect(events[4]?.data).toMatchObject({ id: second.session, reason: "closed" });
  expect(events[5]?.data).toMatchObject({ id: first.session, reason: "closed" });
  expect(events[6]?.data).toMatchObject({ status: "offline", devices: [] });
  expect(events[6]?.data.version).toBe((await read("/v1/users/ev-ann/presence")).version);
  for (const { data } of events) expect(data).not.toHaveProperty("ip");
  await until(async () => (await rowsLeft(env.USER.getByName("ev-ann"))) === 0);
});

test("[EV10] why a session ended is told: by an operator, replaced, protocol, revoked", async () => {
  await WorkerClient.connect("ev-why");
  await request("/v1/users/ev-why/sessions", { method: "DELETE", headers: KEY });
  const bad = await WorkerClient.connect("ev-why");
  bad.socket.send(new Uint8Array([1]));
  await until(() => bad.closeCode !== undefined);
  await WorkerClient.connect("ev-why");
  await request("/v1/users/ev-why/sessions?revoke=true", { method: "DELETE", headers: KEY });
  const ended = () => hook.ofUser("ev-why").filter(({ type }) => type === "session.ended");
  await hook.until(() => ended().length === 3);
  expect(ended().map(({ data }) => data.reason)).toEqual(["ended", "protocol", "revoked"]);
});

test("[EV11] who comes to a channel and goes is told, and that it is occupied and vacated, hidden members too", async () => {
  const ann = await WorkerClient.connect("ev-m1", { channel: "ev-room", claims: { info: { name: "Ann" } } });
  const tab = await WorkerClient.connect("ev-m1", { channel: "ev-room" });
  const ben = await WorkerClient.connect("ev-m2", { channel: "ev-room" });
  await say("ev-m2", { status: "invisible" });
  for (const { socket } of [tab, ann]) socket.close(1000);
  await until(async () => (await read("/v1/channels/ev-room")).members === 1);
  ben.socket.close(1000);
  await until(async () => (await read("/v1/channels/ev-room")).members === 0);
  await hook.until(() => hook.ofChannel("ev-room").length >= 6);
  const events = hook.ofChannel("ev-room");
  expect(typesOf(events)).toEqual([
    "channel.occupied",
    "member.joined",
    "member.joined",
    "member.left",
    "member.left",
    "channel.vacated",
  ]);
  const versions = events.map(({ data }) => Number(data.version));
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
  expect(events[0]?.data).toEqual({ channel: "ev-room", version: expect.any(Number) });
  expect(events[1]?.data.member).toMatchObject({ user: "ev-m1", info: { name: "Ann" }, sessions: 1 });
  expect(events[4]?.data.member).toMatchObject({ user: "ev-m2", hidden: true });
});

test("[EV12] every message is told, in its order, byte for byte, whoever is left out of it", async () => {
  const odd = { text: "a\u0000b \u2028 ü 👩‍👩‍👧", n: 1.5, __proto__: null };
  for (let i = 0; i < 30; i++) {
    await publish("ev-talk", { data: i === 7 ? odd : i, ...(i === 8 && { exclude: { user: "x" } }) });
  }
  await hook.until(() => hook.messagesOf("ev-talk").length === 30);
  const messages = hook.messagesOf("ev-talk");
  expect(messages.map(({ data }) => data.offset)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
  const { messages: stored } = (await read("/v1/channels/ev-talk/messages")) as { messages: unknown[] };
  expect(messages.map(({ data }) => data)).toEqual(stored);
});

test("[EV12] a direct message that nobody fetched in time is told, whose it was and what it said", async () => {
  await sendTo("ev-away", { data: { n: 1 }, ttlSeconds: 1 });
  await sendTo("ev-away", { data: { n: 2 }, ttlSeconds: 60 });
  await hook.until(() => hook.ofUser("ev-away").length > 0);
  expect(hook.ofUser("ev-away")).toMatchObject([
    { type: "direct.expired", data: { user: "ev-away", seq: 1, event: "message", data: { n: 1 } } },
  ]);
});

test("[EV3] with a webhook a connect and its end write at most 8 rows more, a publish one", async () => {
  const warm = await WorkerClient.connect("ev-cost");
  await publish("ev-cost", { data: 0 });
  warm.socket.close(1000);
  await until(() => isOffline("ev-cost"));
  await hook.until(() => hook.ofUser("ev-cost").length === 4 && hook.messagesOf("ev-cost").length === 1);
  const meter = await Meter.on(env.USER.getByName("ev-cost"));
  const { socket } = await WorkerClient.connect("ev-cost");
  socket.close(1000);
  await until(() => isOffline("ev-cost"));
  await until(async () => (await rowsLeft(env.USER.getByName("ev-cost"))) === 0);
  meter.off();
  const ofEvents = meter.statements.filter((statement) => statement.includes("outgoing_event"));
  expect(ofEvents.filter((statement) => statement.startsWith("INSERT"))).toHaveLength(3); // began, ended, offline
  expect(meter.billed, meter.statements.join("\n")).toBeLessThanOrEqual(18 + 2);
  const publishing = await Meter.on(env.USER.getByName("ev-cost"));
  await publish("ev-cost", { data: 1 });
  await hook.until(() => hook.messagesOf("ev-cost").length === 2);
  publishing.off();
  const rows = publishing.statements.filter((statement) => !statement.includes("webhook"));
  expect(rows.map((statement) => statement.split(" ").slice(0, 3).join(" "))).toEqual([
    "INSERT INTO message",
    "INSERT INTO exported",
  ]);
  expect(publishing.alarmsSet).toBeLessThanOrEqual(1);
});

test("[CT4] with a webhook a flap inside the grace writes rows of sessions and events only: the directory hears nothing", async () => {
  const first = await WorkerClient.connect("ev-flap", { channel: "ev-flap" });
  await until(async () => {
    const { users } = (await read("/v1/presence?limit=1000")) as { users: { user: string }[] };
    const { channels } = (await read("/v1/channels?prefix=ev-flap")) as { channels: object[] };
    return channels.length > 0 && users.some(({ user }) => user === "ev-flap");
  });
  const meter = await Meter.on(env.USER.getByName("ev-flap"));
  first.socket.close(1000);
  await until(async () => ((await read("/v1/users/ev-flap/sessions")).sessions as unknown[]).length === 0);
  const second = await WorkerClient.connect("ev-flap", { channel: "ev-flap" });
  await new Promise((resolve) => setTimeout(resolve, 800)); // longer than the grace of these tests
  meter.off();
  const others = meter.statements.filter(
    (statement) => !/\b(session|outgoing_event|webhook)\b/.test(statement),
  );
  expect(others).toEqual([]);
  second.socket.close(1000);
  await until(() => isOffline("ev-flap"));
});

test("[Q1] what the webhook refuses comes back from the queue with the same id and body, after a pause that grows", async () => {
  const text = JSON.stringify({ id: "evt_q1", type: "t", at: 1, data: { n: 1 } });
  const delays: number[] = [];
  hook.status = 500;
  for (const attempts of [1, 2, 3]) {
    const batch = createMessageBatch("rollcall-events", [
      { id: "q1", timestamp: new Date(), attempts, body: text },
    ]);
    const [message] = batch.messages;
    const retry = message && vi.spyOn(message, "retry");
    await consume(batch, env);
    const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
    expect(explicitAcks).toEqual([]);
    expect(retryMessages).toHaveLength(1);
    delays.push(retry?.mock.calls[0]?.[0]?.delaySeconds ?? 0);
  }
  expect(delays).toEqual([...delays].sort((a, b) => a - b));
  expect(delays[0]).toBeGreaterThanOrEqual(5);
  expect(delays[2]).toBeGreaterThanOrEqual(20);
  const tries = hook.received.filter(({ id }) => id === "evt_q1");
  expect(tries).toHaveLength(3);
  expect(new Set(tries.map((one) => JSON.stringify(one))).size).toBe(1);
});

test("[Q2] of a batch with one that is refused and one that is no event each other is acknowledged once", async () => {
  const body = (i: number) =>
    i === 3 ? "poison" : JSON.stringify({ id: `evt_batch-${i}`, type: "t", at: 1, data: {} });
  const messages = Array.from({ length: 10 }, (_, i) => ({
    ...{ id: `b${i}`, timestamp: new Date(), attempts: 1, body: body(i) },
  }));
  const batch = createMessageBatch("rollcall-events", messages);
  await consume(batch, env);
  const { explicitAcks, retryMessages } = await getQueueResult(batch, createExecutionContext());
  expect(explicitAcks.sort()).toEqual(messages.map(({ id }) => id));
  expect(retryMessages).toEqual([]);
  expect(hook.received.filter(({ id }) => id.startsWith("evt_batch-"))).toHaveLength(9);
  const { letters } = (await read("/v1/dead-letters")) as { letters: object[] };
  expect(letters).toContainEqual(expect.objectContaining({ id: "b3", type: "unreadable", data: "poison" }));
});

test("[EV19] what the queue gives up is listed for operators, and sent again under its old id, through the queue", async () => {
  const body = JSON.stringify({ id: "evt_dead", type: "member.joined", at: 5, data: { channel: "x" } });
  const message = { id: "d1", timestamp: new Date(), attempts: 101, body };
  const batch = createMessageBatch("rollcall-dead-letters", [message]);
  await consume(batch, env);
  expect((await getQueueResult(batch, createExecutionContext())).explicitAcks).toEqual(["d1"]);
  expect(hook.received.some(({ id }) => id === "evt_dead")).toBe(false);
  const listed = (await read("/v1/dead-letters?limit=1000")) as { letters: object[] };
  expect(listed.letters).toContainEqual({
    ...{ id: "evt_dead", type: "member.joined", at: 5, attempts: 101 },
    ...{ lastError: "given up by the queue", data: { channel: "x" } },
  });
  const replay = (id: string, headers: Record<string, string> = KEY) =>
    request(`/v1/dead-letters/${id}/replay`, { method: "POST", headers });
  expect((await replay("evt_dead")).status).toBe(202);
  await hook.until(() => hook.received.some(({ id }) => id === "evt_dead"));
  expect((await replay("evt_dead")).status).toBe(404);
  expect((await replay("evt_never")).status).toBe(404);
  expect((await request("/v1/dead-letters")).status).toBe(401);
  expect((await replay("evt_dead", {})).status).toBe(401);
  expect((await (await webhook()).stats()).redriven).toBeGreaterThan(0);
});

test("[A34] an event that makes a back end publish, and so on, ends after eight rounds", async () => {
  let hop: string | undefined;
  const statuses: number[] = [];
  for (let i = 1; i < 20 && statuses.at(-1) !== 409; i++) {
    const { status, body } = await publish(
      "ev-loop",
      { data: i },
      hop === undefined ? {} : { "Rollcall-Hop": hop },
    );
    statuses.push(status);
    if (status !== 201) expect(body.code).toBe("conflict");
    else await hook.until(() => hook.messagesOf("ev-loop").length === i);
    hop = hook.messagesOf("ev-loop").at(-1)?.hop ?? undefined;
  }
  expect(statuses).toEqual([...Array(9).fill(201), 409]);
  expect((await publish("ev-loop", { data: 1 }, { "Rollcall-Hop": "many" })).status).toBe(400);
  const init = { method: "PUT", headers: { ...KEY, "Rollcall-Hop": "9" }, body: '{"status":"busy"}' };
  expect((await request("/v1/users/ev-loop/presence", init)).status).toBe(409);
});
