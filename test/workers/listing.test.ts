import { abortAllDurableObjects, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { DirectoryObject } from "../../src/directory/directory-object.ts";
import { KEY, read, request, until, WorkerClient } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface Listed {
  user: string;
  status: string;
  sessions: number;
}

const online = async (user: string) => {
  const { users } = (await read("/v1/presence?limit=1000")) as unknown as { users: Listed[] };
  return users.find((listed) => listed.user === user);
};
const membersOf = async (channel: string) => {
  const { channels } = await read(`/v1/channels?prefix=${channel}`);
  return (channels as { channel: string; members: number }[]).find((listed) => listed.channel === channel)
    ?.members;
};

/** Past the first retry: the alarm runs now, whatever it was set for. */
async function retried(stub: DurableObjectStub): Promise<void> {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 6000 });
  await runDurableObjectAlarm(stub);
}

test("[DI4] who is online is listed with status and sessions, from the first session to the grace after the last", async () => {
  const first = await WorkerClient.connect("li-ann");
  await until(async () => (await online("li-ann"))?.sessions === 1);
  const second = await WorkerClient.connect("li-ann", { channel: "li-room", device: "mobile" });
  await until(async () => (await online("li-ann"))?.sessions === 2);
  first.send({ type: "presence", status: "invisible", text: "hush", scope: "user" });
  await until(async () => (await online("li-ann"))?.status === "invisible");
  expect(await online("li-ann")).toMatchObject({ text: "hush", devices: ["mobile", "web"], sessions: 2 });
  expect(await membersOf("li-room")).toBe(1);
  first.socket.close(1000);
  second.socket.close(1000);
  await until(async () => (await online("li-ann")) === undefined);
  await until(async () => (await membersOf("li-room")) === undefined);
});

test("[DI4] who is erased is not listed, and may come back", async () => {
  await WorkerClient.connect("li-erased");
  await until(async () => (await online("li-erased")) !== undefined);
  await request("/v1/users/li-erased", { method: "DELETE", headers: KEY });
  await until(async () => (await online("li-erased")) === undefined);
  const back = await WorkerClient.connect("li-erased");
  await until(async () => (await online("li-erased"))?.sessions === 1);
  back.socket.close(1000);
});

test.each([
  ["left", ({ socket }: WorkerClient) => socket.close(1000)],
  ["erased", () => request("/v1/users/li-erased-gone", { method: "DELETE", headers: KEY })],
] as const)(
  "[DI12] that a user is gone (%s) is owed until the directory knows, whatever crashes",
  async (how, go) => {
    const user = `li-${how}-gone`;
    const client = await WorkerClient.connect(user);
    await until(async () => (await online(user)) !== undefined);
    const failing = vi.spyOn(DirectoryObject.prototype, "setUser").mockRejectedValue(new Error("down"));
    await go(client);
    await until(() => failing.mock.calls.length > 0);
    await abortAllDurableObjects();
    failing.mockRestore();
    expect(await online(user)).toBeDefined(); // nobody has told it yet
    await runDurableObjectAlarm(env.USER.getByName(user));
    await until(async () => (await online(user)) === undefined);
    await until(async () => (await owes(user)) === 0);
  },
);

const owes = (user: string) =>
  runInDurableObject(
    env.USER.getByName(user),
    (_, { storage }) => storage.sql.exec("SELECT owes_directory FROM user").toArray()[0]?.owes_directory,
  );

