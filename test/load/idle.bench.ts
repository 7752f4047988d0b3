import { env } from "cloudflare:workers";
import { test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { read, until, WorkerClient } from "../workers/client.ts";
import { Meter } from "../workers/meter.ts";

/*
 * What a connection costs that is only there. TTLs are short (vitest.config.ts), and what an hour has of them is counted
 * up from that. It could lie in two ways: what happens by the hour and not by the TTL is not seen, and time in memory is not
 * in it.
 */
const USERS = 20;
/** A user's object sweeps once in ten TTLs: a few sweeps of each. */
const TTLS = 31;
const TTL_SECONDS = 1;
/** The platform's own methods: what is left is called by another object, and paid as a request. */
const OWN = new Set([
  "constructor",
  "fetch",
  "alarm",
  "webSocketMessage",
  "webSocketClose",
  "webSocketError",
]);

interface Counted {
  connections: number;
  seconds: number;
  ttlSeconds: number;
  alarms: number;
  calls: number;
  rowsWritten: number;
  rowsRead: number;
}

async function counted(connections: number): Promise<Counted> {
  const spied = [UserObject, ChannelObject, DirectoryObject].map((object) => {
    const prototype = object.prototype as unknown as Record<string, (...args: unknown[]) => unknown>;
    const names = Object.getOwnPropertyNames(prototype).filter((name) => !OWN.has(name));
    return {
      alarms: vi.spyOn(prototype, "alarm"),
      calls: names
        .filter((name) => typeof prototype[name] === "function")
        .map((name) => vi.spyOn(prototype, name)),
    };
  });
  const meter = await Meter.on(env.USER.getByName("idle-own-0"));
  for (const { alarms, calls } of spied) for (const spy of [alarms, ...calls]) spy.mockClear();
  const since = Date.now();
  await new Promise((resolve) => setTimeout(resolve, TTLS * TTL_SECONDS * 1000));
  meter.off();
  const sum = (numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const result = {
    connections,
    seconds: (Date.now() - since) / 1000,
    ttlSeconds: TTL_SECONDS,
    alarms: sum(spied.map(({ alarms }) => alarms.mock.calls.length)),
    calls: sum(spied.flatMap(({ calls }) => calls.map((spy) => spy.mock.calls.length))),
    rowsWritten: meter.billed,
    rowsRead: meter.rowsRead,
  };
  vi.restoreAllMocks();
  return result;
}

async function idling(what: string, connect: (i: number) => Promise<WorkerClient>): Promise<void> {
  const clients: WorkerClient[] = [];
  const pinging = setInterval(() => {
    for (const client of clients) client.send("ping");
  }, 300);
  for (let i = 0; i < USERS; i++) clients.push(await connect(i));
  await new Promise((resolve) => setTimeout(resolve, 12_000)); // the last change of a count is told within ten seconds
  console.log(`IDLE ${JSON.stringify({ what, ...(await counted(USERS)) })}`);
  clearInterval(pinging);
  for (const { socket } of clients) socket.close(1000);
  await until(async () => JSON.stringify(await read("/v1/presence")).includes('"count":0'), 60_000);
}

test("what an idle connection costs", async () => {
  await idling("user connection", (i) => WorkerClient.connect(`idle-own-${i}`));
  await idling("channel connection, one of 20", (i) =>
    WorkerClient.connect(`idle-there-${i}`, { channel: "idle" }),
  );
});
