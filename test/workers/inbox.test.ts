import { runDurableObjectAlarm } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, expect, test, vi } from "vitest";
import { KEY, read, tokenFor, until } from "./client.ts";
import {
  ack,
  call,
  close,
  connectAs,
  dataOf,
  directs,
  queued,
  rows,
  sendTo,
  seqs,
  stored,
  told,
} from "./inbox.ts";

const DAY_MS = 86_400_000;

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const stub = (user: string) => env.USER.getByName(user);
const bearer = async (user: string, claims: Record<string, unknown> = {}) => ({
  Authorization: `Bearer ${await tokenFor(user, claims)}`,
});
const passAlarm = (user: string) => runDurableObjectAlarm(stub(user));

test("[IN1] a direct message reaches all own connections, and waits for who is away", async () => {
  const [phone, tab] = [await connectAs("in1", "phone"), await connectAs("in1")];
  expect(await sendTo("in1", { data: { n: 1 }, event: "mail" })).toMatchObject({
    status: 201,
    body: { seq: 1, delivered: 2 },
  });
  await told(phone, 1);
  await told(tab, 1);
  expect(directs(phone)[0]).toEqual({
    type: "direct",
    seq: 1,
    id: expect.stringMatching(/^.{10,}-1$/),
    event: "mail",
    data: { n: 1 },
    at: expect.any(Number),
  });
  await close(phone, tab);
  expect((await sendTo("in1", { data: 2 })).body).toMatchObject({ seq: 2, delivered: 0 });
  expect((await sendTo("in1", { data: 3 })).body).toMatchObject({ seq: 3, delivered: 0 });
  const back = await connectAs("in1", "phone");
  expect(back.frames[0]).toMatchObject({ type: "welcome", inbox: { latest: 3, acked: 0 } });
  await told(back, 3);
  expect([seqs(back), dataOf(back)]).toEqual([
    [1, 2, 3],
    [{ n: 1 }, 2, 3],
  ]);
  expect(directs(back)[0]?.id).toBe(directs(phone)[0]?.id);
  await close(back);
});

test("[IN2] the frame send is answered with id and seq, and tells the sender nothing of who is there", async () => {
  const ann = await connectAs("in2-ann", "desk");
  ann.send({ type: "send", user: "in2-ben", data: "hello", ref: 1 });
  await until(() => ann.ofType("ok").length === 1);
  expect(ann.ofType("ok")[0]).toEqual({ type: "ok", ref: 1, id: expect.any(String), seq: 1 });
  const ben = await connectAs("in2-ben");
  await told(ben, 1);
  expect(directs(ben)[0]).toMatchObject({
    data: "hello",
    event: "message",
    from: { user: "in2-ann", session: ann.session, device: "desk" },
  });
  for (let i = 2; i <= 30; i++) ann.send({ type: "send", user: "in2-ben", data: i });
  await told(ben, 30);
  expect(dataOf(ben)).toEqual(["hello", ...Array.from({ length: 29 }, (_, i) => i + 2)]); // in the order said
  await close(ann, ben);
});

test("[IN3] each device has its own cursor, sessions without one share theirs, a new one begins after any", async () => {
  const phone = await connectAs("in3", "phone");
  const [first, second] = [await connectAs("in3"), await connectAs("in3")];
  for (const data of [1, 2, 3]) await sendTo("in3", { data });
  await told(second, 3);
  await ack(phone, 2);
  await ack(first, 1);
  await close(phone, first, second);
  const back = [await connectAs("in3", "phone"), await connectAs("in3")] as const;
  expect(back.map(({ frames }) => frames[0]?.inbox)).toEqual([
    { latest: 3, acked: 2 },
    { latest: 3, acked: 1 },
  ]);
  await told(back[0], 1);
  await told(back[1], 2);
  const fresh = await connectAs("in3", "a new one");
  expect(fresh.frames[0]?.inbox).toEqual({ latest: 3, acked: 2 });
  await told(fresh, 1);
  expect([...back, fresh].map(seqs)).toEqual([[3], [2, 3], [3]]);
  await close(...back, fresh);
});

test("[IN4] a cursor only moves up, never beyond what there is, and each repeat is answered anew", async () => {
  const client = await connectAs("in4", "d");
  for (const data of [1, 2]) await sendTo("in4", { data });
  await told(client, 2);
  await ack(client, 2_000_000);
  await ack(client, 1);
  await sendTo("in4", { data: 3 });
  await told(client, 3);
  await close(client);
  const back = await connectAs("in4", "d");
  expect(back.frames[0]?.inbox).toEqual({ latest: 3, acked: 2 });
  await told(back, 1);
  expect(seqs(back)).toEqual([3]);
  back.send({ type: "ack", seq: -1, ref: "bad" });
  await until(() => back.ofType("error").length === 1);
  expect(back.ofType("error")[0]).toMatchObject({ ref: "bad", code: "bad_request" });
  await close(back);
});

