import { describe, expect, test } from "vitest";
import { channelStep } from "../../src/client/channel-state.ts";
import type { Channel, Message } from "../../src/client/index.ts";
import { clientBench, ownBench } from "../fixtures/client-bench.ts";
import type { FakeSocket } from "../fixtures/fake-socket.ts";
import { settled } from "../fixtures/fake-timers.ts";

const body = (offset: number, channel = "room") => ({
  id: `m${offset}`,
  channel,
  offset,
  event: "message",
  data: offset,
  at: 1,
});
const message = (offset: number) => ({ type: "message", ...body(offset) });
const stand = (offset: number, more: object = {}) => ({
  channel: "room",
  epoch: "e1",
  offset,
  recovered: false,
  messages: [],
  count: 0,
  ...more,
});
const member = (user: string) => ({ user, sessions: 1, devices: ["web" as const], joinedAt: 1 });

const sent = (socket: FakeSocket, type: string) => socket.messages.filter((frame) => frame.type === type);
const refOf = (socket: FakeSocket, type: string) => sent(socket, type).at(-1)?.ref;
const refuse = (socket: FakeSocket, type: string, code: string, more: object = {}) =>
  socket.say({ type: "error", code, message: code, ref: refOf(socket, type), ...more });

/** What a channel tells, in order. */
function heard(channel: Channel): unknown[] {
  const told: unknown[] = [];
  channel.on("message", ({ offset }) => told.push(offset));
  channel.on("gap", ({ from, to }) => told.push(`gap ${from}-${to}`));
  channel.on("status", ({ name }) => told.push(name));
  return told;
}

/** In `room` on a user's own connection, at offset 4. */
async function joined() {
  const own = ownBench();
  const socket = await own.welcome();
  const room = own.connection.channel("room");
  const told = heard(room);
  socket.say({ type: "subscribed", ...stand(4), ref: refOf(socket, "subscribe") });
  await settled();
  const reconnect = async (from: FakeSocket) => {
    from.end(1006);
    await own.timers.pass(250);
    return own.welcome();
  };
  return { ...own, socket, room, told, reconnect };
}

describe("a channel's state", () => {
  const error = undefined;
  test("[CL89] it is joining, open, waiting or closed, and closed is final", () => {
    const open = channelStep({ name: "joining" }, { type: "stands", recovered: false });
    expect(open).toEqual({ name: "open", recovered: false });
    expect(channelStep(open, { type: "asked" })).toBe(open); // it only makes sure
    expect(channelStep(open, { type: "stands", recovered: true })).toBe(open);
    const waiting = channelStep(open, { type: "lost", reason: "1006" });
    expect(waiting).toEqual({ name: "waiting", reason: "1006" });
    expect(channelStep(waiting, { type: "asked" })).toEqual({ name: "joining" });
    const closed = channelStep(waiting, { type: "ended", error });
    expect(closed).toEqual({ name: "closed" });
    for (const type of ["asked", "ended"] as const) expect(channelStep(closed, { type, error })).toBe(closed);
    expect(channelStep(closed, { type: "stands", recovered: true })).toBe(closed);
  });
});

