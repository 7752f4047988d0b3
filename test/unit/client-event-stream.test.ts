import { describe, expect, test } from "vitest";
import { connect } from "../../src/client/index.ts";
import { clientBench, TOKEN } from "../fixtures/client-bench.ts";
import { type AskedRequest, quiet, streamBench } from "../fixtures/stream-bench.ts";

const LOBBY = {
  channel: "lobby",
  epoch: "e1",
  offset: 7,
  recovered: false,
  messages: [],
  count: 0,
  members: [],
};
const message = (offset: number) => ({
  ...{ type: "message", id: `m${offset}`, channel: "lobby", offset },
  ...{ event: "message", data: offset, at: 1 },
});
const problem = (status: number, code: string) =>
  Response.json({ code, detail: `it is ${code}` }, { status });
const pathsOf = (asked: AskedRequest[]) => asked.map(({ method, path }) => `${method} ${path}`);

describe("an event stream in place of a WebSocket", () => {
  test("[CL126] each stream has a ticket of its own and the position in its address, never the token", async () => {
    const { connection, streams, timers, welcomeStream } = streamBench({ channel: "lobby" });
    const first = await welcomeStream(LOBBY);
    first.say(message(8));
    first.happen("error");
    expect(first.isClosed).toBe(true);
    expect(connection.state).toMatchObject({ name: "waiting", code: 1006 });
    await timers.pass(250);
    await quiet();
    const queries = streams.map(({ url }) => Object.fromEntries(new URL(url).searchParams));
    expect(queries).toEqual([{ ticket: "ticket-1" }, { ticket: "ticket-2", epoch: "e1", offset: "8" }]);
  });

  test("[CL127] the service's heartbeats answer for it; where they stay away it is lost", async () => {
    const { connection, timers, welcomeStream } = streamBench({ channel: "lobby" });
    const stream = await welcomeStream(LOBBY);
    for (let beat = 1; beat <= 4; beat++) {
      await timers.pass(25_000);
      stream.say({ type: "heartbeat" });
    }
    expect(connection.state.name).toBe("open");
    await timers.pass(55_000); // one ping is not vouched for, and then the service is late
    stream.say({ type: "heartbeat" });
    await timers.pass(20_000);
    expect(connection.state.name).toBe("open");
    stream.say({ type: "heartbeat" });
    await timers.pass(60_000);
    expect(connection.state).toMatchObject({ name: "waiting", code: 4002 });
    expect(stream.isClosed).toBe(true);
  });

  test("[CL128] what is said in one place goes one after the other, and of what nobody waits for little queues up", async () => {
    const answers: ((response: Response) => void)[] = [];
    const { connection, asked, welcomeStream } = streamBench(
      { channel: "lobby" },
      () => new Promise((resolve) => answers.push(resolve)),
    );
    await welcomeStream(LOBBY);
    const published = [1, 2, 3].map((n) => connection.publish(n, { key: `k${n}` }));
    for (let n = 0; n < 40; n++) connection.signal("cursor", n);
    await quiet();
    expect(pathsOf(asked)).toEqual(["POST channels/lobby/messages", "POST channels/lobby/signals"]);
    expect(asked[0]).toMatchObject({
      headers: { authorization: `Bearer ${TOKEN}`, "rollcall-session": "s1" },
      body: { data: 1, key: "k1" },
    });
    for (let turn = 0; turn < 60; turn++) {
      answers.shift()?.(Response.json({ offset: turn + 1 }));
      await quiet();
    }
    await Promise.all(published);
    const bodies = (what: string) => asked.filter(({ path }) => path.endsWith(what)).map(({ body }) => body);
    expect(bodies("messages")).toEqual([1, 2, 3].map((n) => ({ data: n, key: `k${n}` })));
    expect(bodies("signals")).toEqual(Array.from({ length: 16 }, (_, n) => ({ event: "cursor", data: n })));
  });

  test("[CL129] refusals come as answers; what did not get through is unavailable; without a session the connection is lost", async () => {
    const responses = [
      () => problem(422, "idempotency_mismatch"),
      () =>
        Response.json(
          { code: "rate_limited", detail: "wait" },
          { status: 429, headers: { "retry-after": "3" } },
        ),
      () => Promise.reject(new TypeError("no network")),
      () => new Response("<h1>Bad gateway</h1>", { status: 502 }),
      () => problem(409, "session_gone"),
      () => Response.json({}),
    ];
    const { connection, welcomeStream } = streamBench(
      { channel: "lobby" },
      () => responses.shift()?.() ?? Response.json({}),
    );
    await welcomeStream(LOBBY);
    await expect(connection.history()).rejects.toMatchObject({ code: "idempotency_mismatch" });
    await expect(connection.history()).rejects.toMatchObject({ code: "rate_limited", retryAfterMs: 3000 });
    await expect(connection.history()).rejects.toMatchObject({ code: "unavailable" });
    await expect(connection.history()).rejects.toMatchObject({ code: "unavailable" });
    await expect(connection.history()).rejects.toMatchObject({ code: "connection_lost" });
    expect(connection.state.name).toBe("waiting");
  });

  test("[CL133] a rewind begins with its first message, which comes behind the welcome", async () => {
    const full = streamBench({ channel: "lobby", rewind: 2 });
    const empty = streamBench({ channel: "lobby", rewind: 2 });
    for (const { connection, welcomeStream, timers, bare } of [
      { ...full, bare: false },
      { ...empty, bare: true },
    ]) {
      const heard: number[] = [];
      connection.on("message", ({ offset }) => heard.push(offset));
      const stream = await welcomeStream(LOBBY);
      expect(connection.state.name).toBe("connecting");
      if (bare) await timers.pass(1000);
      else for (const offset of [6, 7]) stream.say(message(offset));
      expect(connection.state.name).toBe("open");
      stream.say(message(8));
      expect(heard).toEqual(bare ? [8] : [6, 7, 8]);
    }
  });

  test("[CL134] a new token counts for what is said; the stream itself ends with the old one and comes back", async () => {
    const claims = btoa(JSON.stringify({ sub: "ann", exp: 5000 })).replaceAll("=", "");
    const tokens = [TOKEN, `e30.${claims}.c2ln`, TOKEN];
    const { connection, timers, asked, streams, welcomeStream } = streamBench({
      ...{ channel: "lobby", token: () => tokens.shift() ?? TOKEN },
    });
    const stream = await welcomeStream({ ...LOBBY, expiresAt: timers.now() + 600_000 });
    for (let beat = 0; beat < 20; beat++) {
      await timers.pass(25_000);
      stream.say({ type: "heartbeat" });
    }
    await connection.publish("renewed");
    expect(asked[0]?.headers.authorization).toBe(`Bearer e30.${claims}.c2ln`);
    stream.say({ type: "closing", code: 4001, reason: "token expired", reconnect: true });
    stream.happen("error");
    await timers.pass(10_000);
    await quiet();
    expect(streams).toHaveLength(2);
  });
});

