import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { UserObject } from "../../src/user/user-object.ts";
import { request, tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { ask, aWhile, call, rows, say, seen, watch, watchedBy, watchedOf } from "./watch.ts";

afterEach(() => vi.restoreAllMocks());

const never = (user: string) => ({ user, status: "offline", lastActiveAt: null, devices: [] });

/** Every call of one user's object to another from now on: method, caller or callee, in order. */
function calls(): string[] {
  const made: string[] = [];
  for (const method of ["watchedBy", "unwatchedBy", "notice"] as const) {
    const original = UserObject.prototype[method] as (...args: unknown[]) => never;
    vi.spyOn(UserObject.prototype, method).mockImplementation(function (
      this: UserObject,
      ...args: unknown[]
    ) {
      made.push(method);
      return original.apply(this, args);
    } as never);
  }
  return made;
}

/** What it takes to watch and unwatch this user, and what is answered. */
async function costOf(watcher: string, user: string) {
  const client = await WorkerClient.connect(watcher);
  const meter = await Meter.on(env.USER.getByName(watcher));
  const made = calls();
  const [presence] = await watch(client, [user]);
  await watch(client, [user]);
  const put = await call("PUT", `/v1/users/${watcher}/watching/${user}`);
  await call("DELETE", `/v1/users/${watcher}/watching/${user}`);
  await ask(client, { type: "unwatch", users: [user] });
  await until(async () => (await rows(watcher, "SELECT * FROM release_debt")).length === 0);
  meter.off();
  vi.restoreAllMocks();
  client.socket.close(1000);
  await until(async () => (await call("GET", `/v1/users/${watcher}/presence`)).status === "offline");
  const rest = { ...presence, user: "" };
  const { expiresAt: _, ...answer } = put;
  return {
    rest,
    answer: JSON.stringify(answer).replaceAll(user, ""),
    calls: made,
    billed: meter.billed,
    statements: meter.statements,
  };
}

test("[WA18] [A16] who may not see a user gets exactly what a never-seen user looks like, at the same cost", async () => {
  const hidden = await WorkerClient.connect("wa18-hidden");
  await say("wa18-hidden", { visibility: { except: ["wa18-x1", "wa18-x2"] } });
  const open = await WorkerClient.connect("wa18-open");
  await call("PUT", "/v1/users/wa18-warm/watching/wa18-absent"); // its tables are made by whoever watches first
  await call("PUT", "/v1/users/wa18-warm/watching/wa18-hidden");
  await call("PUT", "/v1/users/wa18-warm/watching/wa18-open");
  const absent = await costOf("wa18-x1", "wa18-absent");
  const denied = await costOf("wa18-x2", "wa18-hidden");
  const allowed = await costOf("wa18-x3", "wa18-open");
  expect(denied).toEqual(absent);
  expect(absent.rest).toEqual({ ...never(""), user: "" });
  expect(allowed.rest).toMatchObject({ status: "online" });
  expect(allowed.calls).toEqual(absent.calls);
  expect(allowed.billed).toBe(absent.billed);
  for (const { socket } of [hidden, open]) socket.close(1000);
});

test("[WA19] [A16] no edge of a user who hides reaches whom it hides from, nor any of an invisible one", async () => {
  const [ann, eve] = [await WorkerClient.connect("wa19-ann"), await WorkerClient.connect("wa19-eve")];
  await say("wa19-bob", { visibility: { except: ["wa19-eve"] } });
  await watch(ann, ["wa19-bob", "wa19-ghost"]);
  await watch(eve, ["wa19-bob"]);
  await say("wa19-ghost", { status: "invisible" });
  await aWhile();
  ann.frames.length = 0;
  const made = calls();
  const ghost = await WorkerClient.connect("wa19-ghost");
  const more = await WorkerClient.connect("wa19-ghost", { device: "mobile" });
  await aWhile();
  expect(made).toEqual([]);
  const bob = await WorkerClient.connect("wa19-bob");
  await until(() => seen(ann, "wa19-bob").length === 1);
  for (const { socket } of [bob, ghost, more]) socket.close(1000);
  await until(() => seen(ann, "wa19-bob").length === 2);
  await aWhile();
  expect(made).toEqual(["notice", "notice"]);
  expect([seen(ann, "wa19-ghost"), eve.ofType("presence")]).toEqual([[], []]);
  for (const { socket } of [ann, eve]) socket.close(1000);
});

test("[WA20] a change of visibility tells those affected at once, and nobody else", async () => {
  const [ann, eve] = [await WorkerClient.connect("wa20-ann"), await WorkerClient.connect("wa20-eve")];
  const bob = await WorkerClient.connect("wa20-bob");
  for (const client of [ann, eve]) await watch(client, ["wa20-bob"]);
  await say("wa20-bob", { visibility: { except: ["wa20-eve"] } });
  await until(() => eve.ofType("presence").length === 1);
  expect(eve.ofType("presence")).toEqual([{ type: "presence", ...never("wa20-bob") }]);
  await say("wa20-bob", { visibility: "everyone" });
  await until(() => eve.ofType("presence").length === 2);
  expect(eve.ofType("presence")[1]).toMatchObject({ status: "online", version: 1 });
  await say("wa20-bob", { visibility: { only: ["wa20-ann"] } });
  await until(() => eve.ofType("presence").length === 3);
  await aWhile();
  expect(ann.ofType("presence")).toEqual([]);
  for (const { socket } of [ann, bob, eve]) socket.close(1000);
});

test("[WA21] who watches itself sees all of itself, whoever else may", async () => {
  const [one, two] = [await WorkerClient.connect("wa21-ann"), await WorkerClient.connect("wa21-ann")];
  await say("wa21-ann", { visibility: "nobody" });
  await watch(one, ["wa21-ann"]);
  two.send({ type: "presence", status: "invisible" });
  await until(() => seen(one, "wa21-ann").at(-1) === "invisible");
  expect(await watchedBy("wa21-ann")).toEqual(["wa21-ann"]);
  for (const { socket } of [one, two]) socket.close(1000);
});

test("[WA22] an erased user is told as never seen, and its watches are over in both directions", async () => {
  const [ann, bob] = [await WorkerClient.connect("wa22-ann"), await WorkerClient.connect("wa22-bob")];
  await watch(ann, ["wa22-bob"]);
  await watch(bob, ["wa22-cat"]);
  await call("PUT", "/v1/users/wa22-dan/watching/wa22-bob"); // nobody is there to be told
  await call("DELETE", "/v1/users/wa22-bob");
  await until(() => ann.ofType("presence").length === 1);
  expect(ann.ofType("presence")).toEqual([{ type: "presence", ...never("wa22-bob") }]);
  await until(async () => (await rows("wa22-bob", "SELECT * FROM watcher")).length === 0);
  await until(async () => (await watchedBy("wa22-cat")).length === 0);
  for (const user of ["wa22-ann", "wa22-bob", "wa22-dan"]) expect(await watchedOf(user)).toEqual([]);
  const again = await WorkerClient.connect("wa22-bob");
  expect(await watch(ann, ["wa22-bob"])).toMatchObject([{ status: "online" }]);
  again.send({ type: "presence", status: "busy" });
  await until(() => seen(ann, "wa22-bob").at(-1) === "busy");
  for (const { socket } of [ann, again]) socket.close(1000);
});

test("[A15] to enumerate users is denied uniformly, and limited by the number of names", async () => {
  const there = await WorkerClient.connect("a15-there");
  const eve = await WorkerClient.connect("a15-eve", { claims: { watch: ["a15-friend*"] } });
  const answers = [];
  for (const user of ["a15-there", "a15-absent"]) {
    const { ref: _, ...answer } = await ask(eve, { type: "watch", users: [user] });
    answers.push(answer);
    const token = await tokenFor("a15-eve", { watch: ["a15-friend*"] });
    const headers = { Authorization: `Bearer ${token}` };
    const put = await request(`/v1/users/a15-eve/watching/${user}`, { method: "PUT", headers });
    answers.push([put.status, await put.text()]);
  }
  expect(answers.slice(0, 2)).toEqual(answers.slice(2));
  expect(answers[0]).toMatchObject({ type: "error", code: "forbidden" });
  const friends = Array.from({ length: 100 }, (_, i) => `a15-friend-${i}`);
  eve.send(Array.from({ length: 10 }, () => ({ type: "watch", users: friends })));
  await until(() => eve.ofType("error").filter(({ code }) => code === "rate_limited").length >= 7);
  for (const { socket } of [eve, there]) socket.close(1000);
});

test("[A29] three hundred watchers cost calls in proportion, and the watched object answers meanwhile", async () => {
  const clients: WorkerClient[] = [];
  const names = Array.from({ length: 300 }, (_, i) => `a29-${i}`);
  for (const name of names) clients.push(await WorkerClient.connect(name));
  await Promise.all(clients.map((client) => watch(client, ["a29-star"])));
  const made = calls();
  const meter = await Meter.on(env.USER.getByName("a29-star"));
  const star = await WorkerClient.connect("a29-star");
  await until(() => made.length > 0);
  const { status } = await call("GET", "/v1/users/a29-star/presence");
  await until(() => clients.every((client) => seen(client, "a29-star").length === 1), 20_000);
  await until(async () => (await rows("a29-star", "SELECT * FROM notice_job")).length === 0);
  meter.off();
  expect([status, made.length]).toEqual(["online", 300]);
  expect(meter.billed, meter.statements.join("\n")).toBeLessThanOrEqual(8);
  const pages = [];
  for (let cursor: unknown = ""; cursor !== undefined; ) {
    const query: string = cursor === "" ? "" : `&cursor=${cursor}`;
    const page = await call("GET", `/v1/users/a29-star/watchers?limit=120${query}`);
    pages.push(...(page.watchers as { user: string }[]));
    cursor = page.cursor;
  }
  expect(pages.map(({ user }) => user)).toEqual([...names].sort());
  await runDurableObjectAlarm(env.USER.getByName("a29-star"));
  expect(made).toHaveLength(300);
  for (const { socket } of [...clients, star]) socket.close(1000);
});
