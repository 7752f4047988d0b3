import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, test } from "vitest";
import type { PointInTime } from "../../src/objects/durable-object.ts";
import { publish, read, until, WorkerClient } from "./client.ts";

/** What a Worker of the operator's own calls. */
interface Restorable {
  restore(to: PointInTime): Promise<string>;
  restored(): Promise<void>;
}

const channelOf = (name: string) => env.CHANNEL.getByName(name);
const restorable = (stub: DurableObjectStub) => stub as unknown as Restorable;

/** The platform's own way back does not exist here; this one notes what it is asked. */
async function withBookmarks(stub: DurableObjectStub): Promise<string[]> {
  const asked: string[] = [];
  await runInDurableObject(stub, (_, { storage }) => {
    Object.defineProperty(storage, "getBookmarkForTime", {
      value: async (at: number) => `bookmark of ${at}`,
    });
    Object.defineProperty(storage, "onNextSessionRestoreBookmark", {
      value: async (bookmark: string) => {
        asked.push(bookmark);
        return `undo ${bookmark}`;
      },
    });
  });
  return asked;
}

test("[DP13] where the platform can't go back in time the call fails, and nothing changes", async () => {
  const client = await WorkerClient.connect("dp13", { channel: "dp13-here" });
  const refused = await restorable(channelOf("dp13-here"))
    .restore({ at: Date.now() - 60_000 })
    .then(String, (cause: Error) => cause.message);
  expect(refused).toMatch(/point-in-time/);
  expect((await publish("dp13-here", { data: 1 })).status).toBe(201);
  await until(() => client.ofType("message").length === 1);
  client.socket.close(1000);
});

test.each([
  ["a moment", { at: 5 }, "bookmark of 5"],
  ["a bookmark", { bookmark: "from an earlier undo" }, "from an earlier undo"],
] as const)(
  "[DP13] back to %s: answers with how to undo it, then resets the object",
  async (_, to, bookmark) => {
    const name = `dp13-${bookmark.length}`;
    const client = await WorkerClient.connect(name, { channel: name });
    const asked = await withBookmarks(channelOf(name));
    expect(await restorable(channelOf(name)).restore(to)).toBe(`undo ${bookmark}`);
    expect(asked).toEqual([bookmark]);
    expect(client.closeCode).toBeUndefined(); // the answer leaves first
    await until(() => client.closeCode !== undefined);
    expect((await publish(name, { data: 1 })).status).toBe(201);
  },
);

test("[DP14] a channel that went back has its messages in a new epoch, and sends everybody back", async () => {
  for (const data of [1, 2]) await publish("dp14", { data });
  const client = await WorkerClient.connect("dp14", { channel: "dp14" });
  const { epoch } = client.frames[0] as { epoch?: string };
  await restorable(channelOf("dp14")).restored();
  await until(() => client.closeCode === 4000);
  const log = await read("/v1/channels/dp14/messages");
  expect(log).toMatchObject({ offset: 2, messages: [{ data: 1 }, { data: 2 }] });
  expect(log.epoch).not.toBe(epoch);
  const query = { epoch: String(epoch), offset: "1" };
  const back = await WorkerClient.connect("dp14", { channel: "dp14", query });
  expect(back.frames[0]).toMatchObject({ recovered: false, offset: 2, count: 1 });
  expect((await publish("dp14", { data: 3 })).body).toMatchObject({ offset: 3, epoch: log.epoch });
  back.socket.close(1000);
});

test("[DP14] a channel that nobody has used stays unused", async () => {
  await restorable(channelOf("dp14-blank")).restored();
  expect(await read("/v1/channels/dp14-blank/messages")).toMatchObject({ offset: 0, messages: [] });
});

test("[DP14] a user's versions go on above those that watchers know", async () => {
  const ann = await WorkerClient.connect("dp14-ann");
  const ben = await WorkerClient.connect("dp14-ben");
  ben.send({ type: "watch", users: ["dp14-ann"], ref: 1 });
  await until(() => ben.ofType("ok").length === 1);
  const before = Number((await read("/v1/users/dp14-ann/presence")).version);
  await restorable(env.USER.getByName("dp14-ann")).restored();
  await until(() => ben.ofType("presence").length > 0);
  const told = ben.ofType("presence").at(-1) as { status?: string; version?: number };
  expect(told.status).toBe("online");
  expect(told.version).toBeGreaterThan(before + 1_000_000);
  ann.send({ type: "presence", status: "busy", ref: 2 });
  await until(() => ben.ofType("presence").some(({ status }) => status === "busy"));
  for (const { socket } of [ann, ben]) socket.close(1000);
  await restorable(env.USER.getByName("dp14-nobody")).restored();
  expect(await read("/v1/users/dp14-nobody/presence")).not.toHaveProperty("version");
});
