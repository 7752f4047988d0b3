import { afterAll, beforeAll, expect, test } from "vitest";
import { InboxAnswer, SentAnswer, Watched } from "../../src/protocol/answers.ts";
import { ChannelSummary, MemberPage, MessagePage, Published, Session } from "../../src/protocol/bodies.ts";
import { Ticket } from "../../src/protocol/claims.ts";
import { OccupiedPage, OnlinePage, Stats } from "../../src/protocol/directory.ts";
import { Cleaned, Health } from "../../src/protocol/maintenance.ts";
import { Presence } from "../../src/protocol/presence.ts";
import { ROUTES } from "../../src/reference/routes.ts";
import { Channel } from "../../src/server/channel.ts";
import { Rollcall, verifyWebhook, type WebhookEvent } from "../../src/server/index.ts";
import { Requests } from "../../src/server/requests.ts";
import { User } from "../../src/server/user.ts";
import { HookServer } from "../fixtures/hook-server.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/** Its other routes are no affair of a program: text for Prometheus, and documents. */
const WITHOUT_METHOD = ["GET /metrics"];

const hook = new HookServer();
const asked: string[] = [];
let service: Service;
let rollcall: Rollcall;

beforeAll(async () => {
  await hook.start();
  service = await startService({
    vars: { WEBHOOK_URL: hook.url, WEBHOOK_SECRET: SECRET, EVENTS: "*", OFFLINE_GRACE_SECONDS: "0.3" },
  });
  rollcall = new Rollcall({
    url: service.url,
    apiKey: KEY.Authorization.replace("Bearer ", ""),
    fetch: (input, init) => {
      asked.push(`${init?.method} ${new URL(String(input)).pathname}`);
      return fetch(input, init);
    },
  });
  for (const methods of FACES) note(methods);
});
afterAll(async () => {
  await service.stop();
  await hook.stop();
});

/** What a back end holds in its hands. */
const FACES = [Requests, Channel, User].map(({ name, prototype }) => ({
  name,
  methods: prototype as unknown as Record<string, (...given: unknown[]) => unknown>,
}));
const called = new Set<string>();

function methodsOf({ methods }: (typeof FACES)[number]): string[] {
  return Object.getOwnPropertyNames(methods).filter((name) => name !== "constructor");
}

/** From now on it is known which were called. */
function note(face: (typeof FACES)[number]): void {
  for (const name of methodsOf(face)) {
    const method = face.methods[name];
    face.methods[name] = function (this: unknown, ...given) {
      called.add(`${face.name}.${name}`);
      return method?.apply(this, given);
    };
  }
}

const connected = async (user: string, channel?: string) =>
  RawClient.welcomed({
    url: service.url,
    token: await tokenFor(user),
    ...(channel === undefined ? {} : { channel }),
  });

test("[PK19] messages: to a channel, a user, many and all, once under a key, read back and forgotten", async () => {
  const ann = await connected("pk-ann");
  const room = await connected("pk-ben", "pk-room");
  const channel = rollcall.channel("pk-room");
  const published = Published.parse(await channel.publish({ n: 1 }, { event: "paid", key: "paid-1" }));
  expect(published).toMatchObject({ channel: "pk-room", offset: 1 });
  expect(await channel.publish({ n: 1 }, { event: "paid", key: "paid-1" })).toEqual({
    ...published,
    duplicate: true,
  });
  await expect(channel.publish({ n: 2 }, { key: "paid-1" })).rejects.toMatchObject({
    ...{ name: "RollcallError", code: "idempotency_mismatch", status: 422 },
  });
  expect(await room.next("message")).toMatchObject({ event: "paid", data: { n: 1 }, offset: 1 });
  await channel.publish(null, { exclude: { user: "pk-ben" } });
  expect(await room.next("message", ({ offset }) => offset === 2)).toMatchObject({ skipped: true });
  await channel.signal("typing", { on: true });
  expect(await room.next("signal")).toMatchObject({ event: "typing", data: { on: true } });
  const page = MessagePage.parse(await channel.history({ after: 0, limit: 1 }));
  expect(page).toMatchObject({ offset: 2, messages: [{ data: { n: 1 } }] });

  const sent = SentAnswer.parse(await rollcall.user("pk-ann").send("hi", { event: "note" }));
  expect(sent).toMatchObject({ seq: 1, delivered: 1 });
  expect(await ann.next("direct")).toMatchObject({ event: "note", data: "hi", id: sent.id });
  const inbox = InboxAnswer.parse(await rollcall.user("pk-ann").inbox());
  expect(inbox).toMatchObject({ latest: 1, messages: [{ seq: 1, data: "hi" }] });
  const results = await rollcall.send({ users: ["pk-ann"], channels: ["pk-room", "no name"] }, "many");
  expect(results).toMatchObject([
    { user: "pk-ann", status: 201, seq: 2 },
    { channel: "pk-room", status: 201, offset: 3 },
    { channel: "no name", status: 400, code: "invalid_channel" },
  ]);
  const { id } = await rollcall.broadcast({ inMinutes: 5 }, { event: "maintenance" });
  const told = { event: "maintenance", data: { inMinutes: 5 }, id };
  for (const client of [ann, room]) expect(await client.next("broadcast")).toMatchObject(told);

  const [first, refused, second] = await rollcall.batch((together) => [
    together.channel("pk-batch").publish(1),
    together.channel("no name").publish(1),
    together.channel("pk-batch").publish(2),
  ]);
  expect(first).toMatchObject({ status: "fulfilled", value: { offset: 1 } });
  expect(refused).toMatchObject({ status: "rejected", reason: { code: "invalid_channel", status: 400 } });
  expect(second).toMatchObject({ status: "fulfilled", value: { offset: 2 } });
  await channel.delete();
  expect(await channel.history()).toMatchObject({ messages: [] });
  expect(await room.next("closing")).toMatchObject({ code: 4000 });
  await ann.close();
});