test("[IN5] a message goes once every known device has acknowledged it, and seq goes on", async () => {
  const [phone, tab] = [await connectAs("in5", "phone"), await connectAs("in5")];
  for (const data of [1, 2, 3]) await sendTo("in5", { data });
  await told(tab, 3);
  await ack(phone, 3);
  expect(await queued("in5")).toEqual([1, 2, 3]);
  await ack(tab, 2);
  expect(await queued("in5")).toEqual([3]);
  await ack(tab, 3);
  expect(await queued("in5")).toEqual([]);
  await close(phone, tab);
  expect((await sendTo("in5", { data: 4 })).body).toMatchObject({ seq: 4 });
});

test("[IN5] a device that was unseen for DEVICE_TTL_SECONDS holds nothing, one that is connected does", async () => {
  const [old, tab] = [await connectAs("in5-old", "old"), await connectAs("in5-old", "tab")];
  await sendTo("in5-old", { data: 1 });
  await told(old, 1);
  await close(old);
  await stored("in5-old", `UPDATE device_cursor SET seen_at = ${Date.now() - 31 * DAY_MS}`);
  await sendTo("in5-old", { data: 2 });
  await ack(tab, 1);
  expect(await queued("in5-old")).toEqual([2]);
  const known = async () =>
    (await rows("in5-old", "SELECT device FROM device_cursor")).map(({ device }) => device);
  await sendTo("in5-old", { data: 3 });
  await ack(tab, 3);
  const fresh = await connectAs("in5-old", "fresh");
  expect(await known()).toEqual(["fresh", "tab"]); // though the tab has not connected for as long
  await close(tab, fresh);
});

test("[IN5] above MAX_DEVICES the longest unseen gives way, and what it acknowledged counts on", async () => {
  const start = Date.now();
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  const here = await connectAs("in5-many", "here");
  for (let i = 0; i < 19; i++) {
    vi.setSystemTime(start + i * 1000);
    await close(await connectAs("in5-many", `d${i}`));
  }
  await sendTo("in5-many", { data: 1 });
  const d0 = await connectAs("in5-many", "d0");
  await ack(d0, 1);
  await close(d0);
  vi.setSystemTime(start + 30_000);
  await close(await connectAs("in5-many", "d1")); // within a day: not written
  await close(await connectAs("in5-many", "new"));
  const known = (await rows("in5-many", "SELECT device FROM device_cursor")).map(({ device }) => device);
  expect(known).toHaveLength(20);
  expect(known).toContain("here"); // it is connected, and so was never unseen
  expect(known).not.toContain("d1");
  expect((await connectAs("in5-many", "newer")).frames[0]?.inbox).toEqual({ latest: 1, acked: 1 });
  await close(here);
});

test("[IN6] at most a hundred unacknowledged are in flight to a session, the rest follows acknowledgements", async () => {
  await Promise.all(Array.from({ length: 120 }, (_, i) => sendTo("in6", { data: i })));
  const client = await connectAs("in6", "d");
  await told(client, 100);
  await sendTo("in6", { data: "live" });
  await ack(client, 5);
  await told(client, 105);
  await ack(client, 5);
  expect(seqs(client)).toEqual(Array.from({ length: 105 }, (_, i) => i + 1));
  await ack(client, 60);
  await told(client, 121);
  expect(seqs(client)).toEqual(Array.from({ length: 121 }, (_, i) => i + 1));
  await close(client);
});

test("[IN7] what is over by INBOX_TTL_SECONDS or its own ttlSeconds is told to nobody, and goes at its time", async () => {
  const start = Date.now();
  const warn = vi.spyOn(console, "warn");
  vi.useFakeTimers({ toFake: ["Date"], now: start });
  await close(await connectAs("in7", "d"));
  await sendTo("in7", { data: "a week" });
  await sendTo("in7", { data: "a minute", ttlSeconds: 60 });
  await sendTo("in7", { data: "a week too", ttlSeconds: 31_000_000 });
  await sendTo("in7", { data: "a minute too", ttlSeconds: 60 });
  vi.setSystemTime(start + 61_000);
  const client = await connectAs("in7", "d");
  await told(client, 2);
  expect(dataOf(client)).toEqual(["a week", "a week too"]);
  expect(await queued("in7")).toEqual([1, 3]);
  await close(client);
  vi.setSystemTime(start + 7 * DAY_MS + 1000);
  await passAlarm("in7");
  expect(await queued("in7")).toEqual([]);
  const said = warn.mock.calls.map(([line]) => String(line)).filter((line) => line.includes("expired"));
  expect(said.join("\n")).toContain('"messages":2');
  expect(said.join("\n")).not.toContain("a week");
  expect((await sendTo("in7", { data: "next" })).body).toMatchObject({ seq: 5 });
  expect((await connectAs("in7", "d")).frames[0]?.inbox).toEqual({ latest: 5, acked: 0 });
});

