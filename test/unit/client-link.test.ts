import { describe, expect, test } from "vitest";
import { connectAddress, serviceAddress, webSocketAddress } from "../../src/client/address.ts";
import { clientBench, TOKEN } from "../fixtures/client-bench.ts";
import { settled } from "../fixtures/fake-timers.ts";

function problem(status: number, code: string): () => Promise<Response> {
  return () => Promise.resolve(Response.json({ code, detail: `it is ${code}` }, { status }));
}

describe("connecting", () => {
  test("[CL15] the token travels as a subprotocol and never in the address; the device in the query", async () => {
    const device = { id: "d1", type: "mobile" as const, name: "Ann's phone" };
    const { socket } = clientBench({ device });
    const { url, protocols } = await socket();
    expect(protocols).toEqual(["presence.v1", `bearer.${TOKEN}`]);
    const address = new URL(url);
    expect(address.origin + address.pathname).toBe("wss://presence.example.com/v1/channels/lobby/connect");
    expect(Object.fromEntries(address.searchParams)).toEqual({
      device_id: "d1",
      device_type: "mobile",
      device_name: "Ann's phone",
    });
  });

  test("[CL16] without a channel it is the user's own connection, below any prefix of the address", () => {
    const address = connectAddress({ base: serviceAddress("ws://127.0.0.1:8787/live") });
    expect(webSocketAddress(address)).toBe("ws://127.0.0.1:8787/live/v1/connect");
    expect(() => serviceAddress("ftp://127.0.0.1")).toThrow("url must begin with");
  });

  test("[CL17] the token function is asked again before each attempt", async () => {
    let asked = 0;
    const token = () => Promise.resolve(`${TOKEN}${++asked}`);
    const { timers, sockets, welcome } = clientBench({ token });
    const socket = await welcome();
    socket.end(4001);
    await timers.pass(10_000);
    expect(sockets.map(({ protocols }) => protocols[1])).toEqual([`bearer.${TOKEN}1`, `bearer.${TOKEN}2`]);
  });

  test("[CL18] a failing token function is told as token_unavailable and tried again", async () => {
    let failing = true;
    const token = () => (failing ? Promise.reject(new Error("down")) : TOKEN);
    const { connection, timers, sockets } = clientBench({ token });
    const codes: string[] = [];
    connection.on("error", ({ code }) => codes.push(code));
    await settled();
    expect(codes).toEqual(["token_unavailable"]);
    failing = false;
    await timers.pass(1000);
    expect(sockets).toHaveLength(1);
  });

  test("[CL19] a refused upgrade is asked about over HTTP, and a final refusal ends it", async () => {
    const { connection, socket } = clientBench({ fetch: problem(401, "token_invalid") });
    (await socket()).end(1006);
    await settled();
    expect(connection.state).toMatchObject({
      name: "closed",
      error: "token_invalid",
      reason: "it is token_invalid",
    });
  });

  test("[CL20] an expired token is final only where no fresh one can be had", async () => {
    const fixed = clientBench({ fetch: problem(401, "token_expired") });
    const fresh = clientBench({ fetch: problem(401, "token_expired"), token: () => TOKEN });
    for (const { socket } of [fixed, fresh]) (await socket()).end(1006);
    await settled();
    expect(fixed.connection.state).toMatchObject({ name: "closed", error: "token_expired" });
    expect(fresh.connection.state.name).toBe("waiting");
  });

  test("[CL21] an unreachable service is tried again", async () => {
    const { connection, timers, sockets, socket } = clientBench();
    (await socket()).end(1006);
    await settled();
    expect(connection.state.name).toBe("waiting");
    await timers.pass(250);
    expect(sockets).toHaveLength(2);
  });

  test("[CL22] a connect without a welcome within 15 s is begun anew", async () => {
    const { timers, sockets, socket } = clientBench();
    (await socket()).accept();
    await timers.pass(15_000);
    expect(sockets[0]?.closedWith).toBe(1000);
    await timers.pass(250);
    expect(sockets).toHaveLength(2);
  });

  test("[CL62] the wait for a welcome doubles with each failure in a row, up to a minute", async () => {
    const { timers, sockets, socket } = clientBench();
    await socket();
    const waits: number[] = [];
    for (let attempt = 1; attempt <= 5; attempt++) {
      await settled();
      const since = timers.now();
      sockets.at(-1)?.accept();
      while (sockets.at(-1)?.closedWith === undefined) await timers.pass(1000);
      waits.push(Math.floor((timers.now() - since) / 1000));
      while (sockets.length === attempt) await timers.pass(250);
    }
    expect(waits).toEqual([15, 15, 30, 60, 60]);
  });
});