test("[PK25] answers that are lost, at every first try, publish and send nothing twice", async () => {
  const apiKey = KEY.Authorization.replace("Bearer ", "");
  const tried = new Set<unknown>();
  const losing: typeof fetch = async (input, init) => {
    const answer = await fetch(input, init);
    if (tried.has(init?.body)) return answer;
    tried.add(init?.body);
    throw new TypeError("the connection broke after it was done");
  };
  const unlucky = new Rollcall({ url: service.url, apiKey, fetch: losing });
  const published = await Promise.all(
    Array.from({ length: 20 }, (_, n) => unlucky.channel("pk-lost").publish({ n })),
  );
  expect(published.every(({ duplicate }) => duplicate === true)).toBe(true);
  const { messages } = await rollcall.channel("pk-lost").history();
  const numbers = messages.map(({ data }) => (data as { n: number }).n);
  expect(numbers.sort((a, b) => a - b)).toEqual(Array.from({ length: 20 }, (_, n) => n));
  await unlucky.user("pk-lost").send("once");
  await unlucky.batch((together) => [
    together.user("pk-lost").send("in a batch"),
    together.channel("pk-lost").publish("in a batch"),
  ]);
  expect((await rollcall.user("pk-lost").inbox()).messages.map(({ data }) => data)).toEqual([
    "once",
    "in a batch",
  ]);
  expect(await rollcall.channel("pk-lost").info()).toMatchObject({ offset: 21 });
});

test("[PK20] people: presence, sessions and their ends, watches, tickets, and erasing a user", async () => {
  const ann = rollcall.user("pk-cid");
  const [one, two] = [await connected("pk-cid"), await connected("pk-cid", "pk-here")];
  expect(Presence.parse(await ann.presence())).toMatchObject({ user: "pk-cid", status: "online" });
  expect(await ann.setPresence({ status: "busy", text: "In a call" })).toMatchObject({ status: "busy" });
  const presences = await rollcall.presence(["pk-never", "pk-cid"]);
  expect(presences).toMatchObject([{ status: "offline", lastActiveAt: null }, { text: "In a call" }]);
  await expect
    .poll(async () => OnlinePage.parse(await rollcall.online({ limit: 1000 })).users.map(({ user }) => user))
    .toContain("pk-cid");
  await expect
    .poll(async () => OccupiedPage.parse(await rollcall.channels({ prefix: "pk-here" })).channels)
    .toEqual([{ channel: "pk-here", members: 1 }]);
  expect(ChannelSummary.parse(await rollcall.channel("pk-here").info())).toMatchObject({ members: 1 });
  const members = MemberPage.parse(await rollcall.channel("pk-here").members());
  expect(members).toMatchObject({ count: 1, members: [{ user: "pk-cid", status: "busy" }] });

  expect((await ann.sessions()).map((session) => Session.parse(session).id).sort()).toEqual(
    [one, two].map(({ welcome }) => String(welcome.session)).sort(),
  );
  const id = String(one.welcome.session);
  expect(await ann.session(id)).toMatchObject({ id, user: "pk-cid" });
  await ann.endSession(id);
  expect(await one.next("closing")).toMatchObject({ code: 4502 });
  await ann.endSession(id); // over already
  expect(await ann.session(id)).toBeUndefined();
  await rollcall.channel("pk-here").remove("pk-cid");
  expect(await two.next("closing")).toMatchObject({ code: 4502 });

  const ticket = Ticket.parse(await ann.ticket({ ttlSeconds: 60, channels: { "pk-*": ["subscribe"] } }));
  const query = { ticket: ticket.ticket };
  const guest = await RawClient.welcomed({ url: service.url, query });
  await ann.endSessions();
  expect(await guest.next("closing")).toMatchObject({ code: 4502 });
  const last = await connected("pk-cid");
  await ann.revoke();
  expect(await last.next("closing")).toMatchObject({ code: 4501 });

  const watched = Watched.parse(await ann.watch("pk-dan"));
  expect(watched).toMatchObject({ user: "pk-dan", presence: { status: "offline" } });
  expect(await ann.watching()).toMatchObject([{ user: "pk-dan" }]);
  await expect
    .poll(async () => (await rollcall.user("pk-dan").watchers()).watchers)
    .toEqual([{ user: "pk-cid" }]);
  expect(await ann.watchOn("pk-dan")).toMatchObject({ user: "pk-dan" });
  await ann.unwatch("pk-dan");
  expect(await ann.watchOn("pk-dan")).toBeUndefined();
  expect(await ann.watching()).toEqual([]);
  await ann.erase();
  expect(await ann.presence()).toMatchObject({ status: "offline", lastActiveAt: null });
});

