import { describe, expect, test } from "vitest";
import type { ConnectOptions } from "../../src/client/index.ts";
import { ownBench } from "../fixtures/client-bench.ts";
import type { FakeSocket } from "../fixtures/fake-socket.ts";
import { settled } from "../fixtures/fake-timers.ts";

const direct = (seq: number, id = `e-${seq}`) => ({
  type: "direct",
  seq,
  id,
  event: "message",
  data: seq,
  at: 1,
});

/** A client on a user's own connection, and every direct message it tells of. */
function inboxBench(options: Partial<ConnectOptions> = {}) {
  const bench = ownBench(options);
  const told: number[] = [];
  const listen = () => bench.connection.on("direct", ({ seq }) => told.push(seq));
  const welcome = (inbox: object) => bench.welcome({ inbox });
  const reconnect = async (socket: FakeSocket, inbox: object) => {
    socket.end(1006);
    await bench.timers.pass(250);
    return welcome(inbox);
  };
  const acks = (socket: FakeSocket) =>
    socket.messages.filter(({ type }) => type === "ack").map(({ seq }) => seq);
  return { ...bench, told, listen, welcome, reconnect, acks };
}

describe("direct messages that come", () => {
  test("[CL80] [CL81] each is an event, and what the handlers returned from is acknowledged at once", async () => {
    const { told, listen, welcome, timers, acks, connection } = inboxBench();
    listen();
    const socket = await welcome({ latest: 3, acked: 0 });
    socket.say(direct(1), direct(2));
    socket.say(direct(3));
    expect([told, acks(socket)]).toEqual([[1, 2, 3], []]);
    await timers.pass(100);
    expect(acks(socket)).toEqual([3]);
    expect([connection.inbox.latest, connection.inbox.acked]).toEqual([3, 3]);
    socket.say(direct(4));
    await timers.pass(100);
    expect(acks(socket)).toEqual([3, 4]);
  });

  test("[CL81] where nobody listens nothing is acknowledged, and it is told when it comes again", async () => {
    const { told, listen, welcome, reconnect, timers, acks } = inboxBench();
    const first = await welcome({ latest: 1, acked: 0 });
    first.say(direct(1));
    await timers.pass(1_000);
    expect(acks(first)).toEqual([]);
    listen();
    const second = await reconnect(first, { latest: 1, acked: 0 });
    second.say(direct(1));
    await timers.pass(100);
    expect([told, acks(second)]).toEqual([[1], [1]]);
  });

  test("[CL82] what comes again is acknowledged again and not told, unless it is another message", async () => {
    const { told, listen, welcome, reconnect, timers, acks } = inboxBench();
    listen();
    const first = await welcome({ latest: 2, acked: 0 });
    first.say(direct(1), direct(2));
    const second = await reconnect(first, { latest: 2, acked: 1 }); // before the acknowledgement was said
    expect(acks(first)).toEqual([]);
    second.say(direct(2));
    await timers.pass(100);
    expect([told, acks(second)]).toEqual([[1, 2], [2]]);
    const third = await reconnect(second, { latest: 2, acked: 0 }); // the user was erased: another inbox
    third.say(direct(1, "f-1"), direct(2, "f-2"));
    expect(told).toEqual([1, 2, 1, 2]);
  });

  test("[CL83] by hand only what the app is done with is acknowledged", async () => {
    const { told, listen, welcome, reconnect, timers, acks, connection } = inboxBench({
      acknowledge: "manual",
    });
    listen();
    const first = await welcome({ latest: 3, acked: 0 });
    first.say(direct(1), direct(2), direct(3));
    await timers.pass(1_000);
    expect(acks(first)).toEqual([]);
    connection.inbox.ack(2);
    connection.inbox.ack(1);
    await timers.pass(100);
    expect(acks(first)).toEqual([2]);
    const second = await reconnect(first, { latest: 3, acked: 2 });
    second.say(direct(3));
    await timers.pass(1_000);
    expect([told, acks(second)]).toEqual([[1, 2, 3], []]);
  });

  test("[CL83] what was not said before the connection was lost is not said on another", async () => {
    const { listen, welcome, timers, acks, socket } = inboxBench({ random: () => 0 }); // it comes back at once
    listen();
    const first = await welcome({ latest: 1, acked: 0 });
    first.say(direct(1));
    first.end(1006);
    await timers.pass(0);
    await timers.pass(100);
    const second = await socket();
    expect([second === first, acks(second)]).toEqual([false, []]); // not open yet
    await welcome({ latest: 1, acked: 0 });
    second.say(direct(1));
    second.end(1006);
    await timers.pass(0);
    const third = await welcome({ latest: 9, acked: 0 }); // perhaps of a user who was erased
    await timers.pass(100);
    expect(acks(third)).toEqual([]);
  });
});

