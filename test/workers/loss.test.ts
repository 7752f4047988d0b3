import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { objectsOf } from "../../src/objects/stubs.ts";
import { type HeardFrame, read, until, WorkerClient } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const roster = async (channel: string) =>
  ((await read(`/v1/channels/${channel}/members`)).members as { user: string }[]).map(({ user }) => user);
const sessionsOf = async (user: string) =>
  ((await read(`/v1/users/${user}/sessions`)).sessions as { id: string }[]).map(({ id }) => id);
const statusOf = async (user: string) => (await read(`/v1/users/${user}/presence`)).status;
const left = (client: WorkerClient) =>
  client.ofType("members").flatMap(({ left }: HeardFrame) => left as { user: string }[]);

/** Rows in every table of an object that hold a session or owe one. */
async function sessionRows(stub: DurableObjectStub): Promise<number> {
  return runInDurableObject(
    stub,
    (_, { storage }) => storage.sql.exec("SELECT session FROM session").toArray().length,
  );
}

test("[F14] eviction with closed sockets leaves no session in any object after the grace", async () => {
  const clients = await Promise.all([
    WorkerClient.connect("f14", { channel: "f14" }),
    WorkerClient.connect("f14", { channel: "f14", device: "mobile" }),
    WorkerClient.connect("f14", { device: "desktop" }),
  ]);
  const [user, channel] = [env.USER.getByName("f14"), env.CHANNEL.getByName("f14")];
  await evictDurableObject(channel, { webSockets: "close" });
  await evictDurableObject(user, { webSockets: "close" });
  await until(() => clients.every(({ closeCode }) => closeCode !== undefined));
  expect(await roster("f14")).toEqual(["f14"]); // the grace has only begun: nobody has left yet
  await until(async () => (await roster("f14")).length === 0 && (await statusOf("f14")) === "offline");
  expect(await sessionsOf("f14")).toEqual([]);
  expect([await sessionRows(user), await sessionRows(channel)]).toEqual([0, 0]);
});

test("[F15] abort leaves no session in any object, and a return within the grace is invisible", async () => {
  await WorkerClient.connect("f15-gone", { channel: "f15" });
  await WorkerClient.connect("f15-back", { channel: "f15" });
  await WorkerClient.connect("f15-back");
  await abortAllDurableObjects();
  const back = await WorkerClient.connect("f15-back", { channel: "f15" });
  await until(async () => left(back).some(({ user }) => user === "f15-gone"));
  expect(left(back).map(({ user }) => user)).toEqual(["f15-gone"]);
  expect(await roster("f15")).toEqual(["f15-back"]);
  await until(async () => (await statusOf("f15-gone")) === "offline");
  expect(await sessionsOf("f15-back")).toEqual([back.session]);
  back.socket.close(1000);
});

test("[F13] hibernation is invisible: sessions, roster, offsets and the sequence of messages go on", async () => {
  const [ann, ben] = [
    await WorkerClient.connect("f13-ann", { channel: "f13" }),
    await WorkerClient.connect("f13-ben", { channel: "f13" }),
  ];
  await until(() => ann.ofType("members").length === 1);
  const channel = env.CHANNEL.getByName("f13");
  for (let i = 1; i <= 3; i++) {
    await evictDurableObject(channel, { webSockets: "hibernate" });
    ann.send({ type: "publish", data: i });
    await until(() => ben.ofType("message").length === i);
  }
  expect(ben.ofType("message").map(({ offset }) => offset)).toEqual([1, 2, 3]);
  expect(await roster("f13")).toEqual(["f13-ann", "f13-ben"]);
  expect(ann.ofType("members")).toHaveLength(1);
  ann.socket.close(1000);
  ben.socket.close(1000);
});

test("[F20] an alarm delivered twice makes one leave", async () => {
  const ann = await WorkerClient.connect("f20-ann", { channel: "f20" });
  const ben = await WorkerClient.connect("f20-ben", { channel: "f20" });
  ben.socket.close(1000);
  await until(() => left(ann).length > 0);
  const channel = env.CHANNEL.getByName("f20");
  await runDurableObjectAlarm(channel);
  await runInDurableObject(channel, async (instance) => {
    await (instance as unknown as { alarm(): Promise<void> }).alarm();
    await (instance as unknown as { alarm(): Promise<void> }).alarm();
  });
  expect(left(ann)).toEqual([{ user: "f20-ben" }]);
  ann.socket.close(1000);
});

test("[F22] an alarm ten minutes late asks everybody and ends nobody who answers", async () => {
  const [ann, ben] = [
    await WorkerClient.connect("f22-ann", { channel: "f22" }),
    await WorkerClient.connect("f22-ben", { channel: "f22" }),
  ];
  await until(() => ann.ofType("members").length === 1);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 600_000 });
  await runDurableObjectAlarm(env.CHANNEL.getByName("f22"));
  await until(() => ann.ofType("probe").length === 1 && ben.ofType("probe").length === 1);
  ann.send({ type: "heartbeat", n: ann.ofType("probe")[0]?.n });
  ben.send({ type: "heartbeat", n: ben.ofType("probe")[0]?.n });
  await until(() => ann.ofType("ok").length === 1 && ben.ofType("ok").length === 1);
  vi.setSystemTime(Date.now() + 20_000); // past the time that the probe allowed
  await runDurableObjectAlarm(env.CHANNEL.getByName("f22"));
  expect(await roster("f22")).toEqual(["f22-ann", "f22-ben"]);
  expect([ann.closeCode, ben.closeCode]).toEqual([undefined, undefined]);
  vi.useRealTimers();
  ann.socket.close(1000);
  ben.socket.close(1000);
});

