import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { ask, aWhile, call, later, meddle, rows, say, seen, watch, watchedBy, watchedOf } from "./watch.ts";

/* What comes of a watch that is refused, or of which somebody keeps silent. */

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const user = (name: string) => env.USER.getByName(name);

test("[WA25] a token that loses the grant while the watch is under way ends that watch, whole", async () => {
  const ann = await WorkerClient.connect("wa25-late-ann");
  await watch(ann, ["wa25-late-cat"]);
  meddle("wa25-late-bob", "watchedBy", async (carryOut) => {
    await until(() => ann.frames.some(({ ref }) => ref === "auth"));
    return carryOut();
  });
  const token = await tokenFor("wa25-late-ann", { watch: ["wa25-late-c*", "wa25-late-d*"] });
  ann.send([
    { type: "watch", users: ["wa25-late-bob", "wa25-late-cat", "wa25-late-dan"], ref: "watch" },
    { type: "auth", token, ref: "auth" },
  ]);
  await until(() => ann.frames.some(({ ref }) => ref === "watch"));
  expect(ann.frames.find(({ ref }) => ref === "auth")).toMatchObject({ type: "ok" });
  expect(ann.frames.find(({ ref }) => ref === "watch")).toMatchObject({ type: "error", code: "forbidden" });
  expect(await watchedOf("wa25-late-ann")).toEqual(["wa25-late-cat"]);
  await until(async () => {
    return [...(await watchedBy("wa25-late-bob")), ...(await watchedBy("wa25-late-dan"))].length === 0;
  });
  expect(await watchedBy("wa25-late-cat")).toEqual(["wa25-late-ann"]);
  ann.socket.close(1000);
});

test("[WA13] a refused watch keeps no news from its asker of whom it watches already", async () => {
  const ann = await WorkerClient.connect("wa13-news-ann");
  await watch(ann, ["wa13-news-x"]);
  meddle("wa13-news-ann", "notice", async (carryOut) => {
    await until(() => ann.ofType("error").length === 1); // so that the watch brings the news first
    return carryOut();
  });
  meddle("wa13-news-y", "watchedBy", () => {
    throw new Error("broken");
  });
  await say("wa13-news-x", { text: "news" });
  const bob = await WorkerClient.connect("wa13-news-x");
  const answer = await ask(ann, { type: "watch", users: ["wa13-news-x", "wa13-news-y"] });
  expect(answer).toMatchObject({ type: "error", code: "unavailable" });
  await until(() => ann.ofType("presence").at(-1)?.text === "news");
  await aWhile();
  expect(seen(ann, "wa13-news-x")).toEqual(["online"]);
  expect(await watchedOf("wa13-news-ann")).toEqual(["wa13-news-x"]);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[WA13] however often a watch is refused, one row stands for the releases that it owes", async () => {
  const ann = await WorkerClient.connect("wa13-ten-ann");
  await watch(ann, ["wa13-ten-x"]);
  for (const method of ["watchedBy", "unwatchedBy"] as const) {
    meddle("wa13-ten-y", method, () => {
      throw new Error("broken");
    });
  }
  const refuse = async () => {
    const answer = await ask(ann, { type: "watch", users: ["wa13-ten-x", "wa13-ten-y"] });
    expect(answer).toMatchObject({ code: "unavailable" });
  };
  await refuse();
  const meter = await Meter.on(user("wa13-ten-ann"));
  for (let i = 0; i < 9; i++) await refuse();
  meter.off();
  expect(await rows("wa13-ten-ann", "SELECT targets FROM release_debt")).toEqual([
    { targets: '["wa13-ten-y"]' },
  ]);
  expect(meter.rows, meter.statements.join("\n")).toBe(18); // the old row goes, a new one comes
  vi.restoreAllMocks();
  await later("wa13-ten-ann", 20_000);
  await until(async () => (await rows("wa13-ten-ann", "SELECT * FROM release_debt")).length === 0);
  expect(await watchedOf("wa13-ten-ann")).toEqual(["wa13-ten-x"]);
  ann.socket.close(1000);
});

test("[WA22] a target that is erased while others have not answered yet is watched anew", async () => {
  await say("wa22-anew-bob", { text: "old" });
  const ann = await WorkerClient.connect("wa22-anew-ann");
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => (release = resolve));
  meddle("wa22-anew-cat", "watchedBy", async (carryOut) => {
    await released;
    return carryOut();
  });
  const asked = watch(ann, ["wa22-anew-bob", "wa22-anew-cat"]);
  await until(async () => (await watchedBy("wa22-anew-bob")).length === 1);
  await call("DELETE", "/v1/users/wa22-anew-bob");
  await until(async () => (await rows("wa22-anew-bob", "SELECT * FROM watcher")).length === 0);
  release();
  expect((await asked)[0]).toEqual({
    ...{ user: "wa22-anew-bob", status: "offline", lastActiveAt: null, devices: [] },
  });
  expect(await watchedBy("wa22-anew-bob")).toEqual(["wa22-anew-ann"]);
  const bob = await WorkerClient.connect("wa22-anew-bob");
  await until(() => seen(ann, "wa22-anew-bob").at(-1) === "online");
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[N10] a user of the name __proto__ is watched like any other, also after sleep", async () => {
  const ann = await WorkerClient.connect("n10-ann");
  const put = await call("PUT", "/v1/users/n10-ann/watching/__proto__");
  expect(put).toMatchObject({ httpStatus: 200, user: "__proto__" });
  expect(Number(put.expiresAt)).toBeGreaterThan(Date.now());
  await watch(ann, ["__proto__", "constructor"]);
  await evictDurableObject(user("n10-ann"), { webSockets: "hibernate" });
  expect(await watchedOf("n10-ann")).toEqual(["__proto__", "constructor"]);
  await say("__proto__", { status: "busy" });
  const proto = await WorkerClient.connect("__proto__");
  await until(() => seen(ann, "__proto__").at(-1) === "busy");
  for (const { socket } of [ann, proto]) socket.close(1000);
});

test("[WA5] who keeps silent after a welcome is asked again by the alarm, also after sleep", async () => {
  for (const target of ["wa5-late-bob", "wa5-late-cat"]) {
    await call("PUT", `/v1/users/wa5-late-ann/watching/${target}`);
  }
  let isSilent = true;
  meddle("wa5-late-bob", "watchedBy", (carryOut) => {
    if (isSilent) throw new Error("broken");
    return carryOut();
  });
  const ann = await WorkerClient.connect("wa5-late-ann");
  await until(() => seen(ann, "wa5-late-cat").length === 1);
  expect(seen(ann, "wa5-late-bob")).toEqual([]);
  const meter = await Meter.on(user("wa5-late-ann"));
  for (const seconds of [6, 11, 21]) {
    await evictDurableObject(user("wa5-late-ann"), { webSockets: "hibernate" });
    await later("wa5-late-ann", seconds * 1000);
    await ask(ann, { type: "heartbeat" });
    expect(seen(ann, "wa5-late-bob")).toEqual([]);
  }
  meter.off();
  expect(meter.statements.filter((statement) => /hold|release/.test(statement))).toEqual([]);
  isSilent = false;
  await evictDurableObject(user("wa5-late-ann"), { webSockets: "hibernate" });
  await later("wa5-late-ann", 41_000);
  await until(() => seen(ann, "wa5-late-bob").length === 1);
  ann.socket.close(1000);
});