describe("what is done with, and could not be said", () => {
  async function doneWhileLost() {
    const bench = inboxBench({ acknowledge: "manual" });
    bench.listen();
    const first = await bench.welcome({ latest: 3, acked: 0 });
    first.say(direct(1), direct(2), direct(3));
    first.end(1006);
    bench.connection.inbox.ack(2);
    await bench.timers.pass(250); // said to nobody
    return { ...bench, second: await bench.welcome({ latest: 3, acked: 0 }) };
  }

  test("[CL86] is acknowledged when it comes again, and no more than that", async () => {
    const { told, timers, acks, second, connection } = await doneWhileLost();
    second.say(direct(1), direct(2), direct(3));
    await timers.pass(100);
    expect([told, acks(second), connection.inbox.acked]).toEqual([[1, 2, 3], [2], 2]);
  });

  test("[CL86] in a handler, before the connection was lost, too", async () => {
    const { connection, welcome, reconnect, timers, acks } = inboxBench({ acknowledge: "manual" });
    connection.on("direct", ({ seq }) => connection.inbox.ack(seq));
    const first = await welcome({ latest: 1, acked: 0 });
    first.say(direct(1));
    const second = await reconnect(first, { latest: 1, acked: 0 });
    await timers.pass(100);
    expect([acks(first), acks(second)]).toEqual([[], []]);
    second.say(direct(1));
    await timers.pass(100);
    expect(acks(second)).toEqual([1]);
  });

  test("[CL86] holds for that message, not for another one of its number", async () => {
    const { told, timers, acks, second, reconnect } = await doneWhileLost();
    second.say(direct(1, "f-1")); // the user was erased: another inbox
    const third = await reconnect(second, { latest: 1, acked: 0 });
    third.say(direct(1, "f-1"));
    await timers.pass(1_000);
    expect([told, acks(second), acks(third)]).toEqual([[1, 2, 3, 1], [], []]);
  });
});

