import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;

beforeAll(async () => {
  service = await startService({ vars: { OFFLINE_GRACE_SECONDS: "1" } });
});
afterAll(() => service.stop());

async function join(user: string, channel: string, device = "web"): Promise<RawClient> {
  return RawClient.welcomed({ url: service.url, token: await tokenFor(user), channel, device });
}

async function read(path: string): Promise<Record<string, unknown>> {
  const answer = await fetch(service.url + path, { headers: KEY });
  return (await answer.json()) as Record<string, unknown>;
}

const rosterFrames = (client: RawClient) => client.frames.filter(({ type }) => type === "members");
const mentions = (list: "joined" | "left" | "changed", user: string) => (frame: RawFrame) =>
  (frame[list] as { user: string }[]).some((member) => member.user === user);

/** Everything said in the channel before this has arrived: so whatever was going to be announced was. */
async function settled(client: RawClient): Promise<void> {
  const { offset } = await client.ask({ type: "publish", data: "settled" });
  await client.next("message", (frame) => frame.offset === offset);
}

test("[RO1] a member that joins is announced to everybody who is here", async () => {
  const ann = await join("ann", "ro1");
  await join("ben", "ro1", "mobile");
  const frame = await ann.next("members", mentions("joined", "ben"));
  expect(frame).toMatchObject({ channel: "ro1", count: 2, left: [], changed: [] });
  expect(frame.joined).toMatchObject([{ user: "ben", sessions: 1, devices: ["mobile"] }]);
});

test("[RO2] a second tab announces no second join, closing one of two announces nothing", async () => {
  const ann = await join("ann", "ro2");
  const first = await join("ben", "ro2");
  await ann.next("members", mentions("joined", "ben"));
  const second = await join("ben", "ro2");
  expect((await read("/v1/channels/ro2/members")).members).toMatchObject([
    { user: "ann" },
    { user: "ben", sessions: 2 },
  ]);
  await first.close();
  await expect
    .poll(() => read("/v1/channels/ro2/members"), { timeout: 5000 })
    .toMatchObject({ count: 2, sessions: 2 });
  await new Promise((resolve) => setTimeout(resolve, 1500)); // longer than the grace: a leave would have come
  await settled(ann);
  expect(rosterFrames(ann)).toHaveLength(1);
  await second.close();
});

test("[RO3] the end of the last session shows a leave after the grace, and not before", async () => {
  const ann = await join("ann", "ro3");
  const ben = await join("ben", "ro3");
  await ann.next("members", mentions("joined", "ben"));
  const closedAt = Date.now();
  await ben.close();
  const frame = await ann.next("members", mentions("left", "ben"));
  expect(Date.now() - closedAt).toBeGreaterThanOrEqual(990);
  expect(frame).toMatchObject({ count: 1, left: [{ user: "ben" }], joined: [] });
});

test("[RO4] a return within the grace is invisible to members and keeps the time of joining", async () => {
  const ann = await join("ann", "ro4");
  const ben = await join("ben", "ro4");
  const { joined } = await ann.next("members", mentions("joined", "ben"));
  await ben.close();
  await join("ben", "ro4");
  await new Promise((resolve) => setTimeout(resolve, 1500)); // longer than the grace: a leave would have come
  await settled(ann);
  expect(rosterFrames(ann)).toHaveLength(1);
  const { members } = await read("/v1/channels/ro4/members");
  expect(members).toMatchObject([
    { user: "ann" },
    { user: "ben", joinedAt: (joined as { joinedAt: number }[])[0]?.joinedAt },
  ]);
});

test("[RO5] a device of another type is told as a change, not as a join", async () => {
  const ann = await join("ann", "ro5");
  await join("ben", "ro5", "web");
  await ann.next("members", mentions("joined", "ben"));
  await join("ben", "ro5", "mobile");
  const frame = await ann.next("members", mentions("changed", "ben"));
  expect(frame).toMatchObject({
    joined: [],
    left: [],
    changed: [{ user: "ben", devices: ["mobile", "web"] }],
  });
});

test("[PR1] a user is online from the first session's start until the grace after the last one's end", async () => {
  const own = await RawClient.welcomed({ url: service.url, token: await tokenFor("cat"), device: "desktop" });
  const there = await join("cat", "pr1", "mobile");
  expect(await read("/v1/users/cat/presence")).toMatchObject({
    status: "online",
    devices: ["desktop", "mobile"],
  });
  await own.close();
  await expect
    .poll(() => read("/v1/users/cat/presence"), { timeout: 5000 })
    .toMatchObject({ status: "online", devices: ["mobile"] });
  await there.close();
  expect(await read("/v1/users/cat/presence")).toMatchObject({ status: "online" });
  await expect
    .poll(() => read("/v1/users/cat/presence"), { timeout: 5000 })
    .toMatchObject({ status: "offline", devices: [] });
  expect((await read("/v1/users/cat/sessions")).sessions).toEqual([]);
});

