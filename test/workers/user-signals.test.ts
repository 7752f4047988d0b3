import { afterEach, expect, test, vi } from "vitest";
import { UserObject } from "../../src/user/user-object.ts";
import { until, WorkerClient } from "./client.ts";
import { close, connectAs, rows } from "./inbox.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

const heard = (client: WorkerClient) => client.ofType("signal").map(({ data }) => data);

test("[IN15] a signal to a user reaches its own connections that are there, from both kinds of connection", async () => {
  const [desk, phone] = [await connectAs("in15-ben", "desk"), await connectAs("in15-ben", "phone")];
  const there = await WorkerClient.connect("in15-ben", { channel: "in15" });
  const ann = await connectAs("in15-ann", "d");
  const member = await WorkerClient.connect("in15-ann", { channel: "in15" });
  ann.send({ type: "signal", user: "in15-ben", event: "typing", data: 1 });
  member.send({ type: "signal", user: "in15-ben", event: "typing", data: 2, ref: "m" });
  await until(() => heard(desk).length === 2 && heard(phone).length === 2);
  expect(desk.ofType("signal")[0]).toEqual({
    type: "signal",
    event: "typing",
    data: 1,
    from: { user: "in15-ann", session: ann.session, device: "d" },
  });
  expect(heard(phone).toSorted()).toEqual([1, 2]);
  expect(there.ofType("signal")).toEqual([]);
  await until(() => member.ofType("ok").length === 1);
  expect(ann.ofType("ok")).toEqual([]); // no ref, no answer
  ann.send({ type: "signal", user: "in15-away", event: "typing", ref: 1 });
  await until(() => ann.ofType("ok").length === 1);
  const away = await connectAs("in15-away");
  expect(away.ofType("signal")).toEqual([]);
  expect(await rows("in15-ben", "SELECT * FROM inbox_message")).toEqual([]);
  await close(desk, phone, there, ann, member, away);
});

test("[IN15] a signal to oneself reaches one's other sessions, never the one that sent it", async () => {
  const [first, second] = [await connectAs("in15-self"), await connectAs("in15-self")];
  first.send({ type: "signal", user: "in15-self", event: "cursor", data: 1, ref: 1 });
  await until(() => heard(second).length === 1 && first.ofType("ok").length === 1);
  expect(heard(first)).toEqual([]);
  await close(first, second);
});

test("[IN15] without the grant to send, no signal, on a channel connection neither", async () => {
  const claims = { send: ["nobody"] };
  const member = await WorkerClient.connect("in15-cat", { channel: "in15-cat", claims });
  const own = await connectAs("in15-cat", "d", claims);
  for (const client of [member, own]) client.send({ type: "signal", user: "in15-dan", event: "x", ref: 1 });
  await until(() => member.ofType("error").length === 1 && own.ofType("error").length === 1);
  expect([member, own].map((client) => client.ofType("error")[0]?.code)).toEqual(["forbidden", "forbidden"]);
  await close(member, own);
});

test("[IN16] while one signal is on its way to a user, of those that follow the last of each event is kept", async () => {
  const ann = await connectAs("in16-ann");
  const ben = await connectAs("in16-ben");
  const { signal } = UserObject.prototype;
  const together = vi.spyOn(UserObject.prototype, "signalTogether");
  let calls = 0;
  vi.spyOn(UserObject.prototype, "signal").mockImplementation(async function (this: UserObject, request) {
    if (++calls === 1) await until(() => ann.ofType("ok").length === 1); // all of them were said meanwhile
    return signal.call(this, request);
  });
  for (let i = 0; i < 20; i++) ann.send({ type: "signal", user: "in16-ben", event: "cursor", data: i });
  ann.send({ type: "signal", user: "in16-ben", event: "typing", data: "typing" });
  ann.send({ type: "heartbeat", ref: 1 });
  await until(() => heard(ben).length === 3);
  expect(heard(ben)).toEqual([0, 19, "typing"]);
  expect(together).toHaveBeenCalledOnce(); // what waited left as one call
  ann.send({ type: "signal", user: "in16-ben", event: "cursor", data: "later" });
  await until(() => heard(ben).length === 4);
  expect(calls).toBe(2);
  await close(ann, ben);
});

test("[IN16] of several signals in one array the last of each event and target is kept, answers apart", async () => {
  const [ann, ben] = [
    await WorkerClient.connect("in16-eve", { channel: "in16" }),
    await WorkerClient.connect("in16-fay", { channel: "in16" }),
  ];
  ann.send([
    { type: "signal", event: "cursor", data: 1 },
    { type: "signal", event: "typing", data: "t" },
    { type: "publish", data: "between" },
    { type: "signal", event: "cursor", data: 2 },
    { type: "signal", event: "cursor", data: "answered", ref: 1 },
    { type: "signal", event: "cursor", data: 3 },
  ]);
  await until(() => heard(ben).length === 3);
  expect(heard(ben)).toEqual(["t", "answered", 3]);
  await until(() => ann.ofType("ok").some(({ ref }) => ref === 1));
  await close(ann, ben);
});

test("[IN15] a direct message, an ack and a signal to a user have their place", async () => {
  const member = await WorkerClient.connect("in15-gil", { channel: "in15-gil" });
  member.send({ type: "send", user: "in15-ben", data: 1, ref: 1 });
  member.send({ type: "ack", seq: 1, ref: 2 });
  await until(() => member.ofType("error").length === 2);
  expect(member.ofType("error").map(({ code }) => code)).toEqual(["bad_request", "bad_request"]);
  await close(member);
});
