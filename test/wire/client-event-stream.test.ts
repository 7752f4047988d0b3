import { EventSource } from "eventsource";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Connection, type ConnectOptions, connect } from "../../src/client/index.ts";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { FaultProxy, NO_FAULTS } from "../fixtures/fault-proxy.ts";
import type { Service } from "../fixtures/process-group.ts";
import { quickTimers } from "../fixtures/quick-timers.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";
import { until } from "../fixtures/until.ts";
import { SeededRandom } from "../sim/seeded-random.ts";

/* The SDK without a WebSocket, against the service on the runtime alone. */

const PATIENCE_MS = 10_000;
let service: Service;

beforeAll(async () => {
  service = await startBareService({ vars: { OFFLINE_GRACE_SECONDS: "1", HEARTBEAT_INTERVAL_SECONDS: "2" } });
});
afterAll(() => service.stop());

/** Stands in for a WebSocket that a network in between does not let through. */
class BlockedSocket {
  addEventListener(type: string, listener: (event: never) => void): void {
    if (type === "close") setTimeout(() => listener({ code: 1006, reason: "" } as never), 5);
  }
  send(): void {
    throw new Error("never open");
  }
  close(): void {
    return undefined; // its close is on the way
  }
}

async function opened(user: string, options: Partial<ConnectOptions> = {}): Promise<Connection> {
  const connection = connect({
    url: service.url,
    token: await tokenFor(user),
    transport: "event-stream",
    EventSource,
    ...options,
  });
  await until(() => connection.state.name === "open", PATIENCE_MS, `${user} is not open`);
  return connection;
}

async function read(path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(`${service.url}/v1/${path}`, { headers: KEY });
  return (await answer.json()) as Record<string, unknown>;
}

const sessionsOf = async (user: string): Promise<unknown[]> =>
  [(await read(`users/${user}/sessions`)).sessions].flat();

/** Asks until it is so. */
async function untilIt(isSo: () => Promise<boolean>, withinMs: number): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`not so within ${withinMs} ms`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** The data of every message so far. */
function heardBy(connection: Connection): unknown[] {
  const heard: unknown[] = [];
  connection.on("message", ({ data }) => heard.push(data));
  return heard;
}

test.concurrent("[CL120] over an event stream a channel is heard, and spoken in over HTTP, as over a WebSocket", async () => {
  const ann = await opened("cl120a", { channel: "cl120" });
  const ben = await opened("cl120b", { channel: "cl120", transport: "websocket" });
  const [byAnn, byBen] = [heardBy(ann), heardBy(ben)];
  const signals: unknown[] = [];
  for (const one of [ann, ben])
    one.on("signal", ({ event, from }) => signals.push([one === ann, event, from?.user]));
  const first = await ann.publish({ hello: "ben" }, { event: "chat", key: "k1" });
  const again = await ann.publish({ hello: "ben" }, { event: "chat", key: "k1" });
  expect(again).toMatchObject({ id: first.id, offset: first.offset, duplicate: true });
  await ben.publish("hello ann");
  await until(() => byAnn.length === 2 && byBen.length === 2, PATIENCE_MS, "two messages were not heard");
  expect([byAnn, byBen]).toEqual([
    [{ hello: "ben" }, "hello ann"],
    [{ hello: "ben" }, "hello ann"],
  ]);
  ann.signal("typing");
  ben.signal("waving");
  await until(() => signals.length === 2, PATIENCE_MS, "the signals were not heard");
  expect(signals).toEqual(
    expect.arrayContaining([
      [false, "typing", "cl120a"],
      [true, "waving", "cl120b"],
    ]),
  );
  await until(() => ann.roster.size === 2, PATIENCE_MS, "the roster is not known");
  expect((await ann.history({ after: 1 })).messages.map(({ data }) => data)).toEqual(["hello ann"]);
  expect((await ann.members({ limit: 10 })).count).toBe(2);
  expect(await sessionsOf("cl120a")).toMatchObject([{ transport: "sse" }]);
  expect(ann.state).toMatchObject({ user: "cl120a" });
  for (const one of [ann, ben]) one.close();
});

test.concurrent("[CL121] a rewind's messages are told over a stream too, all of them and in order", async () => {
  const ann = await opened("cl121a", { channel: "cl121" });
  for (const n of [1, 2, 3, 4, 5]) await ann.publish(n);
  const ben = connect({
    ...{ url: service.url, token: await tokenFor("cl121b"), channel: "cl121", rewind: 3 },
    ...{ transport: "event-stream", EventSource },
  });
  const heard = heardBy(ben);
  await until(() => heard.length === 3, PATIENCE_MS, "the newest three were not heard");
  await ann.publish(6);
  await until(() => heard.length === 4, PATIENCE_MS, "what came later was not heard");
  expect(heard).toEqual([3, 4, 5, 6]);
  for (const one of [ann, ben]) one.close();
});