test("[PR2] each change that others can see makes the version grow, and a flap makes none", async () => {
  const version = async () => (await read("/v1/users/dan/presence")).version as number;
  const first = await RawClient.welcomed({ url: service.url, token: await tokenFor("dan"), device: "web" });
  const online = await version();
  await first.close();
  const second = await RawClient.welcomed({ url: service.url, token: await tokenFor("dan"), device: "web" });
  await new Promise((resolve) => setTimeout(resolve, 1500)); // longer than the grace
  expect(await version()).toBe(online);
  await second.close();
  await expect
    .poll(() => read("/v1/users/dan/presence"), { timeout: 5000 })
    .toMatchObject({ status: "offline", version: online + 1 });
});

test("[PR3] a user never seen is offline with no version, and others see times to the minute only", async () => {
  expect(await read("/v1/users/nobody/presence")).toEqual({
    user: "nobody",
    status: "offline",
    lastActiveAt: null,
    devices: [],
  });
  await RawClient.welcomed({ url: service.url, token: await tokenFor("eve") });
  const token = await tokenFor("fay");
  const answer = await fetch(`${service.url}/v1/users/eve/presence`, {
    headers: { Authorization: `Bearer ${token}` },
  });
  const { lastActiveAt } = (await answer.json()) as { lastActiveAt: number };
  expect(lastActiveAt % 60_000).toBe(0);
});

test("[MS1] a publish reaches everybody in order, the publisher included, with dense offsets", async () => {
  const ann = await join("ann", "ms1");
  const ben = await join("ben", "ms1");
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => ann.ask({ type: "publish", data: i })),
  );
  expect(answers.map(({ offset }) => offset)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
  for (const client of [ann, ben]) {
    await client.next("message", ({ offset }) => offset === 20);
    const heard = client.frames.filter(({ type }) => type === "message");
    expect(heard.map(({ offset, data }) => [offset, data])).toEqual(
      Array.from({ length: 20 }, (_, i) => [i + 1, i]),
    );
  }
});