describe("a channel on a user's own connection", () => {
  test("[CL89] it is one object while it is open, and tells where it stands", async () => {
    const { connection, room, told, socket, reconnect } = await joined();
    expect(connection.channel("room")).toBe(room);
    expect([room.name, room.state]).toEqual(["room", { name: "open", recovered: false }]);
    const again = await reconnect(socket);
    expect(told).toEqual(["open", "waiting", "joining"]);
    again.say({ type: "subscribed", ...stand(4, { recovered: true }), ref: refOf(again, "subscribe") });
    refuse(again, "subscribe", "unavailable", { channel: "room", ref: undefined });
    expect(told.slice(3)).toEqual(["open", "waiting"]);
    const left = room.leave();
    expect(told.at(-1)).toBe("closed");
    again.say({ type: "ok", ref: refOf(again, "unsubscribe") });
    await left;
    expect(connection.channel("room")).not.toBe(room);
  });

  test("[CL90] it ends with its connection, and says why where nobody here closed it", async () => {
    const { connection, room, socket } = await joined();
    const errors: string[] = [];
    room.on("error", ({ code }) => errors.push(code));
    socket.say({ type: "closing", code: 4501, reason: "revoked", reconnect: false });
    socket.end(4501);
    expect(room.state).toMatchObject({
      name: "closed",
      error: { code: "connection_lost", message: "revoked" },
    });
    expect(errors).toEqual(["connection_lost"]);
    expect(connection.channel("room").state.name).toBe("closed");
    const other = await joined();
    other.connection.close();
    expect(other.room.state).toEqual({ name: "closed" });
  });

  test("[CL91] what is lost between two messages is told by its offsets, and where nothing is, nothing is told", async () => {
    const { told, socket, reconnect } = await joined();
    const second = await reconnect(socket);
    const missed = { offset: 9, messages: [body(8), body(9)] };
    second.say({ type: "subscribed", ...stand(9, missed), ref: refOf(second, "subscribe") });
    expect(told.slice(3)).toEqual(["gap 5-7", "open", 8, 9]);
    const third = await reconnect(second);
    const known = { messages: [body(8), body(9), body(10)] };
    third.say({ type: "subscribed", ...stand(10, known), ref: refOf(third, "subscribe") });
    expect(told.slice(9)).toEqual(["open", 10]); // more of it than was asked for, and twice nothing
    third.say({ type: "subscribed", ...stand(4), ref: 1 }); // an old answer, come late
    third.say(message(11));
    expect(told.slice(11)).toEqual([11]);
  });

  test("[CL91] before the service has said where it stands no message is told", async () => {
    const { connection, welcome } = ownBench();
    const room = connection.channel("room");
    const told = heard(room);
    const socket = await welcome();
    socket.say(message(3));
    socket.say({ type: "subscribed", ...stand(3, { messages: [body(3)] }), ref: refOf(socket, "subscribe") });
    expect(told).toEqual(["open", 3]);
  });

  test("[CL92] signals and requests go to the channel; a signal that would leave late is dropped", async () => {
    const { connection, room, socket } = await joined();
    const signals: unknown[] = [];
    room.on("signal", ({ event }) => signals.push(event));
    connection.on("signal", ({ event }) => signals.push(event));
    socket.say({ type: "signal", channel: "room", event: "typing" });
    expect(signals).toEqual(["typing", "typing"]);
    expect(room.signal("typing", { on: true })).toBe(true);
    room.history({ after: 2 }).catch(() => undefined);
    room.listMembers({ limit: 5 }).catch(() => undefined);
    expect(socket.messages.slice(1)).toMatchObject([
      { type: "signal", channel: "room", event: "typing", data: { on: true } },
      { type: "history", channel: "room", after: 2 },
      { type: "members", channel: "room", limit: 5 },
    ]);
    socket.bufferedAmount = 65_537;
    expect(room.signal("typing")).toBe(false);
    socket.bufferedAmount = 65_536;
    expect(room.signal("typing")).toBe(true);
    expect(sent(socket, "signal")).toHaveLength(2);
  });
});

