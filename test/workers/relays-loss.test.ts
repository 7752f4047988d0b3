import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { publish, read, until, WorkerClient } from "./client.ts";
import { crowd, leave, relayStub, summaryOf, untilHeard, untilSummary } from "./relayed.ts";
import { ask } from "./subscribing.ts";

const users = async (channel: string) =>
  ((await read(`/v1/channels/${channel}/members?limit=1000`)).members as { user: string }[]).map(
    ({ user }) => user,
  );
const sessionsOf = async (user: string) =>
  ((await read(`/v1/users/${user}/sessions`)).sessions as object[]).length;
const reset = (stub: DurableObjectStub) =>
  runInDurableObject(stub, (_, state) => state.abort("a crash")).catch(() => undefined);
/** The numbers of the relays that hold sockets. */
async function inhabited(channel: string): Promise<number[]> {
  const { relays } = await summaryOf(channel);
  return Array.from({ length: relays }, (_, i) => i + 1);
}

test("[F42] relays sleep and wake between messages, and nobody misses one or hears it twice", async () => {
  const clients = await crowd("f42-sleep", 9);
  const numbers = await inhabited("f42-sleep");
  for (let data = 1; data <= 4; data++) {
    for (const number of numbers)
      await evictDurableObject(relayStub("f42-sleep", number), { webSockets: "hibernate" });
    if (data % 2 === 0)
      await evictDurableObject(env.CHANNEL.getByName("f42-sleep"), { webSockets: "hibernate" });
    await publish("f42-sleep", { data });
    await untilHeard("f42-sleep", clients, data);
  }
  for (const { closeCode } of clients) expect(closeCode).toBeUndefined();
  expect(await summaryOf("f42-sleep")).toMatchObject({ members: 9 });
  leave(clients);
  await untilSummary("f42-sleep", { members: 0, relays: 0 });
});

test("[F42] a relay that is evicted with its sockets leaves no member behind, and whoever returns in grace has never left", async () => {
  const clients = await crowd("f42-evicted", 8);
  const gone = clients.slice(3);
  for (const number of await inhabited("f42-evicted")) {
    await evictDurableObject(relayStub("f42-evicted", number), { webSockets: "close" });
  }
  await until(() => gone.every(({ closeCode }) => closeCode !== undefined));
  const back = await WorkerClient.connect("f42-evicted-7", { channel: "f42-evicted" });
  await untilSummary("f42-evicted", { members: 4, sessions: 4 });
  expect(await users("f42-evicted")).toEqual([
    "f42-evicted-0",
    "f42-evicted-1",
    "f42-evicted-2",
    "f42-evicted-7",
  ]);
  for (const client of clients.slice(0, 3)) {
    const left = client
      .ofType("members")
      .flatMap((frame) => (frame.left as { user: string }[]).map(({ user }) => user));
    expect(left).not.toContain("f42-evicted-7");
  }
  for (let i = 3; i < 7; i++) await until(async () => (await sessionsOf(`f42-evicted-${i}`)) === 0);
  leave([...clients.slice(0, 3), back]);
  await untilSummary("f42-evicted", { members: 0, relays: 0 });
});

test("[F42] a relay that crashes while messages are on their way loses nobody: those who return have heard all, once and in order", async () => {
  const clients = await crowd("f42-crash", 7);
  await publish("f42-crash", { data: 1 });
  await untilHeard("f42-crash", clients, 1);
  const epoch = String(clients[0]?.frames[0]?.epoch);
  const talking = (async () => {
    for (let data = 2; data <= 30; data++) await publish("f42-crash", { data });
  })();
  for (const number of await inhabited("f42-crash")) await reset(relayStub("f42-crash", number));
  await talking;
  const lost = clients.slice(3);
  await until(() => lost.every(({ closeCode }) => closeCode !== undefined));
  const back: WorkerClient[] = [];
  for (const [i, client] of lost.entries()) {
    const offset = client.ofType("message").at(-1)?.offset ?? 0;
    const query = { epoch, offset: String(offset) };
    const again = await WorkerClient.connect(`f42-crash-${i + 3}`, { channel: "f42-crash", query });
    expect(again.frames[0]?.recovered).toBe(true);
    const missed = again.frames[0]?.messages as { offset: number }[];
    const heard = () =>
      [...missed, ...(again.ofType("message") as unknown as { offset: number }[])].map((one) => one.offset);
    await until(() => (heard().at(-1) ?? offset) === 30);
    expect(heard()).toEqual(Array.from({ length: 30 - Number(offset) }, (_, n) => Number(offset) + 1 + n));
    back.push(again);
  }
  await publish("f42-crash", { data: 31 });
  for (const client of [...clients.slice(0, 3), ...back]) {
    await until(() => client.ofType("message").at(-1)?.offset === 31);
  }
  await untilSummary("f42-crash", { members: 7, sessions: 7 });
  leave([...clients.slice(0, 3), ...back]);
  await untilSummary("f42-crash", { members: 0, relays: 0 });
});

test("[F42] a channel that crashes loses no member of a relay, and they hear what is said next", async () => {
  const clients = await crowd("f42-channel", 7);
  const there = clients.slice(3);
  await publish("f42-channel", { data: 1 });
  await untilHeard("f42-channel", clients, 1);
  await reset(env.CHANNEL.getByName("f42-channel"));
  await until(() => clients.slice(0, 3).every(({ closeCode }) => closeCode !== undefined));
  await publish("f42-channel", { data: 2 });
  await untilHeard("f42-channel", there, 2);
  expect(await ask(there[0] as WorkerClient, { type: "publish", data: 3 })).toMatchObject({ offset: 3 });
  await untilHeard("f42-channel", there, 3);
  await untilSummary("f42-channel", { members: 4, sessions: 4 });
  for (const client of there) expect(client.closeCode).toBeUndefined();
  leave(there);
  await untilSummary("f42-channel", { members: 0, relays: 0 });
});

test("[F42] everything crashes at once, and after the grace nobody is a member or has a session", async () => {
  const clients = await crowd("f42-all", 8);
  await abortAllDurableObjects();
  await until(() => clients.every(({ closeCode }) => closeCode !== undefined));
  await untilSummary("f42-all", { members: 0, sessions: 0, relays: 0 });
  for (let i = 0; i < 8; i++) await until(async () => (await sessionsOf(`f42-all-${i}`)) === 0);
});