test("[PK21] operation: counts, health, the sweep, and what no webhook took, which is told again when asked", async () => {
  expect(Stats.parse(await rollcall.stats())).toMatchObject({ usersOnline: expect.any(Number) });
  expect(Health.parse(await rollcall.health()).checks).toMatchObject({ object: { ok: true } });
  expect(Cleaned.parse(await rollcall.cleanUp())).toMatchObject({ more: false });
  hook.answer = () => 410;
  await rollcall.channel("pk-gone").publish({ n: 1 });
  const lettersOf = async () => {
    const { letters } = await rollcall.deadLetters({ limit: 1000 });
    return letters.filter(({ data }) => (data as { channel?: string }).channel === "pk-gone");
  };
  await expect.poll(lettersOf, { timeout: 20_000 }).toHaveLength(1);
  const [letter] = await lettersOf();
  hook.answer = () => 204;
  await rollcall.replay(letter?.id ?? "");
  await expect(rollcall.replay("evt_never")).rejects.toMatchObject({ code: "not_found" });
  const heard = async () => (await events()).find((event) => event.isRedriven);
  await expect.poll(heard, { timeout: 20_000 }).toMatchObject({
    ...{ id: letter?.id, type: "message.published", hop: 1 },
    data: { channel: "pk-gone", offset: 1, data: { n: 1 } },
  });
  const event = await heard();
  if (event === undefined) throw new Error("heard a moment ago");
  await rollcall.because(event).channel("pk-because").publish(1);
  const because = async () =>
    (await events()).find(({ type, data }) => type === "message.published" && data.channel === "pk-because");
  await expect.poll(because, { timeout: 20_000 }).toMatchObject({ hop: 2 });
});

/** Whatever the service has really delivered so far, verified and typed. */
function events(): Promise<WebhookEvent[]> {
  return Promise.all(hook.requests.map(({ headers, body }) => verifyWebhook(headers, body, SECRET)));
}

test("[PK22] what the webhook was told of these people is verified, and each type has the data it says", async () => {
  const told = await events();
  expect(new Set(told.map(({ type }) => type))).toEqual(
    new Set([
      ...["session.started", "session.ended", "presence.changed", "channel.occupied", "channel.vacated"],
      ...["member.joined", "member.left", "message.published"],
    ]),
  );
  for (const event of told) {
    if (event.type === "session.ended") expect(event.data.reason).toMatch(/^[a-z]+$/);
    if (event.type === "presence.changed") Presence.parse(event.data);
    if (event.type === "member.joined") expect(event.data.member.user).toMatch(/^pk-/);
    if (event.type === "message.published") expect(event.data.offset).toBeGreaterThan(0);
  }
});

test("[PK23] every method was called here, and every route that a back end may ask has one", () => {
  const uncalled = FACES.flatMap((face) => methodsOf(face).map((name) => `${face.name}.${name}`)).filter(
    (name) => !called.has(name),
  );
  expect(uncalled).toEqual([]);
  const unasked = ROUTES.filter(({ who }) => who.key !== undefined)
    .filter(({ method, path }) => {
      const route = new RegExp(`^${method} ${path.replaceAll(/:\w+/g, "[^/]+")}$`);
      return !asked.some((one) => route.test(one));
    })
    .map(({ method, path }) => `${method} ${path}`);
  expect(unasked).toEqual(WITHOUT_METHOD);
});