test("[F35] a second device that opens before the first closes shows no offline edge", async () => {
  const first = await WorkerClient.connect("f35", { device: "web" });
  const { version } = await read("/v1/users/f35/presence");
  const second = await WorkerClient.connect("f35", { device: "web" });
  first.socket.close(1000);
  await until(async () => (await sessionsOf("f35")).length === 1);
  await new Promise((resolve) => setTimeout(resolve, 500)); // longer than the grace
  expect(await read("/v1/users/f35/presence")).toMatchObject({ status: "online", version });
  second.socket.close(1000);
  await until(async () => (await statusOf("f35")) === "offline");
});

test("[F36] the late close of an old connection of the same device ends nothing new", async () => {
  const old = await WorkerClient.connect("f36", { channel: "f36" });
  const watcher = await WorkerClient.connect("f36-ann", { channel: "f36" });
  const next = await WorkerClient.connect("f36", { channel: "f36" });
  old.socket.close(1000);
  await until(async () => (await sessionsOf("f36")).length === 1);
  const { end } = env.CHANNEL.getByName("f36") as unknown as { end(...args: unknown[]): Promise<void> };
  await end(old.session, 4502, "ended"); // and once more, late, from the user's object
  await (env.USER.getByName("f36") as unknown as { ended(end: object): Promise<void> }).ended({
    session: old.session,
    at: Date.now(),
    reason: "closed",
  });
  await new Promise((resolve) => setTimeout(resolve, 500)); // longer than the grace
  expect(await sessionsOf("f36")).toEqual([next.session]);
  expect(await roster("f36")).toEqual(["f36", "f36-ann"]);
  expect(left(watcher)).toEqual([]);
  expect(next.closeCode).toBeUndefined();
  next.socket.close(1000);
  watcher.socket.close(1000);
});

test("[F41] a user object that lost its storage leaves no immortal member", async () => {
  const client = await WorkerClient.connect("f41", { channel: "f41" });
  const own = await WorkerClient.connect("f41");
  const user = env.USER.getByName("f41");
  await runInDurableObject(user, (_, { storage }) => storage.deleteAll());
  await evictDurableObject(user, { webSockets: "hibernate" });
  expect(await statusOf("f41")).toBe("offline"); // nothing is left to know it by: the own connection is told to return
  await until(() => own.closeCode === 4000);
  client.socket.close(1000);
  await until(async () => (await roster("f41")).length === 0);
  await until(async () => (await sessionRows(env.CHANNEL.getByName("f41"))) === 0);
  const again = await WorkerClient.connect("f41", { channel: "f41" });
  expect(await sessionsOf("f41")).toEqual([again.session]);
  again.socket.close(1000);
});

test("[SE5] of more than MAX_SESSIONS_PER_USER the oldest ends with 4503, wherever it is kept", async () => {
  const first = await WorkerClient.connect("many", { channel: "many" });
  const rest: WorkerClient[] = [];
  for (let i = 0; i < 19; i++) rest.push(await WorkerClient.connect("many"));
  expect(first.closeCode).toBeUndefined();
  rest.push(await WorkerClient.connect("many"));
  await until(() => first.closeCode === 4503);
  expect(first.ofType("closing")).toMatchObject([{ code: 4503, reconnect: false }]);
  rest.push(await WorkerClient.connect("many"));
  await until(() => rest[0]?.closeCode === 4503);
  expect(await sessionsOf("many")).toHaveLength(20);
  for (const { socket } of rest.slice(1)) socket.close(1000);
});

test("[SE6] a token issued before the revocation is refused by the user's object, for both kinds of connection", async () => {
  await (await WorkerClient.connect("revoked")).socket.close(1000);
  const now = Math.floor(Date.now() / 1000);
  await objectsOf(env).user("revoked").endAll({ revoke: true });
  for (const channel of [undefined, "revoked"]) {
    const options = channel === undefined ? {} : { channel };
    await expect(WorkerClient.connect("revoked", { ...options, claims: { iat: now } })).rejects.toThrow(
      "token_revoked",
    );
  }
  const later = await WorkerClient.connect("revoked", { claims: { iat: now + 1 }, channel: "revoked" });
  expect(await roster("revoked")).toEqual(["revoked"]);
  later.socket.close(1000);
});

test("[SE20] a message that fails here is answered with internal, and the others of its frame go on", async () => {
  const own = await WorkerClient.connect("se20");
  const there = await WorkerClient.connect("se20", { channel: "se20" });
  const broken = "BEGIN SELECT RAISE(ABORT, 'full'); END";
  for (const [stub, table] of [
    [env.USER.getByName("se20"), "user"],
    [env.CHANNEL.getByName("se20"), "message"],
  ] as const) {
    await runInDurableObject(stub, (_, { storage }) => {
      storage.sql.exec(`CREATE TRIGGER broken BEFORE INSERT ON ${table} ${broken}`);
    });
  }
  own.send([
    { type: "presence", status: "busy", scope: "user", ref: 1 },
    { type: "heartbeat", ref: 2 },
  ]);
  there.send([
    { type: "publish", data: "too much", ref: 1 },
    { type: "heartbeat", ref: 2 },
  ]);
  for (const client of [own, there]) {
    await until(() => client.frames.filter(({ ref }) => ref !== undefined).length === 2);
    expect(client.frames.find(({ ref }) => ref === 1)).toMatchObject({ type: "error", code: "internal" });
    expect(client.frames.find(({ ref }) => ref === 2)).toMatchObject({ type: "ok" });
    expect(JSON.stringify(client.frames)).not.toContain("full");
  }
  for (const stub of [env.USER.getByName("se20"), env.CHANNEL.getByName("se20")]) {
    await runInDurableObject(stub, (_, { storage }) => void storage.sql.exec("DROP TRIGGER broken"));
  }
  for (const { socket } of [own, there]) socket.close(1000);
});
