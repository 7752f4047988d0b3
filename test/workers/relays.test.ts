import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { KEY, publish, read, request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { crowd, leave, relayStub, summaryOf, untilHeard, untilSummary } from "./relayed.ts";
import { ask } from "./subscribing.ts";

const CAPACITY = 3;
const members = async (channel: string) =>
  (await read(`/v1/channels/${channel}/members?limit=1000`)).members as { user: string; status: string }[];
const told = (client: WorkerClient, what: "joined" | "left" | "changed") =>
  client.ofType("members").flatMap((frame) => (frame[what] as { user: string }[]).map(({ user }) => user));
const sockets = (stub: DurableObjectStub) =>
  runInDurableObject(stub, (_, state) => state.getWebSockets().length);

test("[RY51] members of a channel and of its relays are one roster, hear everything once and in order, and are counted exactly", async () => {
  const clients = await crowd("ry51", 10);
  expect(await summaryOf("ry51")).toMatchObject({ members: 10, sessions: 10 });
  expect(await sockets(env.CHANNEL.getByName("ry51"))).toBe(CAPACITY);
  const { relays } = await summaryOf("ry51");
  expect(relays).toBeGreaterThanOrEqual(3);
  for (let number = 1; number <= relays; number++) {
    expect(await sockets(relayStub("ry51", number))).toBeLessThanOrEqual(CAPACITY);
  }
  // The last one of all was told of everybody, and everybody of it.
  const last = clients.at(-1);
  expect(last?.frames[0]?.members).toHaveLength(10);
  expect(last?.frames[0]?.count).toBe(10);
  for (const client of clients.slice(0, 9)) await until(() => told(client, "joined").includes("ry51-9"));
  for (const [i, client] of clients.entries()) {
    expect(await ask(client, { type: "publish", data: i })).toMatchObject({ type: "ok", offset: i + 1 });
  }
  await publish("ry51", { data: "from a back end" });
  await untilHeard("ry51", clients, 11);
  const [page, again] = [
    await ask(last as WorkerClient, { type: "members" }),
    await ask(last as WorkerClient, { type: "history" }),
  ];
  expect([page.count, (page.members as object[]).length, (again.messages as object[]).length]).toEqual([
    10, 10, 11,
  ]);
  leave(clients.slice(5));
  await untilSummary("ry51", { members: 5, sessions: 5 });
  for (const client of clients.slice(0, 5)) await until(() => new Set(told(client, "left")).size === 5);
  leave(clients);
  await untilSummary("ry51", { members: 0, sessions: 0, relays: 0 });
});

test("[RY51] sessions of one user in a channel and at relays are one member, with all its devices", async () => {
  const filling = await crowd("ry51-own", CAPACITY);
  const [web, tv] = [
    await WorkerClient.connect("ry51-many", { channel: "ry51-own", device: "web" }),
    await WorkerClient.connect("ry51-many", { channel: "ry51-own", device: "tv" }),
  ];
  const again = await WorkerClient.connect("ry51-own-0", { channel: "ry51-own", device: "mobile" });
  expect(await summaryOf("ry51-own")).toMatchObject({ members: 4, sessions: 6 });
  const devicesOf = async (user: string) =>
    (await members("ry51-own")).find((member) => member.user === user) as unknown as {
      devices: string[];
      sessions: number;
    };
  expect(await devicesOf("ry51-many")).toMatchObject({ devices: ["tv", "web"], sessions: 2 });
  expect(await devicesOf("ry51-own-0")).toMatchObject({ devices: ["mobile", "web"], sessions: 2 });
  const sessions = (await read("/v1/users/ry51-many/sessions")).sessions as { channel: string }[];
  expect(sessions.map(({ channel }) => channel)).toEqual(["ry51-own", "ry51-own"]);
  leave([...filling, web, tv, again]);
  await untilSummary("ry51-own", { members: 0, relays: 0 });
});

test("[RY52] a status that a member of a relay sets is seen by all, and one who hides leaves for all", async () => {
  const clients = await crowd("ry52", 6);
  const [there, here] = [clients.at(-1) as WorkerClient, clients[0] as WorkerClient];
  for (const client of clients.slice(0, -1)) await until(() => told(client, "joined").includes("ry52-5"));
  expect(await ask(there, { type: "presence", status: "busy" })).toMatchObject({
    type: "ok",
    status: "busy",
  });
  for (const client of clients) await until(() => told(client, "changed").includes("ry52-5"));
  expect((await members("ry52")).find(({ user }) => user === "ry52-5")?.status).toBe("busy");
  await ask(here, { type: "presence", status: "invisible" });
  for (const client of clients) await until(() => told(client, "left").includes("ry52-0"));
  leave(clients);
  await untilSummary("ry52", { members: 0 });
});

test("[RY53] a signal and what leaves somebody out pass between the channel and its relays", async () => {
  const clients = await crowd("ry53", 6);
  const [first, last] = [clients[0] as WorkerClient, clients.at(-1) as WorkerClient];
  last.send({ type: "signal", event: "typing" });
  for (const client of clients.slice(0, -1)) await until(() => client.ofType("signal").length === 1);
  await publish("ry53", { data: "not for the last", exclude: { user: "ry53-5" } });
  await publish("ry53", { data: "for all" });
  await untilHeard("ry53", clients, 2);
  expect(last.ofType("message").map(({ skipped }) => skipped)).toEqual([true, undefined]);
  expect(first.ofType("message").map(({ skipped }) => skipped)).toEqual([undefined, undefined]);
  expect(last.ofType("signal")).toEqual([]);
  leave(clients);
  await untilSummary("ry53", { members: 0 });
});

test("[RY54] who returns to a relay recovers what it missed, once and in order", async () => {
  const clients = await crowd("ry54", 5);
  const there = clients.at(-1) as WorkerClient;
  await publish("ry54", { data: 1 });
  await untilHeard("ry54", clients, 1);
  const { epoch } = there.frames[0] as { epoch?: string };
  there.socket.close(1000);
  for (let data = 2; data <= 130; data++) await publish("ry54", { data });
  const back = await WorkerClient.connect("ry54-4", {
    channel: "ry54",
    query: { epoch: String(epoch), offset: "1" },
  });
  expect(back.frames[0]).toMatchObject({ recovered: true, offset: 130 });
  await publish("ry54", { data: 131 });
  const heard = () => [
    ...((back.frames[0]?.messages ?? []) as { offset: number }[]),
    ...(back.ofType("message") as unknown as { offset: number }[]),
  ];
  await until(() => heard().at(-1)?.offset === 131);
  expect(heard().map(({ offset }) => offset)).toEqual(Array.from({ length: 130 }, (_, i) => i + 2));
  leave([...clients, back]);
  await untilSummary("ry54", { members: 0 });
});

test("[RY55] who is sent away from the channel, ended, or revoked leaves its relay", async () => {
  const clients = await crowd("ry55", 8);
  const remove = await request("/v1/channels/ry55/members/ry55-5", { method: "DELETE", headers: KEY });
  expect(remove.status).toBe(204);
  await until(() => clients[5]?.closeCode === 4502);
  await request("/v1/users/ry55-6/sessions?revoke=true", { method: "DELETE", headers: KEY });
  await until(() => clients[6]?.closeCode === 4501);
  await request(`/v1/users/ry55-7/sessions/${clients[7]?.session}`, { method: "DELETE", headers: KEY });
  await until(() => clients[7]?.closeCode === 4502);
  await untilSummary("ry55", { members: 5, sessions: 5 });
  const early = await tokenFor("ry55-5", { iat: Math.floor(Date.now() / 1000) - 10 });
  const headers = { Authorization: `Bearer ${early}`, Upgrade: "websocket" };
  expect((await request("/v1/channels/ry55/connect", { headers })).status).toBe(403);
  leave(clients);
  await untilSummary("ry55", { members: 0, relays: 0 });
});

test("[RY55] deleting a channel closes the connections of its relays with 4000", async () => {
  const clients = await crowd("ry55-gone", 7);
  await publish("ry55-gone", { data: 1 });
  await untilHeard("ry55-gone", clients, 1);
  await request("/v1/channels/ry55-gone", { method: "DELETE", headers: KEY });
  for (const client of clients) await until(() => client.closeCode === 4000);
  await untilSummary("ry55-gone", { members: 0, sessions: 0, relays: 0 });
  const back = await WorkerClient.connect("ry55-gone-6", { channel: "ry55-gone" });
  expect(back.frames[0]).toMatchObject({ offset: 0, recovered: false });
  leave([back]);
});

test("[RY56] relays that empty out disappear, with their rows and alarms, and are opened again", async () => {
  const clients = await crowd("ry56", 9);
  const { relays } = await summaryOf("ry56");
  leave(clients.slice(CAPACITY));
  await untilSummary("ry56", { members: 3, relays: 0 });
  for (let number = 1; number <= relays; number++) {
    const isOver = () =>
      runInDurableObject(relayStub("ry56", number), async (_, { storage }) => {
        const rows = storage.sql.exec("SELECT 1 FROM session").toArray().length;
        return rows === 0 && (await storage.getAlarm()) === null;
      });
    await until(isOver, 15_000);
  }
  const again = await WorkerClient.connect("ry56-again", { channel: "ry56" });
  await publish("ry56", { data: 1 });
  await untilHeard("ry56", [...clients.slice(0, CAPACITY), again], 1);
  leave([...clients, again]);
  await untilSummary("ry56", { members: 0 });
});

test("[RY57] a connection to a relay and its clean end write at most 20 rows over all objects", async () => {
  const filling = await crowd("ry57", CAPACITY + 1);
  const path = "ry57-warm";
  const warm = await WorkerClient.connect(path, { channel: "ry57" });
  warm.socket.close(1000);
  await untilSummary("ry57", { members: CAPACITY + 1 });
  await until(async () => (await read(`/v1/users/${path}/presence`)).status === "offline");
  const meter = await Meter.on(env.USER.getByName(path));
  const client = await WorkerClient.connect(path, { channel: "ry57" });
  client.socket.close(1000);
  await untilSummary("ry57", { members: CAPACITY + 1 });
  await until(async () => (await read(`/v1/users/${path}/presence`)).status === "offline");
  await new Promise((resolve) => setTimeout(resolve, 500)); // what is confirmed a moment later
  meter.off();
  expect(meter.billed, meter.statements.join("\n")).toBeLessThanOrEqual(20);
  expect(meter.rows).toBeGreaterThan(0);
  leave(filling);
  await untilSummary("ry57", { members: 0 });
});