describe("direct messages that are sent", () => {
  const OPEN = { latest: 0, acked: 0 };
  const sends = (socket: FakeSocket) => socket.messages.filter(({ type }) => type === "send");

  test("[CL84] each has a key of its own, and is said again under it until the service has it", async () => {
    const { connection, welcome, reconnect, timers } = inboxBench();
    const early = connection.send("ben", "before it is open");
    const first = await welcome(OPEN);
    await settled();
    const sent = connection.send("ben", { n: 1 }, { event: "chat", ttlSeconds: 60 });
    expect(sends(first)).toMatchObject([
      { data: "before it is open" },
      { type: "send", user: "ben", data: { n: 1 }, event: "chat", ttlSeconds: 60 },
    ]);
    const [one, two] = sends(first).map(({ key }) => key);
    expect(one).toMatch(/^[-0-9a-z]{1,64}$/);
    expect(two).not.toBe(one);
    first.say({ type: "ok", ref: sends(first)[0]?.ref, id: "e-1", seq: 1 });
    await expect(early).resolves.toEqual({ id: "e-1", seq: 1 });
    const second = await reconnect(first, OPEN);
    await settled();
    const error = { type: "error", message: "m" };
    second.say({ ...error, ref: sends(second)[0]?.ref, code: "rate_limited", retryAfterMs: 700 });
    await timers.pass(699);
    expect(sends(second)).toHaveLength(1);
    await timers.pass(1);
    second.say({ ...error, ref: sends(second)[1]?.ref, code: "unavailable" });
    await timers.pass(1_000);
    await timers.pass(10_000); // no answer: said again at once
    expect(sends(second).map(({ key }) => key)).toEqual([two, two, two, two]);
    second.say({ type: "ok", ref: sends(second)[3]?.ref, id: "e-2", seq: 2, duplicate: true });
    await expect(sent).resolves.toEqual({ id: "e-2", seq: 2, duplicate: true });
  });

  test("[CL84] a refusal is final, and so is the tenth try; a key of the app stays", async () => {
    const { connection, welcome, timers } = inboxBench();
    const socket = await welcome(OPEN);
    const refused = connection.send("ben", 1, { key: "mine" });
    expect(sends(socket)[0]?.key).toBe("mine");
    socket.say({ type: "error", ref: sends(socket)[0]?.ref, code: "forbidden", message: "no" });
    await expect(refused).rejects.toMatchObject({ code: "forbidden" });
    const given = expect(connection.send("ben", 2)).rejects.toMatchObject({ code: "unavailable" });
    for (let i = 1; i <= 10; i++) {
      socket.say({ type: "error", ref: sends(socket)[i]?.ref, code: "unavailable", message: "later" });
      await timers.pass(1_000);
    }
    await given;
    expect(sends(socket)).toHaveLength(11);
  });

  const answers = (socket: FakeSocket, more: object) =>
    sends(socket).map(({ ref, data }) => ({ ref, data, answer: { ...more, ref } }));

  test("[CL84] [CL87] a burst goes out in order, eight at a time, and however often it is too much", async () => {
    const { connection, welcome, timers } = inboxBench();
    const all = Array.from({ length: 256 }, (_, n) => connection.send("ben", n));
    const socket = await welcome(OPEN);
    await settled();
    expect(sends(socket).map(({ data }) => data)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    let seen = 0;
    for (let round = 1; round <= 15; round++) {
      const slow = { type: "error", code: "rate_limited", message: "slow down", retryAfterMs: 50 };
      for (const { answer } of answers(socket, slow).slice(seen)) socket.say(answer);
      seen = 8 * round;
      await timers.pass(50);
      expect(sends(socket)).toHaveLength(8 * (round + 1));
    }
    while (seen < sends(socket).length) {
      const asked = answers(socket, { type: "ok", id: "e", seq: 1 }).slice(seen);
      expect(asked.length).toBeLessThanOrEqual(8);
      seen += asked.length;
      for (const { answer } of asked) socket.say(answer);
      await settled();
    }
    await expect(Promise.all(all)).resolves.toHaveLength(256);
    const data = sends(socket).map((frame) => frame.data);
    expect(data.slice(15 * 8)).toEqual(Array.from({ length: 256 }, (_, n) => n));
  });

  test("[CL85] also what waits for its turn rejects when the connection is closed", async () => {
    const { connection, welcome } = inboxBench();
    const socket = await welcome(OPEN);
    const all = Array.from({ length: 20 }, (_, n) => connection.send("ben", n).catch(({ code }) => code));
    expect(sends(socket)).toHaveLength(8);
    connection.close();
    expect(new Set(await Promise.all(all))).toEqual(new Set(["connection_lost"]));
  });

  test("[CL88] where too many requests wait for an answer, a send waits for one to come", async () => {
    const { connection, welcome, timers } = inboxBench();
    const socket = await welcome(OPEN);
    for (let n = 0; n < 256; n++) connection.members({ channel: "c" }).catch(() => undefined);
    const sent = connection.send("ben", 1);
    await timers.pass(999);
    expect(sends(socket)).toHaveLength(0);
    await timers.pass(9_001); // they have timed out
    await timers.pass(1_000);
    socket.say({ type: "ok", ref: sends(socket)[0]?.ref, id: "e-1", seq: 1 });
    await expect(sent).resolves.toEqual({ id: "e-1", seq: 1 });
  });

  test("[CL84] after a day under way it is not said again, but what never went out is", async () => {
    const DAY_MS = 86_400_000;
    const { connection, welcome, timers, socket: newest } = inboxBench();
    const early = connection.send("ben", "early");
    await timers.pass(DAY_MS);
    await newest();
    const first = await welcome(OPEN);
    await settled();
    expect(sends(first)).toMatchObject([{ data: "early" }]);
    const lost = expect(early).rejects.toMatchObject({ code: "connection_lost" });
    first.end(1006);
    await timers.pass(DAY_MS);
    const second = await welcome(OPEN);
    await lost;
    expect(sends(second)).toHaveLength(0);
  });

  test("[CL85] when the connection is closed, what still waits rejects", async () => {
    const { connection } = inboxBench();
    const waiting = expect(connection.send("ben", 1)).rejects.toMatchObject({ code: "connection_lost" });
    await settled(); // it waits for the connection to open
    connection.close();
    await waiting;
    const other = inboxBench();
    const socket = await other.welcome(OPEN);
    const underWay = expect(other.connection.send("ben", 1)).rejects.toMatchObject({
      code: "connection_lost",
    });
    expect(sends(socket)).toHaveLength(1);
    other.connection.close();
    await underWay;
    await expect(other.connection.send("ben", 2)).rejects.toMatchObject({ code: "not_connected" });
  });
});
