import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { objectsOf } from "../../src/objects/stubs.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { type HeardFrame, read, until, WorkerClient } from "./client.ts";

const KEYS = { kind: "back end" } as const;
const AWAY_MS = 300_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

function pass(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}

const presence = (user: string) => objectsOf(env).user(user).presence(KEYS);
const members = async (channel: string) =>
  (await read(`/v1/channels/${channel}/members`)).members as { user: string; devices?: string[] }[];
const sessions = async (user: string) =>
  (await read(`/v1/users/${user}/sessions`)).sessions as { id: string; device: object }[];

async function ask(client: WorkerClient, frame: object): Promise<HeardFrame> {
  const ref = Math.random();
  const answer = () => client.frames.find((heard) => heard.ref === ref);
  client.send({ ...frame, ref });
  await until(() => answer() !== undefined);
  return answer() as HeardFrame;
}

test("[RO19] what the user's object does not answer is unavailable, and nothing has changed", async () => {
  const client = await WorkerClient.connect("ro19", { channel: "ro19" });
  const device = { id: "d", type: "mobile" };
  const wordless = { type: "error", code: "unavailable" };
  vi.spyOn(UserObject.prototype, "setDevice").mockRejectedValueOnce(new Error("unreachable"));
  vi.spyOn(UserObject.prototype, "setPresence").mockRejectedValueOnce(new Error("unreachable"));
  expect(await ask(client, { type: "heartbeat", device })).toMatchObject(wordless);
  expect(await ask(client, { type: "presence", status: "busy" })).toMatchObject(wordless);
  expect(await members("ro19")).toMatchObject([{ status: "online", devices: ["web"] }]);
  expect(await ask(client, { type: "heartbeat", device })).toMatchObject({ type: "ok" });
  expect(await ask(client, { type: "presence", status: "busy" })).toMatchObject({
    type: "ok",
    status: "busy",
  });
  await evictDurableObject(env.CHANNEL.getByName("ro19"), { webSockets: "hibernate" });
  expect(await members("ro19")).toMatchObject([{ status: "busy", devices: ["mobile"] }]);
  expect(await sessions("ro19")).toMatchObject([{ device }]);
  client.send({ type: "publish", data: 1 });
  await until(() => client.ofType("message").length === 1);
  expect(client.ofType("message")[0]?.from).toMatchObject({ device: "d" });
  client.socket.close(1000);
});

test("[RO19] what a connection says of its user is carried out in the order in which it was said", async () => {
  const client = await WorkerClient.connect("ro19-order", { channel: "ro19-order" });
  const { setPresence } = UserObject.prototype;
  const calls = vi.spyOn(UserObject.prototype, "setPresence");
  calls.mockImplementationOnce(async function (this: UserObject, ...said) {
    await new Promise((resolve) => setTimeout(resolve, 100)); // a call on a stub of its own would overtake it
    return setPresence.apply(this, said);
  });
  const texts = ["one", "two", "three"];
  client.send(JSON.stringify(texts.map((text) => ({ type: "presence", text, ref: text }))));
  await until(() => client.ofType("ok").length === 3);
  expect(client.ofType("ok").map(({ text }) => text)).toEqual(texts);
  expect((await presence("ro19-order")).text).toBe("three");
  client.socket.close(1000);
});

test("[RO20] who does something on a channel connection is away no more, also where a report failed", async () => {
  const client = await WorkerClient.connect("ro20", { channel: "ro20" });
  const stub = env.USER.getByName("ro20");
  const reports = vi.spyOn(UserObject.prototype, "active");
  for (let i = 0; i < 5; i++) await ask(client, { type: "members" });
  expect(reports).not.toHaveBeenCalled(); // no pause, no word
  pass(AWAY_MS + 1000);
  await ask(client, { type: "heartbeat" }); // no activity
  expect(reports).not.toHaveBeenCalled();
  await runDurableObjectAlarm(stub);
  await until(async () => (await presence("ro20")).status === "away");
  reports.mockRejectedValueOnce(new Error("unreachable"));
  await ask(client, { type: "members" });
  await until(() => reports.mock.calls.length === 1);
  expect((await presence("ro20")).status).toBe("away");
  await evictDurableObject(env.CHANNEL.getByName("ro20"), { webSockets: "hibernate" });
  pass(1000);
  await ask(client, { type: "members" });
  await until(async () => (await presence("ro20")).status === "online");
  pass(1000);
  await ask(client, { type: "members" });
  expect(reports).toHaveBeenCalledTimes(2);
  client.socket.close(1000);
});