test("[IN9] [A33] one key of one principal is one message to each recipient, also once that is gone", async () => {
  const body = { data: 1, key: "k" };
  const first = await sendTo("in9", body);
  expect(await sendTo("in9", body)).toEqual({
    status: 200,
    body: { id: first.body.id, seq: 1, delivered: 0, duplicate: true },
  });
  expect((await sendTo("in9-other", body)).body).toMatchObject({ seq: 1 });
  const mine = await bearer("dev"); // a user named as the key is
  expect(await sendTo("in9", body, mine)).toMatchObject({ status: 201, body: { seq: 2 } });
  expect(await sendTo("in9", { data: 2, key: "k" })).toMatchObject({
    status: 422,
    body: { code: "idempotency_mismatch" },
  });
  const client = await connectAs("in9");
  await told(client, 2);
  await ack(client, 2);
  expect(await queued("in9")).toEqual([]);
  const { key: _, ...bare } = body;
  expect((await sendTo("in9", bare, { ...KEY, "Idempotency-Key": "k" })).body).toMatchObject({ seq: 1 });
  client.send({ type: "send", user: "in9-other", data: 1, key: "k", ref: 1 });
  client.send({ type: "send", user: "in9-other", data: 1, key: "k", ref: 2 });
  await until(() => client.ofType("ok").filter(({ seq }) => seq === 2).length === 2);
  expect(client.ofType("ok").filter(({ duplicate }) => duplicate === true)).toHaveLength(1);
  await close(client);
});

test("[IN10] to send needs the grant, and nobody learns who is there, hides, or exists", async () => {
  const may = { send: ["in10-*"] };
  const seen = await connectAs("in10-there");
  const hidden = await connectAs("in10-hidden");
  hidden.send({ type: "presence", status: "invisible", visibility: "nobody", ref: 1 });
  await until(() => hidden.ofType("ok").length === 1);
  for (const user of ["in10-there", "in10-hidden", "in10-never"]) {
    const answer = await sendTo(user, { data: 1 }, await bearer("in10-ann", may));
    expect(answer).toEqual({ status: 201, body: { id: expect.any(String), seq: 1 } });
  }
  expect(await sendTo("someone", { data: 1 }, await bearer("in10-ann", may))).toMatchObject({
    status: 403,
    body: { code: "forbidden" },
  });
  const ann = await connectAs("in10-ann", "d", may);
  ann.send({ type: "send", user: "someone", data: 1, ref: 1 });
  ann.send({ type: "signal", user: "someone", event: "x", ref: 2 });
  await until(() => ann.ofType("error").length === 2);
  expect(ann.ofType("error")).toMatchObject([{ code: "forbidden" }, { code: "forbidden" }]);
  expect((await sendTo("no name", { data: 1 })).body).toMatchObject({ code: "invalid_user" });
  await close(seen, hidden, ann);
});

test("[IN11] the inbox is read by its user and back ends, from a cursor or an offset, and reading writes nothing", async () => {
  const client = await connectAs("in11", "d");
  for (const data of [1, 2, 3, 4]) await sendTo("in11", { data });
  await told(client, 4);
  await ack(client, 1);
  const self = await bearer("in11");
  const page = async (query: string, headers: Record<string, string> = self) => {
    const { body } = await call("GET", `/v1/users/in11/inbox${query}`, undefined, headers);
    return [(body.messages as { seq: number }[]).map(({ seq }) => seq), body.acked, body.latest];
  };
  expect(await page("?device=d")).toEqual([[2, 3, 4], 1, 4]);
  expect(await page("", { ...self, "Rollcall-Session": client.session })).toEqual([[2, 3, 4], 1, 4]);
  expect(await page("?device=d&after=2&limit=1", KEY)).toEqual([[3], 1, 4]);
  expect(await page("?after=0", KEY)).toEqual([[2, 3, 4], 1, 4]); // the cursor that a new device would begin at
  const path = "/v1/users/in11/inbox";
  expect((await call("GET", path, undefined, await bearer("other"))).status).toBe(403);
  expect((await call("GET", `${path}?limit=0`)).body).toMatchObject({ code: "bad_request" });
  expect(await read("/v1/users/in11-never/inbox")).toEqual({ acked: 0, latest: 0, messages: [] });
  expect((await rows("in11-never", "SELECT name FROM sqlite_master WHERE name = 'schema'")).length).toBe(0);
  await close(client);
});

