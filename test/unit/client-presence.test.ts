import { describe, expect, test } from "vitest";
import { clientBench, ownBench } from "../fixtures/client-bench.ts";
import type { FakeSocket } from "../fixtures/fake-socket.ts";
import { settled } from "../fixtures/fake-timers.ts";

const presence = (user: string, more: object = {}) => ({
  user,
  status: "online",
  lastActiveAt: 1,
  devices: ["web"],
  version: 1,
  ...more,
});

/** A client on a user's own connection, and every presence it tells of. */
function userBench() {
  const bench = ownBench();
  const told: unknown[] = [];
  const errors: string[] = [];
  bench.connection.on("presence", (one) => told.push(one));
  bench.connection.on("error", ({ code }) => errors.push(code));
  const reconnect = async (socket: FakeSocket) => {
    socket.end(1006);
    await bench.timers.pass(250);
    return bench.welcome();
  };
  return { ...bench, told, errors, reconnect };
}

/** Answers the newest request of this socket. */
function answer(socket: FakeSocket, fields: object): Promise<void> {
  socket.say({ type: "ok", ref: socket.messages.at(-1)?.ref, ...fields });
  return settled();
}

describe("saying a status", () => {
  test("[CL50] a status is said in a frame, on either kind of connection, and answered with the presence", async () => {
    for (const bench of [clientBench(), userBench()]) {
      const socket = await bench.welcome();
      const result = bench.connection.presence.set({ status: "busy", text: "in a meeting", scope: "user" });
      const [frame] = socket.messages;
      expect(frame).toEqual({
        type: "presence",
        status: "busy",
        text: "in a meeting",
        scope: "user",
        ref: expect.any(Number),
      });
      await answer(socket, presence("ann", { status: "busy" }));
      await expect(result).resolves.toEqual(presence("ann", { status: "busy" }));
    }
  });

  test("[CL51] a reconnect says the session's status again, before anybody hears that it is open", async () => {
    const { connection, welcome, reconnect } = userBench();
    const first = await welcome();
    void connection.presence.set({ status: "busy", text: "in a meeting" });
    await answer(first, presence("ann"));
    void connection.presence.set({ emoji: "🎧", text: null });
    await answer(first, presence("ann"));
    connection.on("status", ({ name }) => {
      if (name === "open") connection.signal("typing", undefined, { channel: "lobby" });
    });
    const second = await reconnect(first);
    expect(second.messages).toMatchObject([
      { type: "presence", status: "busy", text: null, emoji: "🎧" },
      { type: "signal" },
    ]);
  });

  test("[CL52] what was said for a time is said again for the rest of it, and not once that is over", async () => {
    const { connection, timers, welcome, reconnect } = userBench();
    const first = await welcome();
    void connection.presence.set({ status: "away", expiresInSeconds: 60 });
    await answer(first, presence("ann"));
    await timers.pass(20_000);
    const second = await reconnect(first);
    expect(second.messages).toMatchObject([{ status: "away", expiresInSeconds: 39.75 }]);
    await timers.pass(20_000);
    second.say({ type: "signal", event: "still here" });
    await timers.pass(20_000);
    expect((await reconnect(second)).messages).toEqual([]);
  });

  test("[CL53] what was said for all sessions, or refused, or taken back, is not said again", async () => {
    const { connection, welcome, reconnect } = userBench();
    const socket = await welcome();
    void connection.presence.set({ status: "busy" });
    await answer(socket, presence("ann"));
    void connection.presence.set({ status: null, visibility: "nobody" });
    await answer(socket, presence("ann"));
    void connection.presence.set({ status: "away", scope: "user" });
    await answer(socket, presence("ann"));
    const refused = connection.presence.set({ text: "x".repeat(300) }).catch((error: unknown) => error);
    socket.say({ type: "error", ref: socket.messages.at(-1)?.ref, code: "bad_request", message: "text" });
    await expect(refused).resolves.toMatchObject({ code: "bad_request" });
    expect((await reconnect(socket)).messages).toEqual([]);
  });
});

