import { runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { ChannelObject } from "../../src/channel/channel-object.ts";
import { UserObject } from "../../src/user/user-object.ts";
import { read, until, WorkerClient } from "./client.ts";
import { ask, subscribe } from "./subscribing.ts";

afterEach(() => void vi.restoreAllMocks());

type Call = "subscribe" | "unsubscribe" | "setSubscriberDevice";

/** Holds the next such call to any channel, before it arrives or its answer, until the test lets it go on. */
function hold(call: Call, what: "call" | "answer" | "lost answer") {
  const original = ChannelObject.prototype[call] as (this: ChannelObject, request: unknown) => unknown;
  const gate = Promise.withResolvers<void>();
  const held = { began: false, release: gate.resolve };
  vi.spyOn(ChannelObject.prototype, call).mockImplementationOnce(async function (
    this: ChannelObject,
    request: unknown,
  ) {
    held.began = true;
    if (what === "call") await gate.promise;
    const answer = await original.call(this, request);
    if (what !== "call") await gate.promise;
    if (what === "lost answer") throw new Error("the answer is lost");
    return answer as never;
  });
  return held;
}

const rowsOf = (user: string, query: string) =>
  runInDurableObject(env.USER.getByName(user), (_, { storage }) => storage.sql.exec(query).toArray());

const changeDevice = (client: WorkerClient) => ask(client, { type: "heartbeat", device: { type: "tv" } });

async function nothingIsLeft(name: string): Promise<void> {
  await until(async () => (await read(`/v1/channels/${name}`)).members === 0);
  await until(async () => (await rowsOf(name, "SELECT 1 FROM subscription")).length === 0);
}

test("[SU24] a session that ends while its channel is told its device leaves it all the same", async () => {
  const ann = await WorkerClient.connect("su24");
  await subscribe(ann, "su24");
  const device = hold("setSubscriberDevice", "answer");
  await changeDevice(ann);
  await until(() => device.began);
  ann.socket.close(1000);
  await until(
    async () => (await rowsOf("su24", "SELECT 1 FROM session WHERE ended_at IS NULL")).length === 0,
  );
  device.release();
  await nothingIsLeft("su24");
});

test("[SU24] a device that changes while a channel is being left undoes nothing", async () => {
  const ann = await WorkerClient.connect("su24-leaving");
  await subscribe(ann, "su24-leaving");
  const leave = hold("unsubscribe", "call");
  const left = ask(ann, { type: "unsubscribe", channel: "su24-leaving" });
  await until(() => leave.began);
  await changeDevice(ann);
  leave.release();
  expect(await left).toMatchObject({ type: "ok" });
  await nothingIsLeft("su24-leaving");
  expect(await subscribe(ann, "su24-leaving")).toMatchObject({ type: "subscribed", count: 1 });
  ann.socket.close(1000);
});

test("[SU24] nor does one that changes while a first `subscribe` comes to nothing", async () => {
  const ann = await WorkerClient.connect("su24-lost");
  const first = hold("subscribe", "lost answer");
  vi.spyOn(UserObject.prototype, "deliver").mockRejectedValue(new Error("unreachable")); // nor does this end it
  const answer = subscribe(ann, "su24-lost");
  await until(() => first.began);
  await changeDevice(ann);
  first.release();
  expect(await answer).toMatchObject({ type: "error", code: "unavailable" });
  await nothingIsLeft("su24-lost");
  ann.socket.close(1000);
});