describe("staying connected", () => {
  test("[CL23] the client says ping at each interval, and any frame is an answer", async () => {
    const { connection, timers, welcome } = clientBench();
    const socket = await welcome();
    await timers.pass(25_000);
    socket.sayText("pong");
    await timers.pass(25_000);
    socket.say({ type: "signal", event: "typing", from: { user: "ben" } });
    await timers.pass(12_000);
    expect(socket.sent).toEqual(["ping", "ping"]);
    expect(connection.state.name).toBe("open");
  });

  test("[CL24] a ping without an answer closes the socket, forgets it and connects again", async () => {
    const { connection, timers, sockets, welcome } = clientBench();
    const socket = await welcome();
    await timers.pass(35_000);
    expect(socket.closedWith).toBe(4002);
    expect(connection.state).toMatchObject({ name: "waiting", code: 4002 });
    await timers.pass(250);
    await welcome();
    socket.end(1006); // the close event of the old socket, ten seconds late
    socket.say({ type: "signal", event: "late" });
    expect(connection.state.name).toBe("open");
    expect(sockets).toHaveLength(2);
  });

  test("[CL25] a probe is answered at once with its number", async () => {
    const { welcome } = clientBench();
    const socket = await welcome();
    socket.say({ type: "probe", n: 7 });
    expect(socket.messages).toEqual([{ type: "heartbeat", n: 7 }]);
  });

  test("[CL26] a closing message sets the code and the pause, also where no close follows", async () => {
    const { connection, timers, welcome } = clientBench();
    const socket = await welcome();
    const closing: unknown[] = [];
    connection.on("closing", (event) => closing.push(event));
    socket.say({ type: "closing", code: 4000, reason: "busy", reconnect: true, retryAfterMs: 5000 });
    await timers.pass(1000);
    expect(closing).toMatchObject([{ code: 4000, retryAfterMs: 5000 }]);
    expect(connection.state).toMatchObject({ name: "waiting", code: 4000, reason: "busy" });
    expect(connection.state).toMatchObject({ earliest: timers.now() + 5000 });
  });

  test("[CL27] a closing message that says stay away holds against a close without a code", async () => {
    const { connection, welcome } = clientBench();
    const socket = await welcome();
    socket.say({ type: "closing", code: 4502, reason: "removed", reconnect: false });
    socket.end(1006);
    expect(connection.state).toEqual({ name: "closed", code: 4502, reason: "removed" });
  });

  test("[CL28] check finds a dead socket early and ends a pause", async () => {
    const { connection, timers, sockets, welcome } = clientBench();
    const socket = await welcome();
    connection.check();
    expect(socket.sent).toEqual(["ping"]);
    await timers.pass(10_000);
    expect(connection.state.name).toBe("waiting");
    connection.check();
    await settled();
    expect(sockets).toHaveLength(2);
  });

  test("[CL29] close ends it for good", async () => {
    const { connection, timers, sockets, welcome } = clientBench();
    const socket = await welcome();
    connection.close();
    expect(socket.closedWith).toBe(1000);
    await timers.pass(120_000);
    expect(sockets).toHaveLength(1);
    expect(connection.state).toMatchObject({ name: "closed", code: 1000 });
  });
});
