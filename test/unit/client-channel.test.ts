import { describe, expect, test } from "vitest";
import { Roster } from "../../src/client/roster.ts";
import { clientBench } from "../fixtures/client-bench.ts";

const member = (user: string, sessions = 1) => ({ user, sessions, devices: ["web" as const], joinedAt: 1 });
const message = (offset: number) => ({
  type: "message",
  id: `m${offset}`,
  channel: "lobby",
  offset,
  event: "message",
  data: offset,
  at: 1,
});
const SUBSCRIBED = { channel: "lobby", epoch: "e1", offset: 4, recovered: false, messages: [], count: 0 };

describe("roster", () => {
  test("[CL30] the roster is the welcome's members and every change since", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome({ ...SUBSCRIBED, members: [member("ann")], count: 1 });
    const frame = { type: "members", channel: "lobby", joined: [], left: [], changed: [] };
    socket.say({ ...frame, count: 2, joined: [member("ben")] });
    socket.say({ ...frame, count: 1, changed: [member("ben", 2)], left: [{ user: "ann" }] });
    expect([...connection.roster.values()]).toEqual([member("ben", 2)]);
    expect(connection.memberCount).toBe(1);
  });

  test("[CL31] a repeated entry is no news", () => {
    const roster = new Roster();
    roster.apply({ count: 1, joined: [member("ann")] });
    const repeat = roster.apply({ count: 1, joined: [member("ann")], left: [{ user: "nobody" }] });
    expect(repeat).toEqual({ count: 1, joined: [], left: [], changed: [] });
  });

  test("[CL32] a members frame with the count alone keeps the known members", () => {
    const roster = new Roster();
    roster.apply({ count: 1, joined: [member("ann")] });
    roster.apply({ count: 5000 });
    expect(roster.count).toBe(5000);
    expect([...roster.members.keys()]).toEqual(["ann"]);
  });

  test("[CL33] a reconnect announces only who really came or went", async () => {
    const { connection, timers, welcome } = clientBench();
    const socket = await welcome({ ...SUBSCRIBED, members: [member("ann"), member("ben")], count: 2 });
    socket.end(1006);
    await timers.pass(250);
    const changes: unknown[] = [];
    connection.on("members", (change) => changes.push(change));
    await welcome({ ...SUBSCRIBED, members: [member("ann"), member("cid")], count: 2 });
    expect(changes).toEqual([{ count: 2, joined: [member("cid")], left: [{ user: "ben" }], changed: [] }]);
  });

  test("[CL49] a welcome with a first page announces no leave of whom it does not speak of", async () => {
    const { connection, timers, welcome } = clientBench();
    const page = { members: [member("ann"), member("ben")], cursor: "ben", count: 3 };
    const socket = await welcome({ ...SUBSCRIBED, ...page });
    socket.say({
      type: "members",
      channel: "lobby",
      count: 3,
      joined: [member("zoe")],
      left: [],
      changed: [],
    });
    socket.end(1006);
    await timers.pass(250);
    const changes: unknown[] = [];
    connection.on("members", (change) => changes.push(change));
    await welcome({ ...SUBSCRIBED, members: [member("ann")], cursor: "cid", count: 2 });
    expect(changes).toEqual([{ count: 2, joined: [], left: [{ user: "ben" }], changed: [] }]);
    expect([...connection.roster.keys()]).toEqual(["ann", "zoe"]);
  });
});

describe("messages", () => {
  test("[CL34] an array frame is its messages, in order", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome(SUBSCRIBED);
    const seen: unknown[] = [];
    connection.on("message", ({ offset }) => seen.push(offset));
    connection.on("signal", ({ event }) => seen.push(event));
    socket.say(message(5), { type: "signal", event: "typing", from: { user: "ben" } }, message(6));
    expect(seen).toEqual([5, "typing", 6]);
  });

  test("[CL35] a reconnect recovers from the last message seen, skipped ones counted", async () => {
    const { timers, sockets, welcome } = clientBench();
    const socket = await welcome(SUBSCRIBED);
    socket.say(message(5), { type: "message", channel: "lobby", offset: 8, skipped: true });
    socket.end(1012);
    await timers.pass(250);
    const query = new URL(sockets[1]?.url ?? "").searchParams;
    expect([query.get("epoch"), query.get("offset")]).toEqual(["e1", "8"]);
  });

  test("[CL36] no message is told twice, recovered ones are told before live ones", async () => {
    const { connection, timers, welcome } = clientBench();
    const seen: number[] = [];
    connection.on("message", ({ offset }) => seen.push(offset));
    const first = await welcome(SUBSCRIBED);
    first.say(message(5));
    first.end(1006);
    await timers.pass(250);
    const missed = { ...SUBSCRIBED, recovered: true, offset: 8, messages: [message(5), message(6)] };
    const second = await welcome(missed);
    second.say(message(6), message(7), message(8), message(9));
    expect(seen).toEqual([5, 6, 7, 8, 9]);
  });

  test("[CL37] a new epoch begins anew", async () => {
    const { connection, timers, sockets, welcome } = clientBench();
    const seen: number[] = [];
    connection.on("message", ({ offset }) => seen.push(offset));
    const first = await welcome({ ...SUBSCRIBED, offset: 90 });
    first.end(4000);
    await timers.pass(250);
    const second = await welcome({ ...SUBSCRIBED, epoch: "e2", offset: 0 });
    second.say(message(1));
    second.end(4000);
    await timers.pass(1000);
    expect(seen).toEqual([1]);
    expect(new URL(sockets[2]?.url ?? "").searchParams.get("offset")).toBe("1");
  });

  test("[CL38] every raw frame is told with its direction", async () => {
    const { connection, welcome } = clientBench();
    const frames: string[] = [];
    connection.on("frame", ({ direction, text }) => frames.push(`${direction} ${text.slice(0, 17)}`));
    await welcome(SUBSCRIBED);
    connection.signal("typing");
    expect(frames).toEqual(['in {"type":"welcome"', 'out {"type":"signal",']);
  });
});
