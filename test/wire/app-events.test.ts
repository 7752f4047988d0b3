import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

/* Each row of the table "Events of an application" in the README. */

let service: Service;

beforeAll(async () => {
  service = await startService();
});
afterAll(() => service.stop());

const own = async (user: string) => RawClient.welcomed({ url: service.url, token: await tokenFor(user) });
const inRoom = async (user: string, channel: string) =>
  RawClient.welcomed({ url: service.url, token: await tokenFor(user), channel });

async function post(path: string, body: object) {
  const init = {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  };
  const answer = await fetch(service.url + path, init);
  return { status: answer.status, body: answer.status === 202 ? {} : await answer.json() };
}

test("[AE1] message.sent is a publish to the room, and kept for who is away", async () => {
  const [ann, ben] = [await inRoom("ann", "ae1"), await inRoom("ben", "ae1")];
  const data = { text: "hello" };
  expect(await ann.ask({ type: "publish", event: "message.sent", data, key: "m1" })).toMatchObject({
    offset: 1,
  });
  expect(await ben.next("message")).toMatchObject({ event: "message.sent", data, from: { user: "ann" } });
  const { epoch } = ben.welcome;
  await ben.close();
  await ann.ask({ type: "publish", event: "message.sent", data: { text: "still there?" } });
  const query = { epoch: String(epoch), offset: "1" };
  const back = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ben"),
    channel: "ae1",
    query,
  });
  expect(back.welcome).toMatchObject({ recovered: true, messages: [{ data: { text: "still there?" } }] });
  await ann.close();
  await back.close();
});

test("[AE2] message.read is a direct message to the author, once for each message, on whatever device and whenever", async () => {
  const ben = await own("ae2-ben");
  const receipt = { event: "message.read", data: { channel: "ae1", upTo: 2 }, key: "read:ae1:2" };
  const sent = await ben.ask({ type: "send", user: "ae2-ann", ...receipt });
  expect(sent).toMatchObject({ type: "ok", seq: 1 });
  expect(await ben.ask({ type: "send", user: "ae2-ann", ...receipt })).toMatchObject({
    seq: 1,
    duplicate: true,
  });
  const ann = await own("ae2-ann"); // she was away
  const { data } = receipt;
  expect(await ann.next("direct")).toMatchObject({ event: "message.read", data, from: { user: "ae2-ben" } });
  await ann.close();
  await ben.close();
});

test("[AE3] typing.started and typing.stopped are signals: told to the others who are there, and never stored", async () => {
  const [ann, ben] = [await inRoom("ann", "ae3"), await inRoom("ben", "ae3")];
  ann.send({ type: "signal", event: "typing.started" });
  expect(await ben.next("signal")).toMatchObject({
    event: "typing.started",
    from: { user: "ann" },
    channel: "ae3",
  });
  ann.send({ type: "signal", event: "typing.stopped" });
  await ben.next("signal", ({ event }) => event === "typing.stopped");
  const cid = await own("cid");
  const person = { type: "signal", user: "cid", event: "typing.started", ref: 1 };
  expect(await ann.ask(person)).toMatchObject({ type: "ok" });
  expect(await cid.next("signal")).toMatchObject({ event: "typing.started", from: { user: "ann" } });
  expect(ann.frames.filter(({ type }) => type === "signal")).toEqual([]);
  expect(await ann.ask({ type: "history" })).toMatchObject({ messages: [] });
  await Promise.all([ann, ben, cid].map((client) => client.close()));
});

test("[AE4] post.liked goes to who looks at the post, and to its author once", async () => {
  const looking = await inRoom("ben", "post:7");
  const data = { post: 7, by: "cid" };
  const like = { event: "post.liked", data, key: "like:7:cid" };
  const both = await post("/v1/messages", { ...like, users: ["ae4-ann"], channels: ["post:7"] });
  expect(both.body).toMatchObject({
    results: [
      { user: "ae4-ann", seq: 1 },
      { channel: "post:7", offset: 1 },
    ],
  });
  await post("/v1/messages", { ...like, users: ["ae4-ann"], channels: ["post:7"] }); // retried
  expect(await looking.next("message")).toMatchObject({ event: "post.liked", data });
  const author = await own("ae4-ann");
  expect(await author.next("direct")).toMatchObject({ event: "post.liked", data, seq: 1 });
  expect(author.welcome).toMatchObject({ inbox: { latest: 1, acked: 0 } });
  await looking.close();
  await author.close();
});

test("[AE5] payment.received reaches every device once it is there, until that device says so", async () => {
  const phone = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ae5"),
    query: { device_id: "phone" },
  });
  const payment = { event: "payment.received", data: { cents: 990 }, key: "payment-81" };
  expect((await post("/v1/users/ae5/messages", payment)).status).toBe(201);
  expect((await post("/v1/users/ae5/messages", payment)).status).toBe(200); // the bank's webhook came twice
  const { seq } = await phone.next("direct", ({ event }) => event === "payment.received");
  phone.send({ type: "ack", seq });
  await phone.ask({ type: "heartbeat" });
  await phone.close();
  const again = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ae5"),
    query: { device_id: "phone" },
  });
  expect(again.welcome).toMatchObject({ inbox: { latest: 1, acked: 1 } });
  await again.ask({ type: "heartbeat" });
  expect(again.frames.filter(({ type }) => type === "direct")).toEqual([]);
  await again.close();
});
