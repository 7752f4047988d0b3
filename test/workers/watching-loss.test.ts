import {
  abortAllDurableObjects,
  evictDurableObject,
  runDurableObjectAlarm,
  runInDurableObject,
} from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { objectsOf } from "../../src/objects/stubs.ts";
import type { Presence } from "../../src/protocol/presence.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { ask, aWhile, call, rows, say, seen, watch, watchedBy, watchedOf } from "./watch.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const user = (name: string) => env.USER.getByName(name);
const port = (name: string) => objectsOf(env).user(name);

test("[WA10] who has no session is told nothing until it returns, and then what is true by then", async () => {
  await call("PUT", "/v1/users/wa10-ann/watching/wa10-bob");
  await say("wa10-bob", { status: "busy" });
  const bob = await WorkerClient.connect("wa10-bob");
  const states = () => rows("wa10-bob", "SELECT state FROM watcher");
  await until(async () => (await states())[0]?.state === "paused");
  const meter = await Meter.on(user("wa10-bob"));
  for (const text of ["one", "two"]) {
    await say("wa10-bob", { text });
    await aWhile();
  }
  meter.off();
  expect(meter.statements.filter((statement) => /watcher|notice_job|hold/.test(statement))).toEqual([]);
  const ann = await WorkerClient.connect("wa10-ann");
  await until(() => ann.ofType("presence").length === 1);
  expect(ann.ofType("presence")).toMatchObject([{ status: "busy", text: "two" }]);
  await say("wa10-bob", { text: "three" });
  await until(() => ann.ofType("presence").length === 2);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[WA11] a notice from before the watcher slept is not shown, however late it comes", async () => {
  const [ann, bob] = [await WorkerClient.connect("wa11-ann"), await WorkerClient.connect("wa11-bob")];
  await watch(ann, ["wa11-bob"]);
  bob.send({ type: "presence", status: "busy" });
  await until(() => seen(ann, "wa11-bob").length === 1);
  const presence: Presence = { user: "wa11-bob", status: "online", lastActiveAt: 0, devices: [], version: 1 };
  const late = { user: "wa11-bob", order: 1, presence };
  expect(await port("wa11-ann").notice(late)).toEqual({ is: "taken" }); // it remembers, and shows nothing
  await evictDurableObject(user("wa11-ann"), { webSockets: "hibernate" });
  const answer = await port("wa11-ann").notice({ ...late, waking: "the one before" });
  expect(answer).toMatchObject({ is: "another waking" });
  bob.send({ type: "presence", status: "away" });
  await until(() => seen(ann, "wa11-bob").length === 2);
  expect(seen(ann, "wa11-bob")).toEqual(["busy", "away"]);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

/** Memory, sockets and calls of one object are gone. */
async function crash(name: string): Promise<void> {
  const gone = runInDurableObject(user(name), (_, state) => state.abort("crash"));
  await gone.catch(() => undefined); // it takes the call with it
}

test("[WA12] a crash while watchers are told keeps none of them from the news", async () => {
  const watchers: WorkerClient[] = [];
  for (let i = 0; i < 10; i++) watchers.push(await WorkerClient.connect(`wa12-${i}`));
  for (const client of watchers) await watch(client, ["wa12-bob"]);
  await say("wa12-bob", { text: "first" });
  await crash("wa12-bob"); // in the moment of gathering
  expect(watchers.flatMap((client) => client.ofType("presence"))).toEqual([]);
  // Nobody asks it anything: its alarm is what wakes it.
  await until(() => watchers.every((client) => client.ofType("presence").length > 0), 20_000);
  await until(async () => (await rows("wa12-bob", "SELECT * FROM notice_job")).length === 0);
  for (const { socket } of watchers) socket.close(1000);
});

test("[WA12] a crash in the second leg of a pass repeats only that leg", async () => {
  await port("wa12-star").watchedBy("wa12-fan", 1);
  const fans = "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 2098)";
  const columns = "watcher (watcher, ordered_at, state, hidden)";
  await rows("wa12-star", `INSERT INTO ${columns} ${fans} SELECT 'wa12-fan-' || i, 1, 'told', 0 FROM n`);
  const told: string[] = [];
  let crashed: Promise<void> | undefined;
  vi.spyOn(UserObject.prototype, "notice").mockImplementation(function (this: UserObject) {
    told.push(String((this as unknown as { ctx: DurableObjectState }).ctx.id.name));
    if (told.length === 1050) crashed = crash("wa12-star");
    const isMeanwhile = told.length >= 1050 && told.length <= 1100; // so that nothing ends before the crash
    const answered = new Promise((resolve) => setTimeout(resolve, isMeanwhile ? 1000 : 0));
    return answered.then(() => ({ is: "taken" as const }));
  });
  await say("wa12-star", { text: "to all" });
  await until(() => crashed !== undefined, 50_000);
  await crashed;
  await until(async () => {
    await runDurableObjectAlarm(user("wa12-star"));
    return (await rows("wa12-star", "SELECT * FROM notice_job")).length === 0;
  }, 30_000);
  expect(new Set(told).size).toBe(1100);
  expect(told.length).toBeGreaterThan(1100);
  expect(told.length).toBeLessThanOrEqual(1200);
});

test("[WA12] after all objects are lost, whoever comes back watches on", async () => {
  await call("PUT", "/v1/users/wa12-ann/watching/wa12-cat");
  const ann = await WorkerClient.connect("wa12-ann");
  await WorkerClient.connect("wa12-cat");
  await until(() => seen(ann, "wa12-cat").at(-1) === "online");
  await abortAllDurableObjects();
  const back = await WorkerClient.connect("wa12-ann");
  await until(() => seen(back, "wa12-cat").length > 0);
  await runDurableObjectAlarm(user("wa12-cat")); // nobody returned: its grace is over some time
  await until(async () => {
    await runDurableObjectAlarm(user("wa12-cat"));
    return seen(back, "wa12-cat").at(-1) === "offline";
  });
  back.socket.close(1000);
});

test("[WA13] a target that does not answer is unavailable, and then nothing is held", async () => {
  const ann = await WorkerClient.connect("wa13-ann");
  await port("wa13-bob").presence({ kind: "back end" });
  const original = UserObject.prototype.watchedBy;
  const broken = vi.spyOn(UserObject.prototype, "watchedBy").mockImplementation(function (
    this: UserObject,
    ...args
  ) {
    if (args[0] === "wa13-ann" && isBroken()) throw new Error("broken");
    return original.apply(this, args);
  });
  let left = 1;
  const isBroken = () => left-- > 0;
  expect(await ask(ann, { type: "watch", users: ["wa13-bob", "wa13-cat"] })).toMatchObject({
    code: "unavailable",
  });
  broken.mockRestore();
  expect(await watchedOf("wa13-ann")).toEqual([]);
  await until(async () => {
    return [...(await watchedBy("wa13-bob")), ...(await watchedBy("wa13-cat"))].length === 0;
  });
  ann.socket.close(1000);
});

test("[WA14] a watcher that fails is told later, and holds up no other", async () => {
  const [ann, cat] = [await WorkerClient.connect("wa14-ann"), await WorkerClient.connect("wa14-cat")];
  for (const client of [ann, cat]) await watch(client, ["wa14-bob"]);
  const original = UserObject.prototype.notice;
  let failures = 0;
  vi.spyOn(UserObject.prototype, "notice").mockImplementation(function (this: UserObject, notice) {
    const isAnn = (this as unknown as { ctx: DurableObjectState }).ctx.id.name === "wa14-ann";
    if (isAnn && failures++ === 0) throw new Error("broken");
    return original.call(this, notice);
  });
  await say("wa14-bob", { text: "news" });
  await say("wa14-bob", { visibility: "everyone" });
  const bob = await WorkerClient.connect("wa14-bob");
  await until(() => cat.ofType("presence").length === 1);
  expect(ann.ofType("presence")).toEqual([]);
  await until(async () => (await rows("wa14-bob", "SELECT * FROM watcher WHERE tries = 1")).length === 1);
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 20_000 });
  await runDurableObjectAlarm(user("wa14-bob"));
  await until(() => ann.ofType("presence").length === 1);
  await until(async () => (await rows("wa14-bob", "SELECT * FROM watcher WHERE tries > 0")).length === 0);
  vi.useRealTimers();
  for (const { socket } of [ann, bob, cat]) socket.close(1000);
});