test("[RO20] before a user turns away its channels are asked", async () => {
  const client = await WorkerClient.connect("ro20-asks", { channel: "ro20-asks" });
  pass(AWAY_MS / 2 - 10_000);
  await ask(client, { type: "members" }); // too soon to be reported
  pass(AWAY_MS / 2 + 20_000);
  await ask(client, { type: "heartbeat" });
  const stub = env.USER.getByName("ro20-asks");
  const asked = vi.spyOn(ChannelObject.prototype, "lastActive");
  await runDurableObjectAlarm(stub);
  await asked.mock.results[0]?.value;
  await presence("ro20-asks"); // by the answer to this the one before has arrived
  expect((await presence("ro20-asks")).status).toBe("online");
  pass(AWAY_MS / 2);
  await ask(client, { type: "heartbeat" });
  await runDurableObjectAlarm(stub);
  await until(async () => (await presence("ro20-asks")).status === "away");
  client.socket.close(1000);
});

test("[RO20] a session whose admission is under way counts as active since it connected, an unknown one as gone", async () => {
  const { admit } = UserObject.prototype;
  const heard: Record<string, number>[] = [];
  vi.spyOn(UserObject.prototype, "admit").mockImplementationOnce(async function (this: UserObject, asked) {
    heard.push(await objectsOf(env).channel("ro20-begins").lastActive([asked.session, "unknown"]));
    return admit.call(this, asked);
  });
  const before = Date.now();
  const client = await WorkerClient.connect("ro20-begins", { channel: "ro20-begins" });
  expect(Object.keys(heard[0] ?? {})).toEqual([client.session]);
  expect(heard[0]?.[client.session]).toBeGreaterThanOrEqual(before);
  client.socket.close(1000);
});

test("[RO21] a channel that lost its storage sends its sockets back, and their sessions end everywhere", async () => {
  const client = await WorkerClient.connect("ro21", { channel: "ro21" });
  const stub = env.CHANNEL.getByName("ro21");
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
  await evictDurableObject(stub, { webSockets: "hibernate" });
  expect(await members("ro21")).toMatchObject([{ user: "ro21" }]); // in its grace
  await until(() => client.closeCode === 4000);
  await until(async () => (await sessions("ro21")).length === 0);
  await until(async () => (await presence("ro21")).status === "offline");
  await until(async () => (await members("ro21")).length === 0);
});

test("[RO21] sessions that a channel lost without a trace end when its user asks who is active", async () => {
  const client = await WorkerClient.connect("ro21-lost", { channel: "ro21-lost" });
  const stub = env.CHANNEL.getByName("ro21-lost");
  await runInDurableObject(stub, (_, { storage }) => storage.deleteAll());
  await evictDurableObject(stub, { webSockets: "close" });
  await until(() => client.closeCode !== undefined);
  expect(await sessions("ro21-lost")).toHaveLength(1); // nobody is left to tell of its end
  pass(AWAY_MS + 1000);
  await runDurableObjectAlarm(env.USER.getByName("ro21-lost"));
  await until(async () => (await sessions("ro21-lost")).length === 0);
  pass(1000); // longer than the grace
  expect((await presence("ro21-lost")).status).toBe("offline");
});

test("[RO20] a channel that does not answer is asked less and less often, and what others say counts", async () => {
  for (const channel of ["ro20-there", "ro20-silent"]) await WorkerClient.connect("ro20-both", { channel });
  const asked: string[] = [];
  vi.spyOn(ChannelObject.prototype, "lastActive").mockImplementation(function (this: ChannelObject) {
    const channel = String((this as unknown as { ctx: DurableObjectState }).ctx.id.name);
    asked.push(channel);
    if (channel === "ro20-silent") throw new Error("broken");
    return Promise.resolve({}); // it does not keep that session
  });
  const stub = env.USER.getByName("ro20-both");
  const nextAfterAsking = async () => {
    const before = asked.length;
    await runDurableObjectAlarm(stub);
    await until(() => asked.length > before);
    await new Promise((resolve) => setTimeout(resolve, 100));
    return Number(await runInDurableObject(stub, (_, { storage }) => storage.getAlarm())) - Date.now();
  };
  pass(AWAY_MS + 1000);
  const pauses = [await nextAfterAsking()];
  await until(async () => (await sessions("ro20-both")).length === 1);
  for (let round = 0; round < 2; round++) {
    await evictDurableObject(stub);
    pass(100_000 * 10 ** round);
    pauses.push(await nextAfterAsking());
  }
  expect(asked).toEqual(["ro20-there", "ro20-silent", "ro20-silent", "ro20-silent"]);
  expect(pauses.map((ms) => Math.round(ms / 10_000))).toEqual([3, 10, 60]);
  expect((await presence("ro20-both")).status).toBe("online"); // it may be active there
});
