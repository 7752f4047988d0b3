import { evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { sealedUpgrade } from "../../src/objects/sealed.ts";
import { objectsOf } from "../../src/objects/stubs.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { publish, read, until, WorkerClient } from "./client.ts";

afterEach(() => vi.restoreAllMocks());

const now = () => Date.now();
const claims = () => ({ sub: "f45", exp: Math.floor(now() / 1000) + 3600 });

test("[F45] a call of a newer Worker, with fields that nobody knows yet, is understood; so is an older one's", async () => {
  const { user, channel } = objectsOf(env as Env);
  const admission = {
    session: "of-another-version",
    keeper: { kind: "channel" as const, channel: "f45" },
    device: { type: "web" as const, newer: "x" },
    transport: "websocket" as const,
    connectedAt: now(),
    issuedAt: null,
    newer: { deep: [1] },
  };
  expect(await user("f45").admit(admission)).toMatchObject({ admitted: true });
  await user("f45").ended({ session: "of-another-version", at: now(), reason: "closed", newer: 1 } as never);
  const said = { event: "message", dataJson: "1", newer: true };
  expect(await channel("f45").publish(said)).toMatchObject({ offset: 1 });
  expect(await channel("f45").history({ limit: 10, order: "asc", newer: 1 } as never)).toMatchObject({
    offset: 1,
  });
});

test("[F45] claims that another version sealed open a connection, unknown fields or missing ones", async () => {
  const newer = { user: "f45", device: { type: "web" }, transport: "websocket", claims: claims(), newer: 1 };
  const stub = env.CHANNEL.getByName("f45-sealed");
  const answer = await stub.fetch(sealedUpgrade(newer as never));
  expect(answer.status).toBe(101);
  const client = new WorkerClient(answer.webSocket as WebSocket);
  await until(() => client.ofType("welcome").length === 1);
  client.socket.close(1000);
});

test("[F45] a socket that an older version accepted, and one that a newer did, are served after sleep", async () => {
  const clients = [
    await WorkerClient.connect("f45-old", { channel: "f45-sockets" }),
    await WorkerClient.connect("f45-new", { channel: "f45-sockets" }),
  ];
  const stub = env.CHANNEL.getByName("f45-sockets");
  await runInDurableObject(stub, (_, ctx) => {
    for (const socket of ctx.getWebSockets()) {
      const text = new TextDecoder().decode(socket.deserializeAttachment() as Uint8Array);
      const { session, device, claims, connectedAt, heardAt, ...rest } = JSON.parse(text);
      const first = { session, device, claims, connectedAt, heardAt };
      const isOld = claims.sub === "f45-old";
      const kept = isOld ? first : { ...first, ...rest, newer: { a: 1 } };
      socket.serializeAttachment(new TextEncoder().encode(JSON.stringify(kept)));
    }
  });
  await evictDurableObject(stub, { webSockets: "hibernate" });
  expect((await publish("f45-sockets", { data: "still here" })).status).toBe(201);
  await until(() => clients.every((client) => client.ofType("message").length === 1));
  for (const { socket } of clients) socket.close(1000);
});

test("[F46] an object that was replaced while it waited changes nothing, and nobody hears of it", async () => {
  let release: (value?: unknown) => void = () => {};
  const held = new Promise((resolve) => {
    release = resolve;
  });
  let isAsked = false;
  const { admit } = UserObject.prototype;
  vi.spyOn(UserObject.prototype, "admit").mockImplementationOnce(async function (this: UserObject, request) {
    isAsked = true;
    await held;
    return admit.call(this, request);
  });
  const late = WorkerClient.connect("f46", { channel: "f46" }).then(
    () => "welcomed",
    () => "refused",
  );
  const stub = () => env.CHANNEL.getByName("f46"); // a stub whose object was aborted stays broken
  const rows = () =>
    runInDurableObject(
      stub(),
      (_, { storage }) => storage.sql.exec("SELECT session FROM session").toArray().length,
    );
  await until(() => isAsked);
  expect(await rows()).toBe(1);
  await runInDurableObject(stub(), (_, ctx) => ctx.abort("replaced")).catch(() => undefined);
  expect(await late).toBe("refused");
  const back = await WorkerClient.connect("f46", { channel: "f46" });
  release(); // the user's object now admits a session whose channel has ended it
  await until(async () => (await rows()) === 1);
  expect(await read("/v1/channels/f46/members")).toMatchObject({ count: 1, sessions: 1 });
  expect((await read("/v1/users/f46/sessions")).sessions).toMatchObject([{ id: back.session }]);
  expect(back.ofType("members")).toEqual([]);
  back.socket.close(1000);
});
