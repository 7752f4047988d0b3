import { describe, expect, test } from "vitest";
import type { RollcallError } from "../../src/client/index.ts";
import { Cell } from "../../src/react/cell.ts";
import { Hub } from "../../src/react/hub.ts";
import { LINGER_MS } from "../../src/react/lingering.ts";
import { ownBench } from "../fixtures/client-bench.ts";
import type { FakeSocket } from "../fixtures/fake-socket.ts";
import { settled } from "../fixtures/fake-timers.ts";

const body = (offset: number, more: object = {}) => {
  const known = { id: `m${offset}`, channel: "room", offset, event: "message", data: offset, at: 1 };
  return { ...known, ...more };
};
const message = (offset: number, more: object = {}) => ({ type: "message", ...body(offset, more) });
const member = (user: string) => ({ user, sessions: 1, devices: ["web" as const], joinedAt: 1 });
const presence = (user: string, version = 1) => {
  const known = { user, status: "online" as const, lastActiveAt: 1, devices: ["web" as const] };
  return { ...known, version };
};
const STAND = { type: "subscribed", channel: "room", epoch: "e1", offset: 4, recovered: false, messages: [] };

const sent = (socket: FakeSocket, type: string) => socket.messages.filter((frame) => frame.type === type);
const answer = (socket: FakeSocket, type: string, fields: object, kind = "ok") => {
  socket.say({ type: kind, ref: sent(socket, type).at(-1)?.ref, ...fields });
  return settled();
};

/** A hub on a connection whose network and time belong to the test. */
function hubBench(isOwner = true) {
  const bench = ownBench();
  const errors: string[] = [];
  const failed = ({ code }: RollcallError) => errors.push(code);
  const hub = new Hub({ connect: () => bench.connection, isOwner, failed, timers: bench.timers });
  const reconnect = async (socket: FakeSocket) => {
    socket.end(1006);
    await bench.timers.pass(250);
    return bench.welcome();
  };
  return { ...bench, hub, errors, reconnect };
}

/** In `room`, whose log ends at 4, and where ann is. */
async function roomBench() {
  const bench = hubBench();
  const room = bench.hub.holdRoom("room");
  const socket = await bench.welcome();
  await stand(socket);
  return { ...bench, socket, room };
}

const stand = (socket: FakeSocket, more: object = {}) =>
  answer(socket, "subscribe", { ...STAND, members: [member("ann")], count: 1, ...more }, "subscribed");

/** Counts how often a component that shows this would be rendered. */
function rendersOf(cell: Cell<unknown>): () => number {
  let renders = 0;
  cell.subscribe(() => renders++);
  return () => renders;
}

describe("what components share", () => {
  test("[RE2] all that use a channel share one subscription, and a second after the last has gone it is left", async () => {
    const { hub, room, socket, timers } = await roomBench();
    const second = hub.holdRoom("room");
    expect(second.value).toBe(room.value);
    room.release();
    room.release(); // again: nothing
    await timers.pass(LINGER_MS);
    expect(sent(socket, "unsubscribe")).toEqual([]);
    second.release();
    await timers.pass(LINGER_MS - 1);
    expect(sent(socket, "unsubscribe")).toEqual([]);
    await timers.pass(1);
    expect(sent(socket, "unsubscribe")).toMatchObject([{ channel: "room" }]);
    expect(sent(socket, "subscribe")).toHaveLength(1);
    expect(hub.room("room")).toBeUndefined();
  });

  test("[RE3] what is unmounted and mounted again within a second says nothing", async () => {
    const { hub, room, socket, timers } = await roomBench();
    const users = hub.users.hold("ben");
    await settled();
    await answer(socket, "watch", { presence: [presence("ben")] });
    let held = room;
    let watched = users;
    for (let times = 0; times < 50; times++) {
      held.release();
      watched.release();
      await timers.pass(LINGER_MS - 1);
      held = hub.holdRoom("room");
      watched = hub.users.hold("ben");
    }
    expect(socket.messages.map(({ type }) => type)).toEqual(["subscribe", "watch"]);
  });

  test("[RE2] the connection is closed a second after the last that uses it, once the channels are left", async () => {
    const { connection, hub, room, socket, timers } = await roomBench();
    room.release();
    await timers.pass(LINGER_MS);
    expect(sent(socket, "unsubscribe")).toHaveLength(1);
    expect(connection.state).toMatchObject({ name: "closed" });
    expect(hub.status.get().client).toBeUndefined();
  });

  test("[RE10] a connection that the application has made is left open", async () => {
    const { connection, hub, timers, welcome } = hubBench(false);
    const held = hub.hold();
    await welcome();
    held.release();
    await timers.pass(LINGER_MS);
    expect(connection.state).toMatchObject({ name: "open" });
  });

  test("[RE2] a channel that has been closed for good is joined anew by whoever comes after all have gone", async () => {
    const { hub, room, socket } = await roomBench();
    socket.say({ type: "error", channel: "room", code: "forbidden", message: "not you" });
    await settled();
    expect(room.value.state.get()).toMatchObject({ name: "closed", error: { code: "forbidden" } });
    const second = hub.holdRoom("room"); // who comes while others see that sees it too
    expect(second.value).toBe(room.value);
    for (const held of [room, second]) held.release();
    const anew = hub.holdRoom("room");
    expect(anew.value.state.get()).toEqual({ name: "joining" });
    expect(hub.room("room")).toBe(anew.value);
    expect(sent(socket, "subscribe")).toHaveLength(2);
  });

  test("[RE4] what a component shows is the same object until it is another", async () => {
    const { hub, room, socket, reconnect } = await roomBench();
    const shown = {
      members: room.value.members,
      messages: room.value.list.messages,
      state: room.value.state,
    };
    const [members, messages, states] = Object.values(shown).map(rendersOf);
    const before = shown.members.get();
    socket.say(message(5), { type: "members", channel: "room", count: 1, joined: [member("ann")], left: [] });
    await settled();
    expect([members?.(), messages?.(), states?.()]).toEqual([0, 1, 0]);
    expect(shown.members.get()).toBe(before);
    socket.say({
      type: "members",
      channel: "room",
      count: 2,
      joined: [member("ben")],
      left: [],
      changed: [],
    });
    await settled();
    expect(shown.members.get()).toMatchObject({ count: 2, members: [{ user: "ann" }, { user: "ben" }] });
    expect([members?.(), messages?.()]).toEqual([1, 1]);
    const again = await reconnect(socket); // the roster is the same, and nothing was missed
    await stand(again, { offset: 5, recovered: true, members: [member("ann"), member("ben")], count: 2 });
    expect([members?.(), messages?.()]).toEqual([1, 1]);
    expect(hub.room("room")).toBe(room.value);
  });
});