test("[DI21] an alarm that is late at the turn of a period skips no confirmation", async () => {
  const period = 600_000; // ten TTLs
  const ann = await WorkerClient.connect("li-late-ann");
  const bob = await WorkerClient.connect("li-late-bob");
  bob.send({ type: "watch", users: ["li-late-ann"], ref: "watch" }); // so that it is looked at every TTL
  await until(() => bob.frames.some(({ ref }) => ref === "watch"));
  await until(async () => (await online("li-late-ann")) !== undefined);
  const told = vi.spyOn(DirectoryObject.prototype, "setUser");
  const turn = Math.ceil(Date.now() / period) * period;
  for (const [at, calls] of [
    [turn - 1000, 0],
    [turn + 75_000, 1], // due at 59 s
    [turn + 180_000, 0],
  ] as const) {
    vi.useFakeTimers({ toFake: ["Date"], now: at });
    for (const client of [ann, bob]) {
      client.send({ type: "presence", ref: at }); // says nothing, and keeps it from turning away
      await until(() => client.frames.some(({ ref }) => ref === at));
    }
    told.mockClear();
    await runDurableObjectAlarm(env.USER.getByName("li-late-ann"));
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(told.mock.calls.filter(([{ presence }]) => presence.user === "li-late-ann")).toHaveLength(calls);
  }
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[DI12] that a channel is vacated is owed until the directory knows, and costs no row", async () => {
  const client = await WorkerClient.connect("li-last", { channel: "li-vacated" });
  await until(async () => (await membersOf("li-vacated")) === 1);
  const failing = vi.spyOn(DirectoryObject.prototype, "setChannel").mockRejectedValue(new Error("down"));
  client.socket.close(1000);
  await until(() => failing.mock.calls.length > 0);
  await abortAllDurableObjects();
  failing.mockRestore();
  expect(await membersOf("li-vacated")).toBe(1);
  await runDurableObjectAlarm(env.CHANNEL.getByName("li-vacated"));
  await until(async () => (await membersOf("li-vacated")) === undefined);
  const rows = () =>
    runInDurableObject(
      env.CHANNEL.getByName("li-vacated"),
      (_, { storage }) => storage.sql.exec("SELECT session FROM session").toArray().length,
    );
  await until(async () => (await rows()) === 0);
});

test("[F39] the directory takes a call whose answer is lost: told again, the count is right", async () => {
  const { usersOnline, sessions } = await read("/v1/stats");
  const real = DirectoryObject.prototype.setUser;
  const calls = vi.spyOn(DirectoryObject.prototype, "setUser").mockImplementationOnce(async function (
    this: DirectoryObject,
    entry,
  ) {
    await real.call(this, entry);
    throw new Error("the answer is lost");
  });
  const client = await WorkerClient.connect("f39");
  await until(async () => (await online("f39"))?.sessions === 1);
  await retried(env.USER.getByName("f39"));
  await until(() => calls.mock.calls.length >= 2);
  vi.useRealTimers();
  expect(await read("/v1/stats")).toMatchObject({
    usersOnline: (usersOnline as number) + 1,
    sessions: (sessions as number) + 1,
  });
  client.socket.close(1000);
});

test("[DI13] that a channel is occupied or vacated is told at once, another count in ten seconds", async () => {
  const told = vi.spyOn(DirectoryObject.prototype, "setChannel");
  const counts = () =>
    told.mock.calls.filter(([{ channel }]) => channel === "li-count").map(([{ members }]) => members);
  const clients: WorkerClient[] = [];
  for (let i = 0; i < 5; i++) clients.push(await WorkerClient.connect(`li-${i}`, { channel: "li-count" }));
  await until(() => counts().length === 1);
  expect(counts()).toEqual([1]);
  await until(() => counts().length === 2, 12_000);
  expect(counts()).toEqual([1, 5]);
  for (const { socket } of clients) socket.close(1000);
  await until(() => counts().at(-1) === 0);
  expect(counts()).toEqual([1, 5, 0]);
  expect(await membersOf("li-count")).toBeUndefined();
});

test("[DI17] a user object that lost its storage is believed all the same: what it says now counts", async () => {
  const client = await WorkerClient.connect("li-lost");
  for (const text of ["a", "b", "c"]) client.send({ type: "presence", text });
  await until(async () => ((await online("li-lost")) as { text?: string } | undefined)?.text === "c");
  await runInDurableObject(env.USER.getByName("li-lost"), (_, { storage }) => storage.deleteAll());
  await abortAllDurableObjects();
  const back = await WorkerClient.connect("li-lost", { device: "mobile" });
  await until(async () => ((await online("li-lost")) as { text?: string } | undefined)?.text === undefined);
  expect(await online("li-lost")).toMatchObject({ status: "online", devices: ["mobile"], sessions: 1 });
  back.socket.close(1000);
  await until(async () => (await online("li-lost")) === undefined);
});