test("[WA15] one due time after the last session ends all that was watched", async () => {
  const ann = await WorkerClient.connect("wa15-ann");
  await watch(ann, ["wa15-bob", "wa15-cat"]);
  await call("PUT", "/v1/users/wa15-ann/watching/wa15-cat");
  ann.socket.close(1000);
  await until(async () => (await call("GET", "/v1/users/wa15-ann/presence")).status === "offline");
  const { users } = (await call("GET", "/v1/users/wa15-ann/watching")) as { users: { expiresAt: number }[] };
  expect(users).toMatchObject([{ user: "wa15-bob" }, { user: "wa15-cat" }]);
  vi.useFakeTimers({ toFake: ["Date"], now: Math.min(...users.map(({ expiresAt }) => expiresAt)) - 1000 });
  await runDurableObjectAlarm(user("wa15-ann"));
  expect(await watchedOf("wa15-ann")).toHaveLength(2);
  vi.setSystemTime(Math.max(...users.map(({ expiresAt }) => expiresAt)));
  await runDurableObjectAlarm(user("wa15-ann"));
  expect(await watchedOf("wa15-ann")).toEqual([]);
  await until(async () => [...(await watchedBy("wa15-bob")), ...(await watchedBy("wa15-cat"))].length === 0);
  expect(await rows("wa15-ann", "SELECT * FROM hold")).toEqual([]);
});