describe("which way is taken", () => {
  const connects = () => problem(426, "upgrade_required");

  test("[CL135] WebSockets that fail are stayed with where HTTP does not get through either", async () => {
    const { timers, sockets, streams } = streamBench({ transport: "auto" }, () =>
      Promise.reject(new TypeError("offline")),
    );
    for (let attempt = 1; attempt <= 6; attempt++) {
      await quiet();
      sockets.at(-1)?.end(1006);
      await quiet();
      await timers.pass(10_000);
    }
    expect(sockets.length).toBeGreaterThan(6);
    expect(streams).toEqual([]);
  });

  test("[CL136] where streams fail as well WebSockets have their turn again, and what was welcomed is stayed with", async () => {
    const { connection, timers, sockets, streams, welcomeStream } = streamBench(
      { transport: "auto" },
      connects,
    );
    const again = async () => {
      await quiet();
      await timers.pass(10_000);
      await quiet();
    };
    await quiet();
    for (const turn of [1, 2]) {
      for (let attempt = 0; attempt < 3; attempt++) {
        sockets.at(-1)?.end(1006);
        await again();
      }
      expect([sockets.length, streams.length]).toEqual([turn * 3, turn]);
      if (turn === 2) break;
      streams.at(-1)?.happen("error");
      await again();
    }
    for (let time = 0; time < 5; time++) {
      (await welcomeStream()).happen("error");
      await again();
    }
    expect(connection.state.name).toBe("connecting");
    expect([sockets.length, streams.length]).toEqual([6, 7]);
  });

  test("[CL137] a WebSocket that hangs until no welcome is expected any more counts as one that failed", async () => {
    const { timers, sockets, streams } = streamBench({ transport: "auto" }, connects);
    await quiet();
    for (let time = 0; time < 30 && streams.length === 0; time++) {
      await timers.pass(10_000);
      await quiet();
    }
    expect([sockets.length, streams.length]).toEqual([3, 1]);
    expect(sockets.map(({ closedWith }) => closedWith)).toEqual([1000, 1000, 1000]);
  });

  test("[CL138] without a WebSocket it is event streams at once, and without either it can't be", async () => {
    const { WebSocket } = globalThis;
    Reflect.deleteProperty(globalThis, "WebSocket");
    try {
      const { streams, welcomeStream } = streamBench({ transport: "auto", WebSocket: undefined as never });
      await welcomeStream();
      expect(streams).toHaveLength(1);
      expect(() => connect({ url: "https://presence.example.com", token: TOKEN })).toThrow(
        "options.WebSocket is needed",
      );
    } finally {
      globalThis.WebSocket = WebSocket;
    }
  });
});

test("[CL139] a message that comes before it is known where the session stands is not told", async () => {
  const { connection, socket } = clientBench();
  const heard: number[] = [];
  connection.on("message", ({ offset }) => heard.push(offset));
  const lost = await socket();
  lost.accept();
  lost.say(message(6));
  lost.say({ ...LOBBY, type: "subscribed" });
  lost.say(message(8));
  expect(heard).toEqual([8]);
});

test("[CL140] on a channel connection messages that are lost are told as a gap, before anything later", async () => {
  const { connection, welcome } = clientBench();
  const told: unknown[] = [];
  connection.on("message", ({ offset }) => told.push(offset));
  connection.on("gap", (gap) => told.push(gap));
  const socket = await welcome(LOBBY);
  socket.say(message(8));
  socket.say(message(20));
  socket.say({ ...LOBBY, type: "subscribed", offset: 20, ref: socket.messages.at(-1)?.ref });
  socket.say(message(21));
  expect(told).toEqual([8, { from: 9, to: 20 }, 21]);
});
