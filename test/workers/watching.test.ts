import { evictDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { tokenFor, until, WorkerClient } from "./client.ts";
import { Meter } from "./meter.ts";
import { ask, aWhile, call, rows, seen, watch, watchedBy, watchedOf } from "./watch.ts";

test("[WA1] to watch is answered with what each user looks like, in the order asked", async () => {
  const bob = await WorkerClient.connect("wa1-bob");
  const ann = await WorkerClient.connect("wa1-ann");
  const presences = await watch(ann, ["wa1-nobody", "wa1-bob", "wa1-ann"]);
  expect(presences).toMatchObject([
    { user: "wa1-nobody", status: "offline", lastActiveAt: null, devices: [] },
    { user: "wa1-bob", status: "online", version: 1 },
    { user: "wa1-ann", status: "online" },
  ]);
  expect(presences[0]).not.toHaveProperty("version");
  expect(await watchedOf("wa1-ann")).toEqual(["wa1-ann", "wa1-bob", "wa1-nobody"]);
  expect(await watchedBy("wa1-bob")).toEqual(["wa1-ann"]);
  bob.socket.close(1000);
  await until(() => seen(ann, "wa1-bob").at(-1) === "offline");
  ann.socket.close(1000);
});

test("[WA2] a session is told of every change of whom it watches, until it unwatches", async () => {
  const ann = await WorkerClient.connect("wa2-ann");
  await watch(ann, ["wa2-bob"]);
  const bob = await WorkerClient.connect("wa2-bob");
  await until(() => seen(ann, "wa2-bob").length === 1);
  bob.send({ type: "presence", status: "busy", text: "in a call" });
  await until(() => seen(ann, "wa2-bob").length === 2);
  expect(ann.ofType("presence").at(-1)).toMatchObject({ status: "busy", text: "in a call", version: 2 });
  expect(await ask(ann, { type: "unwatch", users: ["wa2-bob"] })).toMatchObject({ type: "ok" });
  await until(async () => (await watchedBy("wa2-bob")).length === 0);
  expect(await watchedOf("wa2-ann")).toEqual([]);
  bob.socket.close(1000);
  await aWhile();
  expect(seen(ann, "wa2-bob")).toEqual(["online", "busy"]);
  expect(await rows("wa2-ann", "SELECT * FROM release_debt")).toEqual([]);
  ann.socket.close(1000);
});

test("[WA3] one session's unwatch leaves what another holds", async () => {
  const [one, two] = [await WorkerClient.connect("wa3-ann"), await WorkerClient.connect("wa3-ann")];
  for (const client of [one, two]) await watch(client, ["wa3-bob"]);
  await ask(one, { type: "unwatch", users: ["wa3-bob"] });
  const bob = await WorkerClient.connect("wa3-bob");
  await until(() => seen(two, "wa3-bob").length === 1);
  expect(seen(one, "wa3-bob")).toEqual([]);
  expect(await watchedBy("wa3-bob")).toEqual(["wa3-ann"]);
  for (const { socket } of [one, two, bob]) socket.close(1000);
});

test("[WA4] only the statuses asked for are told, for each session apart", async () => {
  const [few, all] = [await WorkerClient.connect("wa4-ann"), await WorkerClient.connect("wa4-ann")];
  await watch(few, ["wa4-bob"], { only: ["online", "offline"] });
  await watch(all, ["wa4-bob"]);
  const bob = await WorkerClient.connect("wa4-bob");
  for (const [i, status] of ["busy", "online"].entries()) {
    await until(() => seen(all, "wa4-bob").length === i + 1);
    bob.send({ type: "presence", status });
  }
  bob.socket.close(1000);
  await until(() => seen(all, "wa4-bob").at(-1) === "offline");
  expect(seen(all, "wa4-bob")).toEqual(["online", "busy", "online", "offline"]);
  expect(seen(few, "wa4-bob")).toEqual(["online", "online", "offline"]);
  for (const { socket } of [few, all]) socket.close(1000);
});

test("[WA5] what is watched over HTTP is shown to all sessions, and after each welcome", async () => {
  const bob = await WorkerClient.connect("wa5-bob");
  const put = await call("PUT", "/v1/users/wa5-ann/watching/wa5-bob");
  expect(put).toMatchObject({ httpStatus: 200, user: "wa5-bob", presence: { status: "online", version: 1 } });
  expect(Number(put.expiresAt)).toBeGreaterThan(Date.now() + 3_590_000);
  const [one, two] = [await WorkerClient.connect("wa5-ann"), await WorkerClient.connect("wa5-ann")];
  for (const client of [one, two]) {
    await until(() => seen(client, "wa5-bob").length === 1);
    expect(client.frames.map(({ type }) => type)).toEqual(["welcome", "presence"]);
  }
  bob.send({ type: "presence", status: "busy" });
  await until(() => [one, two].every((client) => seen(client, "wa5-bob").length === 2));
  expect(await call("GET", "/v1/users/wa5-ann/watching/wa5-bob")).toMatchObject({ user: "wa5-bob" });
  expect(await call("GET", "/v1/users/wa5-ann/watching/wa5-cat")).toMatchObject({ httpStatus: 404 });
  for (let i = 0; i < 2; i++) {
    expect(await call("DELETE", "/v1/users/wa5-ann/watching/wa5-bob")).toEqual({ httpStatus: 204 });
  }
  expect(await call("GET", "/v1/users/wa5-ann/watching")).toMatchObject({ users: [] });
  await until(async () => (await watchedBy("wa5-bob")).length === 0);
  for (const { socket } of [one, two, bob]) socket.close(1000);
});

test("[WA6] more than MAX_WATCHES are refused, and nothing is changed", async () => {
  const ann = await WorkerClient.connect("wa6-ann");
  await watch(ann, ["wa6-0"]);
  const held = Object.fromEntries(Array.from({ length: 999 }, (_, i) => [`wa6-${i}`, { order: 1 }]));
  await rows("wa6-ann", `UPDATE hold SET targets = '${JSON.stringify(held)}'`); // a thousand calls are no test's
  await evictDurableObject(env.USER.getByName("wa6-ann"), { webSockets: "hibernate" });
  expect(await watch(ann, ["wa6-5", "wa6-999"])).toHaveLength(2);
  const tooMany = await ask(ann, { type: "watch", users: ["wa6-5", "wa6-1000"] });
  expect(tooMany).toMatchObject({ type: "error", code: "too_many_watches" });
  expect(await call("PUT", "/v1/users/wa6-ann/watching/wa6-1000")).toMatchObject({
    httpStatus: 409,
    code: "too_many_watches",
  });
  expect(await watchedBy("wa6-1000")).toEqual([]);
  expect(await watch(ann, ["wa6-5"])).toHaveLength(1);
  expect(await watchedOf("wa6-ann")).toHaveLength(1000);
  ann.socket.close(1000);
  await until(async () => (await call("GET", "/v1/users/wa6-ann/presence")).status === "offline");
});

test("[WA7] to renew writes nothing, on either side", async () => {
  const ann = await WorkerClient.connect("wa7-ann");
  const bob = await WorkerClient.connect("wa7-bob");
  await watch(ann, ["wa7-bob", "wa7-cat"], { only: ["online"] });
  await call("PUT", "/v1/users/wa7-ann/watching/wa7-bob");
  const meter = await Meter.on(env.USER.getByName("wa7-ann"));
  for (const user of ["wa7-ann", "wa7-bob"]) {
    await evictDurableObject(env.USER.getByName(user), { webSockets: "hibernate" });
  }
  for (let i = 0; i < 5; i++) {
    await watch(ann, ["wa7-bob", "wa7-cat"], { only: ["online"] });
    await call("PUT", "/v1/users/wa7-ann/watching/wa7-bob");
  }
  meter.off();
  expect([meter.rows, meter.alarmsSet, meter.schemaRows], meter.statements.join("\n")).toEqual([0, 0, 0]);
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[WA8] changes of one moment leave as the last one", async () => {
  const [ann, bob] = [await WorkerClient.connect("wa8-ann"), await WorkerClient.connect("wa8-bob")];
  await watch(ann, ["wa8-bob"]);
  for (let i = 0; i < 20; i++) await ask(bob, { type: "presence", text: `text ${i}` });
  await until(() => ann.ofType("presence").at(-1)?.text === "text 19");
  expect(ann.ofType("presence").length).toBeLessThan(12); // an answer takes milliseconds, a moment fifty
  for (const { socket } of [ann, bob]) socket.close(1000);
});

test("[WA9] a watch without a grant for each of the users is refused whole", async () => {
  const ann = await WorkerClient.connect("wa9-ann", { claims: { watch: ["wa9-b*"] } });
  const refused = await ask(ann, { type: "watch", users: ["wa9-bob", "wa9-cat"] });
  expect(refused).toMatchObject({ type: "error", code: "forbidden" });
  expect([await watchedOf("wa9-ann"), await watchedBy("wa9-bob")]).toEqual([[], []]);
  expect(await watch(ann, ["wa9-bob", "wa9-ann"])).toHaveLength(2);
  ann.socket.close(1000);
});

test("[WA25] a new token without the grant ends what the session holds by it", async () => {
  const ann = await WorkerClient.connect("wa25-ann");
  await watch(ann, ["wa25-bob", "wa25-cat"]);
  const token = await tokenFor("wa25-ann", { watch: ["wa25-c*"] });
  expect(await ask(ann, { type: "auth", token })).toMatchObject({ type: "ok" });
  expect(await watchedOf("wa25-ann")).toEqual(["wa25-cat"]);
  await until(async () => (await watchedBy("wa25-bob")).length === 0);
  ann.socket.close(1000);
});