test("[MS2] a back end publishes over HTTP, and its message has no sender", async () => {
  const ann = await join("ann", "ms2");
  const answer = await fetch(`${service.url}/v1/channels/ms2/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ event: "order.paid", data: { id: 7 } }),
  });
  expect(answer.status).toBe(201);
  const published = (await answer.json()) as Record<string, unknown>;
  expect(published).toMatchObject({ channel: "ms2", offset: 1 });
  const { type: _, ...message } = await ann.next("message");
  const { id, at } = published;
  expect(message).toEqual({ id, channel: "ms2", offset: 1, event: "order.paid", data: { id: 7 }, at });
  expect((await read("/v1/channels/ms2/messages")).messages).toEqual([message]);
});

test("[MS3] a signal reaches everybody but its sender and is not stored", async () => {
  const ann = await join("ann", "ms3");
  const ben = await join("ben", "ms3");
  await ann.ask({ type: "signal", event: "typing", data: { on: true } });
  const signal = await ben.next("signal");
  expect(signal).toMatchObject({
    event: "typing",
    data: { on: true },
    channel: "ms3",
    from: { user: "ann" },
  });
  await settled(ann);
  expect(ann.frames.some(({ type }) => type === "signal")).toBe(false);
  expect(await read("/v1/channels/ms3")).toMatchObject({ offset: 1 });
});

test("[SE1] the welcome says who, how to stay, and where the session stands", async () => {
  const ann = await join("ann", "se1");
  expect(ann.welcome).toMatchObject({
    user: "ann",
    protocol: 1,
    heartbeat: { intervalSeconds: 25, timeoutSeconds: 60 },
    limits: { maxFrameBytes: 65_536, maxDataBytes: 32_768, ratePerSecond: 50, rateBurst: 100 },
    channel: "se1",
    offset: 0,
    recovered: false,
    messages: [],
    count: 1,
    members: [{ user: "ann", sessions: 1, devices: ["web"] }],
  });
  expect(ann.frames[0]).toBe(ann.welcome);
});

test("[SE2] a user's own connection reaches channels it does not sit in", async () => {
  const ann = await join("ann", "se2");
  const own = await RawClient.welcomed({ url: service.url, token: await tokenFor("ben") });
  expect(await own.ask({ type: "publish", channel: "se2", data: "from afar" })).toMatchObject({
    type: "ok",
    offset: 1,
  });
  expect(await ann.next("message")).toMatchObject({
    data: "from afar",
    from: { user: "ben", session: own.welcome.session },
  });
  expect(await own.ask({ type: "members", channel: "se2" })).toMatchObject({
    count: 1,
    members: [{ user: "ann" }],
  });
  expect(await own.ask({ type: "history", channel: "se2" })).toMatchObject({
    offset: 1,
    messages: [{ data: "from afar" }],
  });
  expect(await own.ask({ type: "publish", data: 1 })).toMatchObject({
    type: "error",
    code: "invalid_channel",
  });
});

test("[SE4] the sessions of a user are listed wherever they are kept", async () => {
  const own = await RawClient.welcomed({ url: service.url, token: await tokenFor("gus"), device: "desktop" });
  const there = await join("gus", "se4", "mobile");
  const { sessions } = await read("/v1/users/gus/sessions");
  expect(sessions).toMatchObject([
    { id: own.welcome.session, user: "gus", device: { type: "desktop" }, transport: "websocket" },
    { id: there.welcome.session, user: "gus", device: { type: "mobile" }, channel: "se4" },
  ]);
  const one = await read(`/v1/users/gus/sessions/${there.welcome.session}`);
  expect(one.channel).toBe("se4");
  expect(await read("/v1/users/gus/sessions/unknown")).toMatchObject({ status: 404, code: "not_found" });
});

test.each([
  ["a clean close", (client: RawClient) => client.socket.close(1000)],
  ["a close with a code of its own", (client: RawClient) => client.socket.close(4001)],
  ["a close without a code", (client: RawClient) => client.socket.close()],
  ["a reset", (client: RawClient) => client.socket.terminate()],
])("[F24] %s releases the session exactly once", async (name, leave) => {
  const channel = `f24-${name.replaceAll(" ", "-")}`;
  const ann = await join("ann", channel);
  const ben = await join("ben", channel);
  await ann.next("members", mentions("joined", "ben"));
  leave(ben);
  const { code } = await ben.closed;
  expect([1000, 4001, 1005, 1006]).toContain(code);
  await ann.next("members", mentions("left", "ben"));
  await settled(ann);
  expect(rosterFrames(ann).filter(mentions("left", "ben"))).toHaveLength(1);
  await expect
    .poll(() => read(`/v1/users/ben/sessions`), { timeout: 5000 })
    .not.toMatchObject({ sessions: [{ channel }] });
});

test("[RO7] a roster can be paged past a user whose id is only digits", async () => {
  await join("1", "ro7");
  await join("2", "ro7");
  const first = await read("/v1/channels/ro7/members?limit=1");
  expect(first).toMatchObject({ members: [{ user: "1" }], cursor: "1" });
  expect(await read(`/v1/channels/ro7/members?limit=1&cursor=${first.cursor}`)).toMatchObject({
    members: [{ user: "2" }],
  });
});

test("[MS3] a signal over HTTP does not return to the user who sent it, one of a back end reaches everybody", async () => {
  const ann = await join("ann", "ms3-http");
  const ben = await join("ben", "ms3-http");
  const signal = async (headers: Record<string, string>, event: string) => {
    const init = {
      method: "POST",
      headers: { ...headers, "Content-Type": "application/json" },
      body: JSON.stringify({ event }),
    };
    expect((await fetch(`${service.url}/v1/channels/ms3-http/signals`, init)).status).toBe(202);
  };
  await signal({ Authorization: `Bearer ${await tokenFor("ann")}` }, "from-ann");
  await signal(KEY, "from-back-end");
  await ben.next("signal", ({ event }) => event === "from-back-end");
  await ann.next("signal", ({ event }) => event === "from-back-end");
  expect(ben.frames.filter(({ type }) => type === "signal")).toHaveLength(2);
  expect(ann.frames.filter(({ type }) => type === "signal")).toHaveLength(1);
});

test("[MS4] pages of the log end early rather than grow beyond a mebibyte, and lead on", async () => {
  const ann = await join("ann", "ms4");
  const data = "x".repeat(30_000);
  for (let i = 0; i < 50; i++) await ann.ask({ type: "publish", data: `${i} ${data}` });
  const seen: number[] = [];
  let pages = 0;
  for (let after = 0; after < 50; pages++) {
    const page = (await read(`/v1/channels/ms4/messages?limit=1000&after=${after}`)) as {
      messages: { offset: number }[];
      offset: number;
    };
    expect(page.offset).toBe(50);
    expect(JSON.stringify(page.messages).length).toBeLessThan(1_100_000);
    seen.push(...page.messages.map(({ offset }) => offset));
    after = seen.at(-1) ?? 50;
  }
  expect(pages).toBe(2);
  expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => i + 1));
  const back = (await read("/v1/channels/ms4/messages?order=desc&limit=3&before=50")) as {
    messages: { offset: number }[];
  };
  expect(back.messages.map(({ offset }) => offset)).toEqual([49, 48, 47]);
});

test("[MS5] what a user connection says to a channel is stored in the order in which it was said", async () => {
  const ann = await join("ann", "ms5");
  const own = await RawClient.welcomed({ url: service.url, token: await tokenFor("ben") });
  own.send(
    JSON.stringify(Array.from({ length: 40 }, (_, i) => ({ type: "publish", channel: "ms5", data: i }))),
  );
  await ann.next("message", ({ offset }) => offset === 40);
  const heard = ann.frames.filter(({ type }) => type === "message");
  expect(heard.map(({ data }) => data)).toEqual(Array.from({ length: 40 }, (_, i) => i));
});