test.concurrent("[CL122] a stream that was cut comes back with a new ticket and misses nothing", async () => {
  const proxy = await FaultProxy.start(service.url, new SeededRandom(1), NO_FAULTS);
  const ann = await opened("cl122a", { channel: "cl122" });
  const ben = await opened("cl122b", { channel: "cl122", url: proxy.url });
  const heard = heardBy(ben);
  const left: unknown[] = [];
  ann.on("members", (change) => left.push(...change.left));
  for (const round of [1, 2, 3]) {
    await ann.publish(`${round} before`);
    await until(() => heard.length === 3 * round - 2, PATIENCE_MS, "it was not heard");
    proxy.cutAll();
    await until(() => ben.state.name !== "open", PATIENCE_MS, "the cut was not noticed");
    await ann.publish(`${round} meanwhile`);
    await until(() => ben.state.name === "open", PATIENCE_MS, "it did not come back");
    await ann.publish(`${round} after`);
    await until(() => heard.length === 3 * round, PATIENCE_MS, "not everything was heard");
  }
  expect(heard).toEqual(
    [1, 2, 3].flatMap((round) => ["before", "meanwhile", "after"].map((when) => `${round} ${when}`)),
  );
  expect(left).toEqual([]);
  for (const one of [ann, ben]) one.close();
  await proxy.stop();
});

test.concurrent("[CL123] where three WebSockets in a row come to nothing though HTTP gets through, it is event streams", async () => {
  let tries = 0;
  class CountedSocket extends BlockedSocket {
    constructor() {
      super();
      tries++;
    }
  }
  const options = { channel: "cl123", transport: "auto", WebSocket: CountedSocket } as const;
  const ann = await opened("cl123", { ...options, timers: quickTimers(5) });
  const heard = heardBy(ann);
  await ann.publish("through");
  await until(() => heard.length === 1, PATIENCE_MS, "it was not heard");
  expect(tries).toBe(3);
  expect(await sessionsOf("cl123")).toMatchObject([{ transport: "sse" }]);
  ann.close();
});

test.concurrent("[CL124] on a user's own stream direct messages, presence and watches work, and channels get connections of their own", async () => {
  const ann = await opened("cl124a", { device: { id: "d1" } });
  const ben = await opened("cl124b", { transport: "websocket" });
  const direct: unknown[] = [];
  ann.on("direct", ({ data }) => direct.push(data));
  const seen: unknown[] = [];
  ann.on("presence", ({ status, text }) => seen.push(text ?? status));
  await ann.presence.watch(["cl124b"]);
  await ben.presence.set({ status: "busy", text: "in a call" });
  await until(() => seen.includes("in a call"), PATIENCE_MS, "the status was not seen");
  await ben.send("cl124a", "psst");
  await until(() => direct.length === 1, PATIENCE_MS, "the message did not come");
  await until(() => ann.inbox.acked === 1, PATIENCE_MS, "it was not acknowledged");
  await expect(ann.send("cl124b", "what?")).resolves.toMatchObject({ seq: 1 });
  await expect(ann.presence.set({ status: "away" })).resolves.toMatchObject({ status: "away" });
  await expect(ann.presence.watch(["cl124b"], { only: ["online"] })).rejects.toMatchObject({
    code: "not_available",
  });
  const codes: string[] = [];
  ann.on("error", ({ code }) => codes.push(code));
  ann.signal("poke", undefined, { user: "cl124b" });
  const room = ann.channel("cl124");
  await until(() => room.state.name === "open", PATIENCE_MS, "the channel is not open");
  const told: unknown[] = [];
  room.on("message", ({ data }) => told.push(data));
  await room.publish("over a stream of its own");
  await until(() => told.length === 1, PATIENCE_MS, "the channel's message was not heard");
  expect(await sessionsOf("cl124a")).toMatchObject([
    ...[{ transport: "sse" }, { transport: "sse", channel: "cl124" }],
  ]);
  await until(() => codes.includes("not_available"), PATIENCE_MS, "the signal was not refused");
  await untilIt(async () => {
    const { acked, latest } = await read("users/cl124a/inbox?device=d1");
    return acked === 1 && latest === 1;
  }, PATIENCE_MS);
  for (const one of [ann, ben]) one.close();
});

test.concurrent("[CL125] a stream that is closed ends its session at once, and a refused one says why", async () => {
  const ann = await opened("cl125", { channel: "cl125" });
  expect(await sessionsOf("cl125")).toHaveLength(1);
  ann.close();
  await untilIt(async () => (await sessionsOf("cl125")).length === 0, 1500); // no heartbeat has failed yet
  const refused = connect({
    ...{ url: service.url, token: await tokenFor("cl125", { channels: {} }), channel: "cl125" },
    ...{ transport: "event-stream", EventSource },
  });
  await until(() => refused.state.name === "closed", PATIENCE_MS, "it was not refused");
  expect(refused.state).toMatchObject({ error: "forbidden" });
});
