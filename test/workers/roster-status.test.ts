import { evictDurableObject, runDurableObjectAlarm, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import type { MemberState } from "../../src/objects/ports.ts";
import { objectsOf } from "../../src/objects/stubs.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { read, request, tokenFor, until, WorkerClient } from "./client.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

interface SeenMember {
  user: string;
  status?: string;
  devices?: string[];
  hidden?: true;
}

const user = (name: string) => objectsOf(env).user(name);
const channel = (name: string) => objectsOf(env).channel(name);
const sleep = (name: string) => evictDurableObject(env.CHANNEL.getByName(name), { webSockets: "hibernate" });

/** One member as a back end sees it. */
async function member(channel: string, name: string): Promise<SeenMember | undefined> {
  const { members } = (await read(`/v1/channels/${channel}/members`)) as { members: SeenMember[] };
  return members.find(({ user }) => user === name);
}

const shows = (channel: string, name: string, status: string) =>
  until(async () => (await member(channel, name))?.status === status);

const rowsOf = (stub: DurableObjectStub, table: string) =>
  runInDurableObject(stub, (_, { storage }) => storage.sql.exec(`SELECT * FROM ${table}`).toArray().length);

function pass(ms: number): void {
  const now = Date.now();
  vi.useFakeTimers({ toFake: ["Date"] });
  vi.setSystemTime(now + ms);
}

/** Whoever is told of a join is told of the next change by itself. */
const joined = (client: WorkerClient, name: string) =>
  until(() =>
    client
      .ofType("members")
      .some((frame) => (frame.joined as SeenMember[]).some(({ user }) => user === name)),
  );

const changesOf = (client: WorkerClient, name: string) =>
  client
    .ofType("members")
    .flatMap(({ changed }) => changed as SeenMember[])
    .filter(({ user }) => user === name);

test("[RO16] status and hiding outlast the channel's sleep, and go with the user's last session", async () => {
  await user("ro16-early").setPresence({ status: "busy" }); // learned at admission
  const early = await WorkerClient.connect("ro16-early", { channel: "ro16" });
  const told = await WorkerClient.connect("ro16-told", { channel: "ro16" });
  await user("ro16-told").setPresence({ status: "invisible" });
  await until(async () => (await member("ro16", "ro16-told"))?.hidden === true);
  for (let i = 0; i < 2; i++) {
    await sleep("ro16");
    expect(await member("ro16", "ro16-early")).toMatchObject({ status: "busy", devices: ["web"] });
    expect(await member("ro16", "ro16-told")).toMatchObject({ hidden: true });
  }
  const later = await WorkerClient.connect("ro16-later", { channel: "ro16" });
  expect(later.frames[0]).toMatchObject({
    count: 2,
    members: [{ user: "ro16-early" }, { user: "ro16-later" }],
  });
  const stub = env.CHANNEL.getByName("ro16");
  expect(await rowsOf(stub, "member_state")).toBe(2);
  for (const { socket } of [early, told, later]) socket.close(1000);
  await until(async () => (await rowsOf(stub, "session")) === 0);
  expect(await rowsOf(stub, "member_state")).toBe(0);
});

test("[RO17] a late word for an earlier stay, or of an older version, changes nothing, also after sleep", async () => {
  const first = await WorkerClient.connect("ro17", { channel: "ro17" });
  const late: MemberState = { version: 99, isHidden: true };
  first.socket.close(1000);
  await until(async () => (await member("ro17", "ro17")) === undefined);
  const second = await WorkerClient.connect("ro17", { channel: "ro17" });
  await channel("ro17").setMember("ro17", [first.session], late);
  await channel("ro17").setMember("somebody-else", [second.session], late);
  expect(await member("ro17", "ro17")).toMatchObject({ status: "online" });
  const { version = 0 } = await user("ro17").presence({ kind: "back end" });
  const state = (more: number, status: "busy" | "away" | "online"): MemberState => {
    return { version: version + more, status, isHidden: false };
  };
  await channel("ro17").setMember("ro17", [second.session], state(3, "online"));
  await channel("ro17").setMember("ro17", [second.session], state(2, "busy"));
  expect(await member("ro17", "ro17")).toMatchObject({ status: "online" });
  await sleep("ro17");
  await channel("ro17").setMember("ro17", [second.session], state(2, "busy"));
  expect(await member("ro17", "ro17")).toMatchObject({ status: "online" });
  await channel("ro17").setMember("ro17", [second.session], state(4, "away"));
  expect(await member("ro17", "ro17")).toMatchObject({ status: "away" });
  second.socket.close(1000);
});

test("[RO17] of an admission and a word that overtook it the newer counts", async () => {
  const { admit } = UserObject.prototype;
  vi.spyOn(UserObject.prototype, "admit").mockImplementationOnce(async function (this: UserObject, asked) {
    const admission = await admit.call(this, asked);
    if (!admission.admitted) throw new Error("not admitted");
    const newer: MemberState = { version: admission.member.version + 1, status: "busy", isHidden: false };
    await channel("ro17-race").setMember("ro17-race", [asked.session], newer);
    return admission;
  });
  const client = await WorkerClient.connect("ro17-race", { channel: "ro17-race" });
  expect(client.frames[0]).toMatchObject({ members: [{ user: "ro17-race", status: "busy" }] });
  await sleep("ro17-race");
  expect(await member("ro17-race", "ro17-race")).toMatchObject({ status: "busy" });
  client.socket.close(1000);
});

test("[RO17] what changes while an older state is on its way is told too", async () => {
  const client = await WorkerClient.connect("ro17-two", { channel: "ro17-two" });
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { setMember } = ChannelObject.prototype;
  const calls = vi.spyOn(ChannelObject.prototype, "setMember");
  calls.mockImplementationOnce(async function (this: ChannelObject, ...word) {
    await held;
    return setMember.apply(this, word);
  });
  await user("ro17-two").setPresence({ status: "busy" });
  await until(() => calls.mock.calls.length === 1);
  calls.mockImplementationOnce(() => Promise.reject(new Error("unreachable")));
  await user("ro17-two").setPresence({ status: "away" });
  await until(() => calls.mock.calls.length === 2);
  release();
  await shows("ro17-two", "ro17-two", "busy");
  pass(10_000);
  await runDurableObjectAlarm(env.USER.getByName("ro17-two"));
  await shows("ro17-two", "ro17-two", "away");
  client.socket.close(1000);
});

test("[F38] the call to a channel fails after the user's commit: the outbox retries, and the roster converges", async () => {
  const ann = await WorkerClient.connect("f38-ann", { channel: "f38" });
  const ben = await WorkerClient.connect("f38-ben", { channel: "f38" });
  await joined(ann, "f38-ben");
  const calls = vi.spyOn(ChannelObject.prototype, "setMember");
  calls.mockRejectedValueOnce(new Error("unreachable"));
  await user("f38-ben").setPresence({ status: "busy" });
  await until(() => calls.mock.calls.length === 1);
  const stub = env.USER.getByName("f38-ben");
  expect(await member("f38", "f38-ben")).toMatchObject({ status: "online" });
  expect(await rowsOf(stub, "roster_debt")).toBe(1);
  pass(6_000);
  await evictDurableObject(stub, { webSockets: "hibernate" }); // nothing of the debt is in memory only
  await runDurableObjectAlarm(stub);
  await shows("f38", "f38-ben", "busy");
  await until(() => changesOf(ann, "f38-ben").length === 1);
  await until(async () => (await rowsOf(stub, "roster_debt")) === 0);
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[F39] the reply is lost after the channel's commit: it is told again, and nothing changes twice", async () => {
  const ann = await WorkerClient.connect("f39-ann", { channel: "f39" });
  const ben = await WorkerClient.connect("f39-ben", { channel: "f39" });
  await joined(ann, "f39-ben");
  const { setMember } = ChannelObject.prototype;
  const calls = vi.spyOn(ChannelObject.prototype, "setMember");
  calls.mockImplementationOnce(async function (this: ChannelObject, ...word) {
    await setMember.apply(this, word);
    throw new Error("the reply is lost");
  });
  await user("f39-ben").setPresence({ status: "busy" });
  await until(() => changesOf(ann, "f39-ben").length === 1);
  const stub = env.USER.getByName("f39-ben");
  pass(6_000);
  await runDurableObjectAlarm(stub);
  await until(() => calls.mock.calls.length === 2);
  await until(async () => (await rowsOf(stub, "roster_debt")) === 0);
  ann.send({ type: "publish", data: "settled", ref: 1 });
  await until(() => ann.ofType("message").length === 1);
  expect(changesOf(ann, "f39-ben")).toHaveLength(1);
  for (const { socket } of [ann, ben]) socket.close(1000);
});

test("[A17] only the grant opens a roster, and who opted out shows neither status nor devices", async () => {
  const shy = await WorkerClient.connect("a17-shy", { channel: "a17" });
  shy.send({ type: "presence", status: "busy", visibility: "nobody", ref: 1 });
  await until(() => shy.ofType("ok").length === 1);
  await until(async () => (await member("a17", "a17-shy"))?.status === undefined);
  const claims = { channels: { a17: ["subscribe"] } };
  const blind = await WorkerClient.connect("a17-blind", { channel: "a17", claims });
  const seeing = await WorkerClient.connect("a17-seeing", { channel: "a17" });
  blind.send({ type: "members", ref: 1 });
  await until(() => blind.ofType("error").length === 1);
  expect(blind.ofType("error")[0]).toMatchObject({ code: "forbidden" });
  expect(blind.frames[0]?.members).toBeUndefined();
  const headers = { Authorization: `Bearer ${await tokenFor("a17-blind", claims)}` };
  expect((await request("/v1/channels/a17/members", { headers })).status).toBe(403);
  for (const users of [{ only: ["a17-seeing"] }, { except: ["a17-blind"] }, "nobody"] as const) {
    await user("a17-shy").setPresence({ visibility: users as never, text: JSON.stringify(users) });
    await shows("a17", "a17-seeing", "online");
    const shown = await member("a17", "a17-shy");
    expect(Object.keys(shown ?? {}).sort()).toEqual(["joinedAt", "sessions", "user"]);
  }
  await user("a17-shy").setPresence({ visibility: "everyone" });
  await shows("a17", "a17-shy", "busy");
  await until(() => changesOf(seeing, "a17-shy").at(-1)?.status === "busy");
  expect(changesOf(seeing, "a17-shy").at(-1)?.devices).toEqual(["web"]);
  expect(blind.ofType("members")).toEqual([]);
  for (const { socket } of [shy, blind, seeing]) socket.close(1000);
});
