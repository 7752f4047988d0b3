import { execFileSync } from "node:child_process";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import type { Channel } from "../../src/client/index.ts";
import { clientBench, ownBench } from "../fixtures/client-bench.ts";
import type { FakeSocket } from "../fixtures/fake-socket.ts";
import { settled } from "../fixtures/fake-timers.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const MOST_GZIPPED_BYTES = 8 * 1024;

const body = (offset: number) => ({
  id: `m${offset}`,
  channel: "room",
  offset,
  event: "message",
  data: offset,
  at: 1,
});
const message = (offset: number) => ({ type: "message", ...body(offset) });
const member = (user: string) => ({ user, sessions: 1, devices: ["web" as const], joinedAt: 1 });
const STAND = {
  type: "subscribed",
  channel: "room",
  epoch: "e1",
  offset: 4,
  recovered: false,
  messages: [],
  count: 0,
};

interface Sent {
  type: string;
  ref: number;
  [field: string]: unknown;
}

const sent = (socket: FakeSocket, type: string) =>
  socket.sent
    .flatMap((text) => (text === "ping" ? [] : [JSON.parse(text) as Sent]))
    .filter((frame) => frame.type === type);
const last = (socket: FakeSocket, type = "subscribe") => sent(socket, type).at(-1) as Sent;

/** What a channel tells, in order. */
function heard(channel: Channel): unknown[] {
  const events: unknown[] = [];
  channel.on("message", ({ offset }) => events.push(offset));
  channel.on("gap", ({ from, to }) => events.push(`gap ${from}-${to}`));
  channel.on("status", (state) => state.name === "closed" && events.push(`closed ${state.error?.code}`));
  return events;
}

/** Subscribed to `room`, at offset 4. */
async function bench() {
  const own = ownBench();
  const socket = await own.welcome();
  const room = own.connection.subscribe("room");
  const events = heard(room);
  socket.say({ ...STAND, ref: last(socket).ref });
  await settled();
  return { ...own, socket, room, events };
}