test("[RE4] what is set to what it was is no change", () => {
  const cell = new Cell<object | undefined>(undefined);
  const renders = rendersOf(cell);
  const value = {};
  for (const next of [undefined, value, value]) cell.set(next);
  expect(renders()).toBe(1);
});

describe("messages of a channel", () => {
  test("[RE9] as many as are wanted are read from before the channel was joined, and none is shown twice", async () => {
    const { room, socket } = await roomBench();
    const { list } = room.value;
    const offsets = () => list.messages.get().map(({ offset }) => offset);
    list.want(3);
    await settled();
    socket.say(message(5)); // while the log is being read
    await answer(socket, "history", { epoch: "e1", offset: 5, messages: [body(5), body(4), body(3)] });
    expect(offsets()).toEqual([3, 4, 5]);
    socket.say(message(6));
    list.want(3); // by another component: they are there already
    await settled();
    expect(sent(socket, "history")).toMatchObject([{ channel: "room", limit: 3, order: "desc" }]);
    list.want(6);
    await settled();
    expect(sent(socket, "history").at(-1)).toMatchObject({ before: 3, limit: 2 });
    await answer(socket, "history", { epoch: "e1", offset: 6, messages: [body(2), body(1)] });
    list.want(100); // there was nothing older than the first: whoever asks for more is not answered with more
    await settled();
    await answer(socket, "history", { epoch: "e1", offset: 6, messages: [] });
    list.want(200);
    await settled();
    expect(sent(socket, "history")).toHaveLength(3);
    expect(offsets()).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test("[RE9] a message that was read in the log before it came is shown once", async () => {
    const { room, socket } = await roomBench();
    room.value.list.want(1);
    await settled();
    await answer(socket, "history", { epoch: "e1", offset: 5, messages: [body(5)] });
    socket.say(message(5), message(6));
    await settled();
    expect(room.value.list.messages.get().map(({ offset }) => offset)).toEqual([5, 6]);
  });

  test("[RE9] a log that begins anew takes the place of the one that was shown", async () => {
    const { room, socket, reconnect } = await roomBench();
    socket.say(message(5), message(6));
    const again = await reconnect(socket);
    await stand(again, { epoch: "e2", offset: 1, messages: [] });
    again.say(message(2, { id: "other" }));
    await settled();
    expect(room.value.list.messages.get()).toMatchObject([{ id: "other" }]);
  });

  test("[RE9] no more than a thousand are kept, however long the page stays open", async () => {
    const { room, socket } = await roomBench();
    for (let offset = 5; offset < 1_105; offset++) socket.say(message(offset));
    await settled();
    const { list } = room.value;
    expect([list.messages.get().length, list.messages.get()[0]?.offset]).toEqual([1_000, 105]);
  });

  test("[RE9] a reading that was cut off is done again once the channel stands again", async () => {
    const { room, socket, reconnect } = await roomBench();
    room.value.list.want(1);
    await settled();
    const again = await reconnect(socket);
    await stand(again, { recovered: true });
    await answer(again, "history", { epoch: "e1", offset: 4, messages: [body(4)] });
    expect(room.value.list.messages.get()).toMatchObject([{ offset: 4 }]);
  });

  test("[RE12] without the right to read the log that is said once, and messages come all the same", async () => {
    const { room, socket, errors, timers } = await roomBench();
    room.value.list.want(10);
    await settled();
    await answer(socket, "history", { code: "forbidden", message: "no grant" }, "error");
    room.value.list.want(20);
    socket.say(message(5));
    await timers.pass(60_000);
    expect(errors).toEqual(["forbidden"]);
    expect(sent(socket, "history")).toHaveLength(1);
    expect(room.value.list.messages.get()).toMatchObject([{ offset: 5 }]);
  });

  test("[RE9] where the log could not be read just now it is asked again after the pause", async () => {
    const { room, socket, timers } = await roomBench();
    room.value.list.want(1);
    await settled();
    const busy = { code: "unavailable", message: "later", retryAfterMs: 5_000 };
    await answer(socket, "history", busy, "error");
    await timers.pass(4_999);
    expect(sent(socket, "history")).toHaveLength(1);
    await timers.pass(1);
    expect(sent(socket, "history")).toHaveLength(2);
  });
});

describe("people whose presence is shown", () => {
  test("[RE6] all that appear together are watched in one frame, each once, and unwatched when the last has gone", async () => {
    const { hub, welcome, timers } = hubBench();
    hub.hold();
    const socket = await welcome();
    const held = ["ben", "cid", "ben"].map((user) => hub.users.hold(user));
    await settled();
    expect(sent(socket, "watch")).toMatchObject([{ users: ["ben", "cid"] }]);
    await answer(socket, "watch", { presence: [presence("ben"), presence("cid")] });
    expect(hub.users.current("ben")?.presence.get()).toMatchObject({ status: "online" });
    held[0]?.release();
    held[1]?.release();
    await timers.pass(LINGER_MS);
    expect(sent(socket, "unwatch")).toMatchObject([{ users: ["cid"] }]);
    expect(hub.users.current("cid")).toBeUndefined();
  });

  test("[RE6] who was to be watched while the connection was lost is watched once it is open", async () => {
    const { hub, welcome, reconnect } = hubBench();
    hub.hold();
    hub.users.hold("ben"); // before the welcome
    const socket = await welcome();
    await settled();
    const again = await reconnect(socket); // before the answer
    await settled();
    expect(sent(again, "watch")).toMatchObject([{ users: ["ben"] }]);
  });

  test("[RE4] news that is older than what is shown is none", async () => {
    const { hub, welcome } = hubBench();
    hub.hold();
    const { value } = hub.users.hold("ben");
    await welcome();
    hub.users.heard(presence("ben", 3));
    hub.users.heard(presence("ben", 2));
    expect(value.presence.get()?.version).toBe(3);
  });

  test("[RE11] somebody who may not be watched costs nobody else, and is told once", async () => {
    const { hub, welcome, errors, timers } = hubBench();
    hub.hold();
    const socket = await welcome();
    for (const user of ["ben", "secret"]) hub.users.hold(user);
    await settled();
    const refusal = { code: "forbidden", message: "no grant" };
    await answer(socket, "watch", refusal, "error");
    const [, alone, other] = sent(socket, "watch");
    expect([alone, other]).toMatchObject([{ users: ["ben"] }, { users: ["secret"] }]);
    socket.say({ type: "ok", ref: alone?.ref, presence: [presence("ben")] });
    socket.say({ type: "error", ref: other?.ref, ...refusal });
    await timers.pass(5_000);
    expect(hub.users.current("ben")?.presence.get()).toMatchObject({ status: "online" });
    hub.users.hold("cid"); // the next one does not have to wait for a refusal again
    await settled();
    expect(errors).toEqual(["forbidden"]);
    expect(sent(socket, "watch").slice(3)).toMatchObject([{ users: ["cid"] }]);
  });

  test("[RE7] what is said of oneself waits for the connection, and is refused where it is closed for good", async () => {
    const { connection, hub, welcome } = hubBench();
    await expect(hub.opened()).rejects.toMatchObject({ code: "not_connected" }); // nobody wants it
    hub.hold();
    const opened = hub.opened();
    await welcome();
    await expect(opened).resolves.toBe(connection);
    connection.close();
    await expect(hub.opened()).rejects.toMatchObject({ code: "not_connected" });
  });
});
