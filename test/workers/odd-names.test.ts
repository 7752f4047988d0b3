import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import { objectsOf } from "../../src/objects/stubs.ts";
import { KEY, publish, read, request, until, WorkerClient } from "./client.ts";

const SQL = `'; DROP TABLE message;-- % _ \\ " ) OR 1=1`;

test("[N20] what reads as SQL is text, in every field that takes text, and the tables stay", async () => {
  const ann = await WorkerClient.connect("n20", {
    channel: "n20",
    query: { device_id: SQL, device_name: SQL },
    claims: { info: { name: SQL, [SQL]: SQL } },
  });
  const members = { members: [{ user: "n20", info: { name: SQL, [SQL]: SQL } }] };
  expect(await read("/v1/channels/n20/members")).toMatchObject(members);
  expect((await read("/v1/users/n20/sessions")).sessions).toMatchObject([{ device: { id: SQL, name: SQL } }]);
  const message = { data: { [SQL]: SQL }, event: SQL, key: SQL, exclude: { user: "n20", device: SQL } };
  expect((await publish("n20", message)).status).toBe(201);
  expect((await publish("n20", message)).status).toBe(200);
  await until(() => ann.ofType("message").some(({ skipped }) => skipped === true));
  expect(await read("/v1/channels/n20/messages")).toMatchObject({
    offset: 1,
    messages: [{ data: { [SQL]: SQL }, event: SQL }],
  });
  ann.send({ type: "presence", status: "busy", text: SQL, emoji: "'", ref: 1 });
  await until(() => ann.ofType("ok").length === 1);
  expect(await read("/v1/users/n20/presence")).toMatchObject({ status: "busy", text: SQL, emoji: "'" });
  // A prefix is compared as text: where it may be said at all, none of its letters means anything to a database.
  for (const prefix of ["%", "n20'--"])
    expect(await read(`/v1/channels?prefix=${encodeURIComponent(prefix)}`)).toMatchObject({ status: 400 });
  for (const [prefix, found] of [
    ["n2_", []],
    ["_", []],
    ["n20", [{ channel: "n20" }]],
  ] as const)
    expect(await read(`/v1/channels?prefix=${prefix}`)).toMatchObject({ channels: found });
  ann.socket.close(1000);
});

test("[N21] more names than one query can bind are found, none twice", async () => {
  const users = Array.from({ length: 200 }, (_, i) => `n21-${i}`);
  const { user, directory } = objectsOf(env as Env);
  const online = await Promise.all(users.slice(0, 120).map((name) => WorkerClient.connect(name)));
  const answer = await read(`/v1/presence?users=${users.join(",")}`);
  const found = answer.users as { user: string; status: string }[];
  expect(found.map(({ user }) => user)).toEqual(users);
  expect(found.filter(({ status }) => status === "online")).toHaveLength(120);
  const unknown = Array.from({ length: 250 }, (_, i) => `nobody-${i}`);
  expect(new Set(await directory("1-of-4").unknown(unknown))).toEqual(new Set(unknown));
  const watched = await Promise.all(users.slice(0, 150).map((name) => user("n21-eye").watch(name)));
  expect(watched.every((watch) => "presence" in watch)).toBe(true);
  expect(await user("n21-eye").watching()).toHaveLength(150);
  const tooMany = await request(`/v1/presence?users=${[...users, "one-more"].join(",")}`, { headers: KEY });
  expect(tooMany.status).toBe(400);
  for (const { socket } of online) socket.close(1000);
});