describe("a subscription of a user's own connection", () => {
  test("[CL70] it is asked for with its options, and tells messages, signals and the roster of its channel", async () => {
    const { connection, welcome } = ownBench();
    const early = connection.subscribe("room", { rewind: 5, events: ["message"] }); // before anything is open
    const socket = await welcome();
    expect(last(socket)).toMatchObject({ channel: "room", rewind: 5, events: ["message"] });
    expect(connection.subscribe("room")).toBe(early);
    const events = heard(early);
    const signals: unknown[] = [];
    early.on("signal", ({ event }) => signals.push(event));
    socket.say({
      ...STAND,
      messages: [body(3), body(4)],
      members: [member("ann")],
      count: 1,
      ref: last(socket).ref,
    });
    socket.say({
      type: "members",
      channel: "room",
      count: 2,
      joined: [member("ben")],
      left: [],
      changed: [],
    });
    socket.say(message(5));
    socket.say({ type: "signal", channel: "room", event: "typing" });
    socket.say({ ...message(9), channel: "another" });
    expect([events, signals]).toEqual([[3, 4, 5], ["typing"]]);
    expect([[...early.members.keys()], early.count]).toEqual([["ann", "ben"], 2]);
    early.publish("hi", { key: "k" }).catch(() => undefined);
    expect(last(socket, "publish")).toMatchObject({ channel: "room", data: "hi", key: "k" });
    early.signal("typing");
    expect(last(socket, "signal")).toMatchObject({ channel: "room", event: "typing" });
  });

  test("[CL71] a new session subscribes again, from where the last one stood, and nothing is told twice", async () => {
    const { socket, events, timers, welcome } = await bench();
    socket.say(message(5));
    socket.end(1006);
    await timers.pass(250);
    const again = await welcome();
    expect(last(again)).toMatchObject({ channel: "room", epoch: "e1", offset: 5 });
    again.say({ ...STAND, offset: 7, recovered: true, messages: [body(6)], ref: last(again).ref });
    again.say(message(6));
    again.say(message(7));
    expect(events).toEqual([5, 6, 7]);
  });

  test("[CL72] [F30] frames that are lost, doubled or out of order are asked for once, and told once and in order", async () => {
    const { socket, events } = await bench();
    socket.say(message(6)); // 5 is missing
    socket.say(message(7));
    expect(sent(socket, "subscribe")).toHaveLength(2);
    expect(last(socket)).toMatchObject({ epoch: "e1", offset: 4 });
    socket.say(message(5)); // late
    socket.say(message(5));
    socket.say({
      ...STAND,
      offset: 7,
      recovered: true,
      messages: [5, 6, 7].map(body),
      ref: last(socket).ref,
    });
    socket.say(message(7));
    socket.say(message(8));
    expect(events).toEqual([5, 6, 7, 8]);
    socket.say({ type: "message", channel: "room", offset: 12, skipped: true }); // a run is no gap
    socket.say(message(13));
    expect(sent(socket, "subscribe")).toHaveLength(2);
    expect(events.at(-1)).toBe(13);
  });

  test("[CL73] what can't be recovered is told as a gap, before anything later", async () => {
    const { socket, events, timers, welcome } = await bench();
    socket.end(1006);
    await timers.pass(250);
    const again = await welcome();
    again.say({ ...STAND, epoch: "e2", offset: 1, messages: [body(1)], ref: last(again).ref });
    again.say(message(2));
    expect(events).toEqual(["gap 1-0", 1, 2]);
  });

  test("[CL74] a refusal ends it and is told; what passes is tried again after its pause", async () => {
    const { connection, timers, welcome } = ownBench();
    const errors: string[] = [];
    connection.on("error", ({ code }) => errors.push(code));
    const socket = await welcome();
    const room = connection.subscribe("room");
    const events = heard(room);
    socket.say({
      type: "error",
      code: "rate_limited",
      message: "",
      retryAfterMs: 300,
      ref: last(socket).ref,
    });
    await timers.pass(299);
    expect(sent(socket, "subscribe")).toHaveLength(1);
    await timers.pass(1);
    expect(sent(socket, "subscribe")).toHaveLength(2);
    socket.say({ type: "error", code: "too_many_subscriptions", message: "", ref: last(socket).ref });
    await settled();
    expect([events, errors]).toEqual([["closed too_many_subscriptions"], ["too_many_subscriptions"]]);
    expect(connection.subscribe("room")).not.toBe(room);
  });

  test("[CL79] many channels are asked for a few at a time, and all wait where one is told to", async () => {
    const { connection, timers, welcome } = ownBench();
    for (let i = 0; i < 30; i++) connection.subscribe(`room-${i}`);
    const given = connection.subscribe("given-up");
    const socket = await welcome();
    expect(sent(socket, "subscribe")).toHaveLength(8);
    given.leave().catch(() => undefined);
    for (const { ref } of sent(socket, "subscribe"))
      socket.say({ type: "error", code: "rate_limited", message: "", retryAfterMs: 100, ref });
    await timers.pass(99);
    expect(sent(socket, "subscribe")).toHaveLength(8);
    await timers.pass(1);
    expect(sent(socket, "subscribe")).toHaveLength(16);
    const answered = new Set<number>();
    const answer = (frame: Sent) => {
      answered.add(frame.ref);
      socket.say({ ...STAND, channel: frame.channel, ref: frame.ref });
    };
    for (let round = 0; round < 5; round++) {
      for (const frame of sent(socket, "subscribe").slice(8)) if (!answered.has(frame.ref)) answer(frame);
      await settled();
    }
    const channels = sent(socket, "subscribe").map(({ channel }) => channel);
    expect([new Set(channels).size, answered.size]).toEqual([30, 30]);
    expect(channels).not.toContain("given-up"); // before its turn came
  });

  test("[CL88] where too many requests wait for an answer, a subscription waits for one to come", async () => {
    const { events, socket, connection, timers, welcome } = await bench();
    socket.end(1006);
    connection.on("welcome", () => {
      for (let n = 0; n < 256; n++) connection.members({ channel: "c" }).catch(() => undefined);
    });
    await timers.pass(250);
    const again = await welcome();
    const late = connection.subscribe("late");
    const lateEvents = heard(late);
    again.say({ type: "error", code: "unavailable", channel: "room", message: "" }); // asks again in a second
    await timers.pass(9_999);
    expect([sent(again, "subscribe").map(({ channel }) => channel), lateEvents, events]).toEqual([
      ["room"],
      [],
      [],
    ]);
    await timers.pass(2_000); // they have timed out
    const channels = sent(again, "subscribe").map(({ channel }) => channel);
    expect([new Set(channels), lateEvents, events]).toEqual([new Set(["room", "late"]), [], []]);
  });

  test("[CL75] who unsubscribes hears nothing more, and is not subscribed again", async () => {
    const { socket, events, room, timers, welcome } = await bench();
    const done = room.leave();
    socket.say(message(5));
    socket.say({ type: "ok", ref: last(socket, "unsubscribe").ref });
    await done;
    socket.end(1006);
    await timers.pass(250);
    expect(sent(await welcome(), "subscribe")).toEqual([]);
    expect(events).toEqual(["closed undefined"]);
    await expect(room.leave()).resolves.toBeUndefined();
  });

  test("[CL76] who was sent away is told; where the channel was deleted it subscribes again", async () => {
    const { socket, events, timers, connection } = await bench();
    socket.say({ type: "error", channel: "room", code: "unavailable", message: "", retryAfterMs: 1000 });
    await timers.pass(1000);
    expect(sent(socket, "subscribe")).toHaveLength(2);
    socket.say({ ...STAND, epoch: "e2", offset: 0, ref: last(socket).ref });
    socket.say({ type: "error", channel: "room", code: "forbidden", message: "" });
    expect(events).toEqual(["gap 1-0", "closed forbidden"]);
    expect(connection.state.name).toBe("open");
  });
});

test("[CL77] [F30] a channel connection asks for what lies between, one question at a time", async () => {
  const { connection, welcome, timers } = clientBench();
  const offsets: number[] = [];
  connection.on("message", ({ offset }) => offsets.push(offset));
  const at = (offset: number) => ({ ...message(offset), channel: "lobby" });
  const stand = { ...STAND, channel: "lobby" };
  const { type: _, ...first } = stand;
  const socket = await welcome(first);
  socket.say(at(6));
  socket.say(at(7));
  expect(sent(socket, "subscribe")).toHaveLength(1);
  socket.say({ type: "error", code: "rate_limited", message: "", retryAfterMs: 50, ref: last(socket).ref });
  await timers.pass(50);
  expect(sent(socket, "subscribe")).toHaveLength(2);
  const missed = [5, 6, 7].map((offset) => ({ ...body(offset), channel: "lobby" }));
  socket.say({ ...stand, offset: 7, recovered: true, messages: missed, ref: last(socket).ref });
  await settled();
  expect(offsets).toEqual([5, 6, 7]);
});

test("[CL78] the SDK is smaller than 8 KB, minified and gzipped", () => {
  const bundle = execFileSync(
    `${ROOT}/node_modules/.bin/esbuild`,
    ["src/client/index.ts", "--bundle", "--minify", "--format=esm"],
    { cwd: ROOT },
  );
  expect(gzipSync(bundle).length).toBeLessThan(MOST_GZIPPED_BYTES);
});