test("[WA16] who comes back within minutes and watches the same finds it registered still", async () => {
  const ann = await WorkerClient.connect("wa16-ann");
  await watch(ann, ["wa16-bob"]);
  ann.socket.close(1000);
  await until(async () => (await call("GET", "/v1/users/wa16-ann/presence")).status === "offline");
  const meter = await Meter.on(user("wa16-bob"));
  const back = await WorkerClient.connect("wa16-ann");
  await watch(back, ["wa16-bob"]);
  meter.off();
  expect(meter.statements.filter((statement) => /watcher|release/.test(statement))).toEqual([]);
  expect(await rows("wa16-ann", "SELECT * FROM hold")).toHaveLength(1);
  back.socket.close(1000);
  await until(async () => (await call("GET", "/v1/users/wa16-ann/presence")).status === "offline");
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + 301_000 });
  const late = await WorkerClient.connect("wa16-ann");
  await until(async () => (await watchedBy("wa16-bob")).length === 0);
  expect(await watchedOf("wa16-ann")).toEqual([]);
  vi.useRealTimers();
  late.socket.close(1000);
});

test("[WA17] while an awake watcher sees a user, a silent session of it ends within twice the TTL", async () => {
  const [ann, bob] = [await WorkerClient.connect("wa17-ann"), await WorkerClient.connect("wa17-bob")];
  await watch(ann, ["wa17-bob"]);
  const start = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: start + 61_000 });
  await runDurableObjectAlarm(user("wa17-bob"));
  await until(() => bob.ofType("probe").length === 1);
  vi.setSystemTime(start + 61_000 + 20_000);
  await runDurableObjectAlarm(user("wa17-bob"));
  await until(() => bob.closeCode === 4002);
  vi.useRealTimers();
  ann.socket.close(1000);
});

test("[F37] a hundred ends and returns within the grace are one enter and one leave, in bounded rows", async () => {
  const ann = await WorkerClient.connect("f37-ann");
  await watch(ann, ["f37-bob"]);
  let bob = await WorkerClient.connect("f37-bob");
  await until(() => seen(ann, "f37-bob").length === 1);
  const meter = await Meter.on(user("f37-bob"));
  for (let i = 0; i < 100; i++) {
    bob.socket.close(1000);
    bob = await WorkerClient.connect("f37-bob");
  }
  meter.off();
  bob.socket.close(1000);
  await until(() => seen(ann, "f37-bob").includes("offline"));
  await aWhile();
  expect(seen(ann, "f37-bob")).toEqual(["online", "offline"]);
  expect(meter.billed, meter.statements.join("\n")).toBeLessThanOrEqual(450);
  expect(meter.statements.filter((statement) => /watcher|notice_job/.test(statement))).toEqual([]);
  ann.socket.close(1000);
});