test("[IN12] a device acknowledges over HTTP, its user alone", async () => {
  for (const data of [1, 2]) await sendTo("in12", { data });
  const self = await bearer("in12");
  const path = "/v1/users/in12/inbox/ack";
  expect((await call("POST", path, { seq: 1 })).status).toBe(403); // a back end is no device
  expect((await call("POST", path, { seq: 1 }, await bearer("other"))).status).toBe(403);
  expect((await call("POST", path, { seq: "x" }, self)).body).toMatchObject({ errors: [{ path: "seq" }] });
  expect((await call("POST", path, { seq: 1, device: "tv" }, self)).status).toBe(204);
  const tv = await connectAs("in12", "tv");
  expect(tv.frames[0]?.inbox).toEqual({ latest: 2, acked: 1 });
  await told(tv, 1);
  await call("POST", path, { seq: 2 }, { ...self, "Rollcall-Session": tv.session }); // the device of that session
  expect(await queued("in12")).toEqual([]);
  await close(tv);
});

test("[IN13] a message to oneself reaches all of one's devices but those left out, which nothing waits for", async () => {
  const [desk, phone] = [await connectAs("in13", "desk"), await connectAs("in13", "phone")];
  desk.send({ type: "send", user: "in13", data: "all", ref: 1 });
  await told(desk, 1);
  desk.send({ type: "send", user: "in13", data: "not this session", exclude: { session: desk.session } });
  desk.send({ type: "send", user: "in13", data: "not this device", exclude: { device: "desk" } });
  desk.send({ type: "send", user: "in13-other", data: "no one of theirs", exclude: { device: "desk" } });
  desk.send({ type: "send", user: "in13", data: "all again", ref: 2 });
  await told(phone, 4);
  await told(desk, 2);
  expect(dataOf(desk)).toEqual(["all", "all again"]);
  expect(dataOf(phone)).toEqual(["all", "not this session", "not this device", "all again"]);
  await ack(phone, 4);
  await ack(desk, 4);
  await sendTo("in13", { data: "back end", exclude: { user: "in13", device: "desk" } });
  await ack(phone, 5);
  expect(await queued("in13")).toEqual([]); // the desk need not acknowledge what it never got
  const other = await connectAs("in13-other", "desk");
  await told(other, 1);
  await close(desk, phone, other);
});

test("[IN17] who is erased has no inbox, no cursors and no keys, and what comes next has other ids", async () => {
  const first = await sendTo("in17", { data: 1, key: "k" });
  await close(await connectAs("in17", "d"));
  expect((await call("DELETE", "/v1/users/in17")).status).toBe(204);
  for (const table of ["inbox", "inbox_message", "device_cursor", "publish_key"]) {
    expect(await rows("in17", `SELECT * FROM ${table}`), table).toEqual([]);
  }
  const second = await sendTo("in17", { data: 1, key: "k" });
  expect(second).toMatchObject({ status: 201, body: { seq: 1 } });
  expect(second.body.id).not.toBe(first.body.id);
});

test("[IN20] another device in a heartbeat has its own cursor from then on", async () => {
  const client = await connectAs("in20", "a");
  for (const data of [1, 2]) await sendTo("in20", { data });
  await told(client, 2);
  await close(await connectAs("in20", "b"));
  await ack(client, 2);
  client.send({ type: "heartbeat", device: { id: "b", type: "web" }, ref: 1 });
  await told(client, 4);
  expect(seqs(client)).toEqual([1, 2, 1, 2]);
  await ack(client, 2);
  expect(await queued("in20")).toEqual([]);
  await close(client);
});

test("[A30] a sender that fills an inbox pushes out its own messages, and nobody else's", async () => {
  await close(await connectAs("a30", "d"));
  const from = (user: string) => async (n: number) =>
    (await sendTo("a30", { data: `${user} ${n}` }, await bearer(user))).body.seq as number;
  const [friend, flooder] = [from("friend"), from("flooder")];
  for (let n = 0; n < 3; n++) await friend(n);
  const columns = "seq, at, sender, event, data, from_user";
  const run = "WITH RECURSIVE n(i) AS (SELECT 4 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)";
  const values = `SELECT i, ${Date.now()}, 'user:flooder', 'message', '"flood"', 'flooder' FROM n`;
  await stored("a30", `INSERT INTO inbox_message (${columns}) ${run} ${values}`);
  for (let n = 0; n < 20; n++) await flooder(n);
  expect((await queued("a30")).slice(0, 5)).toEqual([1, 2, 3, 24, 25]);
  expect(await friend(4)).toBe(1021);
  expect(await rows("a30", "SELECT count(*) AS n FROM inbox_message")).toEqual([{ n: 1000 }]);
  expect(await rows("a30", "SELECT count(*) AS n FROM inbox_message WHERE sender = 'user:friend'")).toEqual([
    { n: 4 },
  ]);
  const victim = await connectAs("a30", "d");
  await told(victim, 100);
  expect(dataOf(victim).slice(0, 4)).toEqual(["friend 0", "friend 1", "friend 2", "flood"]);
  await close(victim);
});