describe("a connection of its own", () => {
  /** The service sent it there, and it is welcomed. */
  async function moved() {
    const { socket, room, told, connection, sockets, timers, welcome } = await joined();
    socket.say({ type: "error", channel: "room", code: "unavailable", message: "", retryAfterMs: 10 });
    await timers.pass(10);
    refuse(socket, "subscribe", "use_channel_connection");
    await settled();
    const own = await welcome(
      stand(6, { recovered: true, messages: [body(5)], members: [member("ben")], count: 1 }),
    );
    return { connection, socket, own, room, told, sockets, timers, welcome };
  }

  test("[CL93] told to, a channel goes on there from where it stood, after a moment of joining", async () => {
    const { connection, socket, own, room, told, sockets } = await moved();
    expect(sockets).toHaveLength(2);
    const { pathname, searchParams } = new URL(own.url);
    expect([pathname, searchParams.get("epoch"), searchParams.get("offset")]).toEqual([
      "/v1/channels/room/connect",
      "e1",
      "4",
    ]);
    own.say(message(5), message(6), message(7));
    expect(told).toEqual(["open", "waiting", "joining", "open", 5, 6, 7]);
    expect([connection.channel("room"), [...room.members.keys()], room.count]).toEqual([room, ["ben"], 1]);
    own.say({ type: "message", ...body(8, "another") });
    own.say({ type: "signal", channel: "room", event: "typing" });
    expect(told.at(-1)).toBe(7);
    expect(socket.closedWith).toBeUndefined();
  });

  test("[CL93] a channel that was left before it is told to move begins no connection", async () => {
    const { connection, sockets, welcome } = ownBench();
    const socket = await welcome();
    void connection.channel("big").leave();
    refuse(socket, "subscribe", "use_channel_connection");
    await settled();
    expect(sockets).toHaveLength(1);
  });

  test("[CL94] what is under way when that connection ends is said on the client's", async () => {
    const { socket, own, room, connection } = await moved();
    const publishing = connection.publish(1, { channel: "room" });
    expect(sent(own, "publish")).toHaveLength(1);
    void room.leave();
    await settled();
    expect(sent(socket, "publish")).toMatchObject([{ data: 1, key: sent(own, "publish")[0]?.key }]);
    socket.say({
      type: "ok",
      ref: refOf(socket, "publish"),
      id: "m7",
      channel: "room",
      epoch: "e1",
      offset: 7,
    });
    await expect(publishing).resolves.toMatchObject({ offset: 7 });
  });

  test("[CL93] the connection still tells of its messages, signals and errors", async () => {
    const { connection, own } = await moved();
    const told: unknown[] = [];
    connection.on("message", ({ offset }) => told.push(offset));
    connection.on("signal", ({ event }) => told.push(event));
    connection.on("error", ({ code }) => told.push(code));
    own.say(message(6), { type: "signal", channel: "room", event: "typing" });
    own.say({ type: "error", code: "rate_limited", message: "" });
    expect(told).toEqual([6, "typing", "rate_limited"]);
  });

  test("[CL94] what is said to the channel goes there, also what waited since before", async () => {
    const { socket, room, connection, timers, welcome } = await joined();
    const first = room.publish(1);
    const second = connection.publish(2, { channel: "room" });
    expect(sent(socket, "publish")).toMatchObject([{ data: 1 }]);
    socket.say({ type: "error", channel: "room", code: "use_channel_connection", message: "" });
    refuse(socket, "publish", "unavailable");
    const own = await welcome(stand(4, { recovered: true }));
    await timers.pass(1000);
    expect([sent(socket, "publish").length, sent(own, "publish")]).toMatchObject([1, [{ data: 1 }]]);
    expect(sent(own, "publish")[0]?.key).toBe(sent(socket, "publish")[0]?.key);
    own.say({ type: "ok", ref: refOf(own, "publish"), id: "m5", channel: "room", epoch: "e1", offset: 5 });
    await expect(first).resolves.toMatchObject({ offset: 5 });
    own.end(1006); // it goes on there when that is back
    await timers.pass(250);
    const again = await welcome(stand(5, { recovered: true }));
    await settled();
    expect(sent(again, "publish")).toMatchObject([{ data: 2 }]);
    again.say({
      type: "ok",
      ref: refOf(again, "publish"),
      id: "m6",
      channel: "room",
      epoch: "e1",
      offset: 6,
    });
    await expect(second).resolves.toMatchObject({ offset: 6 });
    expect([room.signal("typing"), sent(again, "signal").length, sent(socket, "signal").length]).toEqual([
      true,
      1,
      0,
    ]);
    const { length } = socket.sent;
    connection.check();
    expect([again.sent.at(-1), socket.sent.length]).toEqual(["ping", length + 1]);
  });

  test("[CL93] it comes and goes with that connection, and a lost user's connection is no matter to it", async () => {
    const { socket, own, told, timers, welcome, room, connection } = await moved();
    socket.end(1006);
    await timers.pass(250);
    const user = await welcome();
    expect(sent(user, "subscribe")).toEqual([]);
    own.say(message(6));
    expect(told.slice(5)).toEqual([6]);
    own.end(1006);
    await timers.pass(250);
    await welcome(stand(6, { recovered: true }));
    expect(told.slice(6)).toEqual(["waiting", "joining", "open"]);
    connection.close();
    expect(room.state).toEqual({ name: "closed" });
  });

  test("[CL95] asked for, it is opened at once; leaving closes it and nothing else", async () => {
    const { connection, sockets, socket, welcome } = ownBench();
    const user = await welcome();
    const room = connection.channel("room", { connection: "own", rewind: 3, events: ["chat"] });
    expect(room.state).toEqual({ name: "joining" });
    const own = await welcome(stand(2, { messages: [body(1), { ...body(2), event: "chat" }] }));
    expect([new URL(own.url).searchParams.get("rewind"), sent(user, "subscribe")]).toEqual(["3", []]);
    const told = heard(room);
    own.say(message(3), { ...message(4), event: "chat" });
    expect(told).toEqual([4]);
    await room.leave();
    expect([own.closedWith, connection.state.name, sent(user, "unsubscribe")]).toEqual([1000, "open", []]);
    connection.channel("room");
    expect([sockets.length, sent(user, "subscribe").length, await socket()]).toEqual([2, 1, own]);
  });

  test("[CL95] where the service refuses it the channel is over, and says why", async () => {
    const fetch = () => Promise.resolve(Response.json({ code: "forbidden", detail: "no" }, { status: 403 }));
    const { connection, welcome, socket } = ownBench({ fetch });
    await welcome();
    const errors: string[] = [];
    connection.on("error", ({ code }) => errors.push(code));
    const room = connection.channel("room", { connection: "own" });
    (await socket()).end(1006);
    await settled();
    expect([room.state, errors]).toMatchObject([
      { name: "closed", error: { code: "forbidden" } },
      ["forbidden"],
    ]);
    expect(connection.state.name).toBe("open");
  });

  test("[CL106] it says the status of the client's session, now and whenever it comes back", async () => {
    const { connection, welcome, timers } = ownBench();
    const user = await welcome();
    const set = (change: object) => {
      void connection.presence.set(change);
      user.say({ type: "ok", ref: refOf(user, "presence"), user: "ann" });
      return settled();
    };
    await set({ status: "away" });
    connection.channel("room", { connection: "own" });
    const own = await welcome(stand(0));
    await set({ text: "back soon" });
    await set({ emoji: "x", scope: "user" });
    const said = ({ status, text, emoji }: Record<string, unknown>) => [status, text, emoji];
    expect(sent(own, "presence").map(said)).toEqual([
      ["away", undefined, undefined],
      [undefined, "back soon", undefined],
    ]);
    own.end(1006);
    await timers.pass(250);
    await set({ status: null }); // while that one is lost
    const again = await welcome(stand(0, { recovered: true }));
    expect(sent(again, "presence").map(said)).toEqual([[null, "back soon", undefined]]);
  });

  test("[CL96] there are eight at most: one more would be a session too many", async () => {
    const { connection, welcome, sockets } = ownBench();
    await welcome();
    const rooms = Array.from({ length: 9 }, (_, n) => connection.channel(`room-${n}`, { connection: "own" }));
    await settled();
    expect(sockets).toHaveLength(9);
    expect(rooms.map(({ state }) => state.name)).toEqual([...Array(8).fill("joining"), "closed"]);
    expect(rooms[8]?.state).toMatchObject({ error: { code: "too_many_subscriptions" } });
  });

  test("[CL97] on a channel connection the channel is a view of it, and leaving closes it", async () => {
    const { connection, welcome, sockets } = clientBench();
    const lobby = connection.channel("lobby");
    const told = heard(lobby);
    const socket = await welcome(stand(4, { channel: "lobby", members: [member("ann")], count: 1 }));
    socket.say({ type: "message", ...body(5, "lobby") });
    expect([sockets.length, sent(socket, "subscribe"), told]).toEqual([1, [], ["open", 5]]);
    expect([lobby.members, lobby.count]).toEqual([connection.roster, connection.memberCount]);
    connection.channel("room"); // of another it opens one of its own
    await settled();
    expect(new URL(sockets[1]?.url ?? "").pathname).toBe("/v1/channels/room/connect");
    await lobby.leave();
    expect([connection.state.name, sockets.map(({ closedWith }) => closedWith)]).toEqual([
      "closed",
      [1000, 1000],
    ]);
  });

  test("[CL97] a channel connection tells of a gap as well", async () => {
    const { connection, welcome, timers } = clientBench();
    const gaps: unknown[] = [];
    connection.on("gap", (gap) => gaps.push(gap));
    (await welcome(stand(4, { channel: "lobby" }))).end(1006);
    await timers.pass(250);
    await welcome(stand(8, { channel: "lobby" }));
    expect(gaps).toEqual([{ from: 5, to: 8 }]);
  });
});

