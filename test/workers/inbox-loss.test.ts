import { abortAllDurableObjects, evictDurableObject, runInDurableObject } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { until } from "./client.ts";
import { ack, close, connectAs, dataOf, queued, sendTo, seqs, told } from "./inbox.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const stub = (user: string) => env.USER.getByName(user);
const sleep = (user: string) => evictDurableObject(stub(user), { webSockets: "hibernate" });

test("[IN18] [F13] an inbox sleeps between any two commands: nothing is told twice, nothing is missed", async () => {
  const client = await connectAs("in18", "d");
  for (let i = 1; i <= 3; i++) {
    await sleep("in18");
    await sendTo("in18", { data: i });
    await told(client, i);
  }
  await sleep("in18");
  await ack(client, 2);
  await sleep("in18");
  await sendTo("in18", { data: 4 });
  await told(client, 4);
  expect(seqs(client)).toEqual([1, 2, 3, 4]);
  await close(client);
  await sleep("in18");
  const back = await connectAs("in18", "d");
  await told(back, 2);
  expect(seqs(back)).toEqual([3, 4]);
  await close(back);
});

test("[IN18] the window of a hundred outlasts sleep", async () => {
  const client = await connectAs("in18-window", "d");
  for (let i = 1; i <= 110; i++) await sendTo("in18-window", { data: i });
  await told(client, 100);
  await sleep("in18-window");
  await sendTo("in18-window", { data: 111 });
  await ack(client, 10);
  await told(client, 110);
  expect(seqs(client)).toEqual(Array.from({ length: 110 }, (_, i) => i + 1));
  await close(client);
});

test("[IN18] [F14] after a deploy and after an abort, each device is told again what it has not acknowledged", async () => {
  const ends = [
    () => evictDurableObject(stub("in18-deploy"), { webSockets: "close" }),
    () => abortAllDurableObjects(),
  ];
  let sent = 0;
  for (const end of ends) {
    const [phone, tab] = [await connectAs("in18-deploy", "phone"), await connectAs("in18-deploy")];
    for (let i = 0; i < 2; i++) await sendTo("in18-deploy", { data: ++sent });
    await until(() => dataOf(phone).includes(sent) && dataOf(tab).includes(sent));
    await ack(phone, sent - 1);
    await end();
    await until(() => phone.closeCode === 1006 && tab.closeCode === 1006);
  }
  const [phone, tab] = [await connectAs("in18-deploy", "phone"), await connectAs("in18-deploy")];
  await told(phone, 1);
  await told(tab, 4);
  expect([seqs(phone), seqs(tab)]).toEqual([[4], [1, 2, 3, 4]]);
  await close(phone, tab);
});

test("[IN18] [F6] a send that is aborted before its socket hears it was stored and told to nobody; its retry is once", async () => {
  const user = "in18-abort";
  const client = await connectAs(user, "d");
  await sendTo(user, { data: "before" });
  await told(client, 1);
  await runInDurableObject(stub(user), (_, state) => {
    const { send } = WebSocket.prototype;
    vi.spyOn(WebSocket.prototype, "send").mockImplementation(function (this: WebSocket, text) {
      if (!String(text).includes('"type":"direct"')) return send.call(this, text);
      vi.restoreAllMocks();
      state.abort("as the test asked");
    });
  });
  const body = { data: "cut off", key: "k" };
  expect(await sendTo(user, body)).toMatchObject({ status: 201, body: { seq: 2 } }); // with a key: said again by the Worker
  vi.restoreAllMocks();
  expect(await sendTo(user, body)).toMatchObject({ status: 200, body: { seq: 2, duplicate: true } });
  const back = await connectAs(user, "d");
  await told(back, 2);
  expect(dataOf(back)).toEqual(["before", "cut off"]);
  await close(back);
});

test("[IN18] [F5] a send that fails in its transaction leaves no message, no key and no gap", async () => {
  const user = "in18-fail";
  await sendTo(user, { data: 1 });
  await runInDurableObject(stub(user), (_, { storage }) => {
    const prototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
    const { exec } = prototype;
    vi.spyOn(prototype, "exec").mockImplementation(function (this: SqlStorage, query, ...values) {
      if (/INSERT INTO publish_key/.test(query)) throw new Error("as the test asked");
      return exec.call(this, query, ...values);
    } as typeof exec);
  });
  expect((await sendTo(user, { data: 2, key: "k" })).status).toBeGreaterThanOrEqual(500);
  vi.restoreAllMocks();
  expect(await queued(user)).toEqual([1]);
  expect(await sendTo(user, { data: 2, key: "k" })).toMatchObject({ status: 201, body: { seq: 2 } });
});

test("[IN18] [F4] a socket that fails is told when it comes back, and holds up no other", async () => {
  const user = "in18-fragile";
  const clients = [await connectAs(user, "a"), await connectAs(user, "b")] as const;
  let failures = 1;
  const { send } = WebSocket.prototype;
  vi.spyOn(WebSocket.prototype, "send").mockImplementation(function (this: WebSocket, text) {
    if (String(text).includes('"event":"fragile"') && failures-- > 0) throw new Error("as the test asked");
    send.call(this, text);
  });
  expect((await sendTo(user, { data: 1, event: "fragile" })).body).toMatchObject({ seq: 1, delivered: 1 });
  await sendTo(user, { data: 2, event: "fragile" }); // what failed comes first
  for (const client of clients) {
    await told(client, 2);
    expect(seqs(client)).toEqual([1, 2]);
  }
  await close(...clients);
});