describe("watching", () => {
  test("[CL54] who is watched is answered with, and told of with every frame that is news", async () => {
    const { connection, told, welcome } = userBench();
    const socket = await welcome();
    const watching = connection.presence.watch(["ben"], { only: ["online", "busy"] });
    expect(socket.messages).toMatchObject([{ type: "watch", users: ["ben"], only: ["online", "busy"] }]);
    await answer(socket, { presence: [presence("ben")] });
    await expect(watching).resolves.toEqual([presence("ben")]);
    const busy = presence("ben", { status: "busy", version: 2 });
    socket.say({ type: "presence", ...busy });
    socket.say({ type: "presence", ...busy });
    expect(told).toEqual([presence("ben"), busy]);
    expect(connection.presence.of("ben")).toEqual(busy);
    expect(connection.presence.of("cid")).toBeUndefined();
  });

  test("[CL55] versions never go back, and a presence without one replaces what was known", async () => {
    const { connection, told, welcome } = userBench();
    const socket = await welcome();
    const watching = connection.presence.watch(["ben"]);
    const newer = presence("ben", { status: "busy", version: 7 });
    socket.say({ type: "presence", ...newer });
    await answer(socket, { presence: [presence("ben", { version: 6 })] });
    await expect(watching).resolves.toEqual([newer]);
    const hidden = { user: "ben", status: "offline", lastActiveAt: null, devices: [] };
    socket.say({ type: "presence", ...hidden });
    socket.say({ type: "presence", ...presence("ben", { version: 3 }) });
    expect(told).toEqual([newer, hidden, presence("ben", { version: 3 })]);
  });

  test("[CL56] more than a hundred users are watched and unwatched in frames of a hundred", async () => {
    const { connection, welcome } = userBench();
    const socket = await welcome();
    const users = Array.from({ length: 250 }, (_, n) => `u${n}`);
    const watching = connection.presence.watch(users);
    for (let n = 0; n < 3; n++) {
      const asked = socket.messages.at(-1)?.users;
      expect(asked).toHaveLength(n < 2 ? 100 : 50);
      await answer(socket, { presence: users.slice(n * 100, n * 100 + 100).map((user) => presence(user)) });
    }
    await expect(watching).resolves.toHaveLength(250);
    const unwatching = connection.presence.unwatch(users);
    for (let n = 0; n < 3; n++) await answer(socket, {});
    await unwatching;
    expect(socket.messages.slice(3).map((frame) => [frame.type, [frame.users].flat().length])).toEqual([
      ["unwatch", 100],
      ["unwatch", 100],
      ["unwatch", 50],
    ]);
  });

  test("[CL57] watching waits for as long as the service asks, and any other refusal is one", async () => {
    const { connection, timers, welcome, reconnect } = userBench();
    const socket = await welcome();
    const watching = connection.presence.watch(["ben"]);
    const refuse = (code: string, more: object = {}) => {
      socket.say({ type: "error", ref: socket.messages.at(-1)?.ref, code, message: "no", ...more });
      return settled();
    };
    await refuse("rate_limited", { retryAfterMs: 700 });
    await timers.pass(699);
    expect(socket.messages).toHaveLength(1);
    await timers.pass(1);
    expect(socket.messages).toHaveLength(2);
    await answer(socket, { presence: [presence("ben")] });
    await watching;
    const refused = connection.presence.watch(["cid"]).catch((error: unknown) => error);
    await refuse("too_many_watches");
    await expect(refused).resolves.toMatchObject({ code: "too_many_watches" });
    expect((await reconnect(socket)).messages).toMatchObject([{ type: "watch", users: ["ben"] }]);
  });

  test("[CL88] where too many requests wait for an answer, a watch waits for one to come", async () => {
    const { connection, timers, welcome } = userBench();
    const socket = await welcome();
    for (let n = 0; n < 256; n++) connection.members({ channel: "c" }).catch(() => undefined);
    const watching = connection.presence.watch(["ben"]);
    await timers.pass(11_000); // they have timed out
    await answer(socket, { presence: [presence("ben")] });
    await expect(watching).resolves.toMatchObject([{ user: "ben" }]);
  });

  test("[CL58] a reconnect watches again, after the status, and tells what differs", async () => {
    const { connection, told, welcome, reconnect } = userBench();
    const first = await welcome();
    void connection.presence.watch(["ben", "cid"]);
    await answer(first, { presence: [presence("ben"), presence("cid")] });
    void connection.presence.watch(["dan"], { only: ["online"] });
    await answer(first, { presence: [presence("dan")] });
    void connection.presence.set({ status: "busy" });
    await answer(first, presence("ann"));
    told.length = 0;
    const second = await reconnect(first);
    expect(second.messages).toMatchObject([{ type: "presence" }, { type: "watch", users: ["ben", "cid"] }]);
    const gone = presence("cid", { status: "offline", version: 5 });
    await answer(second, { presence: [presence("ben"), gone] });
    expect(second.messages.at(-1)).toMatchObject({ users: ["dan"], only: ["online"] });
    expect(told).toEqual([gone]);
  });

  test("[CL59] who is unwatched is forgotten at once, also where nobody can be told", async () => {
    const { connection, told, welcome, reconnect } = userBench();
    const first = await welcome();
    const watching = connection.presence.watch(["ben", "cid"]);
    const early = connection.presence.unwatch(["cid"]);
    const [watch, unwatch] = first.messages;
    first.say({ type: "ok", ref: watch?.ref, presence: [presence("ben"), presence("cid")] });
    first.say({ type: "ok", ref: unwatch?.ref });
    await Promise.all([watching, early]);
    expect(told).toEqual([presence("ben")]);
    first.end(1006);
    await connection.presence.unwatch(["ben"]);
    expect(connection.presence.of("ben")).toBeUndefined();
    expect((await reconnect(first)).messages).toEqual([]);
  });

  test("[CL60] watching again that is refused is told, and tried after the next welcome", async () => {
    const { connection, errors, welcome, reconnect } = userBench();
    const first = await welcome();
    void connection.presence.watch(["ben"]);
    await answer(first, { presence: [presence("ben")] });
    const second = await reconnect(first);
    second.say({ type: "error", ref: second.messages.at(-1)?.ref, code: "unavailable", message: "later" });
    await settled();
    const third = await reconnect(second);
    third.end(1006);
    await settled();
    expect(third.messages).toMatchObject([{ type: "watch", users: ["ben"] }]);
    expect(errors).toEqual(["unavailable"]);
  });

  test("[CL60] one frame of many that is refused holds up no other, and is said again where that may help", async () => {
    const { connection, errors, timers, welcome, reconnect } = userBench();
    const first = await welcome();
    void connection.presence.watch(["ben", "cid"]);
    await answer(first, { presence: [presence("ben"), presence("cid")] });
    void connection.presence.watch(["dan"], { only: ["busy"] });
    await answer(first, { presence: [presence("dan")] });
    void connection.presence.watch(["eva"], { only: ["away"] });
    await answer(first, { presence: [presence("eva")] });
    const second = await reconnect(first);
    const refuse = (code: string) => {
      second.say({ type: "error", ref: second.messages.at(-1)?.ref, code, message: "no" });
      return settled();
    };
    await refuse("unavailable");
    await refuse("forbidden");
    await answer(second, { presence: [presence("eva")] });
    expect(second.messages.map(({ users }) => users)).toEqual([["ben", "cid"], ["dan"], ["eva"]]);
    expect(errors).toEqual(["unavailable", "forbidden"]);
    const gone = connection.presence.unwatch(["cid"]);
    await answer(second, {});
    await gone;
    await timers.pass(1000);
    expect(second.messages.slice(4)).toMatchObject([{ type: "watch", users: ["ben"] }]);
    await refuse("unavailable");
    await timers.pass(1999);
    expect(second.messages).toHaveLength(5);
    const third = await reconnect(second);
    for (let n = 0; n < 3; n++) await answer(third, { presence: [] });
    await timers.pass(20_000);
    expect(third.messages.filter(({ type }) => type === "watch").map(({ users }) => users)).toEqual([
      ["ben"],
      ["dan"],
      ["eva"],
    ]);
    expect(errors).toEqual(["unavailable", "forbidden", "unavailable"]);
  });

  test("[CL57] whoever is unwatched while a long list waits is left out of it", async () => {
    const { connection, told, timers, welcome } = userBench();
    const socket = await welcome();
    const watching = connection.presence.watch(["ben", "cid"]);
    socket.say({ type: "error", ref: socket.messages[0]?.ref, code: "rate_limited", message: "slow down" });
    await settled();
    const unwatching = connection.presence.unwatch(["cid"]);
    await answer(socket, {});
    await unwatching;
    await timers.pass(1000);
    expect(socket.messages.at(-1)).toMatchObject({ type: "watch", users: ["ben"] });
    await answer(socket, { presence: [presence("ben")] });
    await watching;
    expect(told).toEqual([presence("ben")]);
  });

  test("[CL61] a member's new status is a change of the roster", async () => {
    const { connection, welcome } = clientBench();
    const ben = { user: "ben", status: "online", sessions: 1, devices: ["web"], joinedAt: 1 };
    const socket = await welcome({ channel: "lobby", epoch: "e1", offset: 0, members: [ben], count: 1 });
    const changes: unknown[] = [];
    connection.on("members", (change) => changes.push(change));
    const busy = { ...ben, status: "busy" };
    socket.say({ type: "members", channel: "lobby", count: 1, joined: [], left: [], changed: [busy] });
    expect(changes).toEqual([{ count: 1, joined: [], left: [], changed: [busy] }]);
    expect(connection.roster.get("ben")?.status).toBe("busy");
  });
});