describe("a loop over messages", () => {
  /** Takes messages when told to. */
  async function loop(room: Channel) {
    const messages = room[Symbol.asyncIterator]();
    const first = messages.next();
    await settled();
    return { messages, first };
  }
  const offsets = async (messages: AsyncGenerator<Message>, count: number) => {
    const taken: number[] = [];
    for (let n = 0; n < count; n++) taken.push((await messages.next()).value?.offset ?? -1);
    return taken;
  };
  const upTo = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

  test("[CL98] it has the messages from then on, in order, until the channel is left", async () => {
    const { room, socket } = await joined();
    const { messages, first } = await loop(room);
    socket.say(message(5), message(6), message(7));
    expect(await first).toMatchObject({ value: { offset: 5, data: 5 } });
    const left = room.leave();
    expect(await offsets(messages, 3)).toEqual([6, 7, -1]);
    socket.say({ type: "ok", ref: refOf(socket, "unsubscribe") });
    await left;
  });

  test("[CL98] it throws what ended the channel", async () => {
    const { room, socket } = await joined();
    const { first } = await loop(room);
    socket.say({ type: "error", channel: "room", code: "forbidden", message: "sent away" });
    await expect(first).rejects.toMatchObject({ code: "forbidden" });
  });

  /** The loop has taken one, and 300 more have come. */
  async function slow() {
    const bench = await joined();
    const { messages, first } = await loop(bench.room);
    for (const offset of upTo(5, 305)) bench.socket.say(message(offset));
    await first;
    return { ...bench, messages };
  }

  test("[CL99] a slow one reads from the log what found no place, through what fails for a while", async () => {
    const { socket, messages, timers, reconnect } = await slow();
    expect(await offsets(messages, 255)).toEqual(upTo(6, 260));
    const rest = offsets(messages, 49);
    await settled();
    expect(sent(socket, "history")).toMatchObject([{ channel: "room", after: 259, limit: 256 }]);
    refuse(socket, "history", "rate_limited", { retryAfterMs: 30 });
    await timers.pass(30);
    const again = await reconnect(socket);
    const missed = stand(306, { recovered: true, messages: [body(306)] });
    again.say({ type: "subscribed", ...missed, ref: refOf(again, "subscribe") });
    await settled();
    // One of them is over by now: it is on no page.
    const page = [...upTo(260, 269), ...upTo(271, 290)].map((offset) => body(offset));
    again.say({ type: "ok", ref: refOf(again, "history"), epoch: "e1", offset: 306, messages: page });
    await settled();
    await settled();
    expect(sent(again, "history").at(-1)).toMatchObject({ after: 289 });
    const last = upTo(290, 306).map((offset) => body(offset));
    again.say({ type: "ok", ref: refOf(again, "history"), epoch: "e1", offset: 306, messages: last });
    await settled();
    for (const offset of [307, 308, 309, 310]) again.say(message(offset));
    expect(await rest).toEqual([...upTo(261, 269), ...upTo(271, 310)]);
    expect(sent(again, "history")).toHaveLength(2);
  });

  test("[CL99] what the log has before it is told comes once", async () => {
    const { socket, messages } = await slow();
    await offsets(messages, 255);
    const rest = offsets(messages, 51);
    await settled();
    const page = upTo(260, 310).map((offset) => body(offset));
    socket.say({ type: "ok", ref: refOf(socket, "history"), epoch: "e1", offset: 310, messages: page });
    await settled();
    for (const offset of upTo(306, 311)) socket.say(message(offset));
    expect(await rest).toEqual(upTo(261, 311));
  });

  test("[CL99] where all that found no place is over, it goes on with what comes next", async () => {
    const { socket, messages } = await slow();
    await offsets(messages, 255);
    const next = messages.next();
    await settled();
    const page = { epoch: "e1", offset: 305, messages: [body(260)] };
    socket.say({ type: "ok", ref: refOf(socket, "history"), ...page });
    await settled();
    socket.say(message(306));
    expect(await next).toMatchObject({ value: { offset: 306 } });
  });

  test.each([
    ["the log no longer reaches back to it", [body(270), body(271)]],
    ["the log is another one", [{ ...body(260), id: "another" }, body(261)]],
  ])("[CL100] where %s, it ends with too_slow", async (_, page) => {
    const { socket, messages } = await slow();
    await offsets(messages, 255);
    const next = messages.next().catch(({ code }: { code: string }) => code);
    await settled();
    socket.say({ type: "ok", ref: refOf(socket, "history"), epoch: "e1", offset: 305, messages: page });
    expect(await next).toBe("too_slow");
    await expect(messages.next()).resolves.toEqual({ done: true, value: undefined });
  });

  test("[CL100] where history is refused, it ends with that; who breaks off leaves nothing behind", async () => {
    const { socket, messages, room } = await slow();
    await offsets(messages, 255);
    const next = messages.next().catch(({ code }: { code: string }) => code);
    await settled();
    refuse(socket, "history", "forbidden");
    expect(await next).toBe("forbidden");
    expect(room.state.name).toBe("open");
  });
});
