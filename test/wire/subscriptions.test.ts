import { afterAll, beforeAll, expect, test } from "vitest";
import { connect } from "../../src/client/index.ts";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const MANY = 10_000;
const PATIENCE_MS = 60_000;

let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: {
      HISTORY_SIZE: "20000",
      RATE_PER_SECOND: "100000",
      RATE_BURST: "100000",
      OFFLINE_GRACE_SECONDS: "1",
    },
  });
});
afterAll(() => service.stop());

const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

async function publish(channel: string, data: unknown): Promise<number> {
  const answer = await fetch(`${service.url}/v1/channels/${channel}/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ data }),
  });
  return ((await answer.json()) as { offset: number }).offset;
}

async function own(user: string): Promise<RawClient> {
  const token = await tokenFor(user);
  return RawClient.welcomed({ url: service.url, token, pingEveryMs: 1000, answersProbes: true });
}

async function subscribe(client: RawClient, channel: string, more: object = {}): Promise<RawFrame> {
  const ref = Math.random();
  client.send({ type: "subscribe", channel, ref, ...more });
  return client.next("subscribed", (frame) => frame.ref === ref);
}

function heardOf(client: RawClient, channel: string): number[] {
  return client.frames
    .filter((frame) => frame.channel === channel)
    .flatMap((frame) => {
      const told = frame.type === "subscribed" ? frame.messages : frame.type === "message" ? [frame] : [];
      return (told as { offset: number }[]).map(({ offset }) => offset);
    });
}

test("[SU20] ten thousand missed messages come in one return, once and in order, while others publish", async () => {
  const first = await own("su20");
  const { epoch } = await subscribe(first, "su20");
  await first.close();
  const filler = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("filler"),
    channel: "su20",
  });
  for (let i = 0; i < MANY; i += 100) {
    filler.send(JSON.stringify(run(i + 1, i + 100).map((data) => ({ type: "publish", data }))));
  }
  await filler.next("message", ({ offset }) => offset === MANY, PATIENCE_MS);
  await filler.close();
  const second = await own("su20");
  const answer = subscribe(second, "su20", { epoch, offset: 0 });
  const hasAll = second.next("message", ({ offset }) => (offset as number) >= MANY, PATIENCE_MS);
  let isDone = false;
  void hasAll.then(() => {
    isDone = true;
  });
  let last = MANY;
  while (!isDone) last = await publish("su20", "meanwhile");
  expect(await answer).toMatchObject({ recovered: true });
  await second.next("message", ({ offset }) => (offset as number) >= last, PATIENCE_MS);
  expect(heardOf(second, "su20")).toEqual(run(1, last));
  await second.close();
});

test("[SU21] a stream on the user's own address subscribes to the channels that its query names", async () => {
  await publish("su21-a", 1);
  const query = "?channels=su21-a,su21-b";
  const stream = await RawStream.welcomed({ url: service.url, token: await tokenFor("su21"), query });
  for (const channel of ["su21-a", "su21-b"]) {
    const { data } = await stream.next("subscribed", (event) => event.data.channel === channel);
    expect(data).toMatchObject({ recovered: false, messages: [], count: 1 });
  }
  await publish("su21-a", 2);
  await publish("su21-b", 1);
  for (const [channel, offset] of [
    ["su21-a", 2],
    ["su21-b", 1],
  ]) {
    const event = await stream.next("message", ({ data }) => data.channel === channel);
    expect(event).toMatchObject({ id: undefined, data: { offset } });
  }
  stream.close();
});

test("[SU22] the SDK's subscriptions hear one another, leave, and come back where they stood", async () => {
  const [ann, ben] = await Promise.all(
    ["su22-ann", "su22-ben"].map(async (user) => connect({ url: service.url, token: await tokenFor(user) })),
  );
  if (ann === undefined || ben === undefined) throw new Error("nobody");
  const there = new Promise<void>((resolve) => {
    const room = ann.channel("su22");
    room.on("members", () => room.count === 2 && resolve());
  });
  const heard: unknown[] = [];
  const room = ben.channel("su22");
  room.on("message", ({ data }) => heard.push(data));
  await there;
  await ann.channel("su22").publish("one");
  const session = (await (
    await fetch(`${service.url}/v1/users/su22-ben/sessions`, { headers: KEY })
  ).json()) as {
    sessions: { id: string }[];
  };
  expect(session.sessions).toHaveLength(1);
  expect([...room.members.keys()].sort()).toEqual(["su22-ann", "su22-ben"]);
  const left = new Promise<void>((resolve) =>
    ann.channel("su22").on("members", ({ left }) => left.length > 0 && resolve()),
  );
  await room.leave();
  await left;
  await publish("su22", "unheard");
  const again = ben.channel("su22", { rewind: 1 });
  again.on("message", ({ data }) => heard.push(data));
  await new Promise<void>((resolve) => again.on("message", () => resolve()));
  expect(heard).toEqual(["one", "unheard"]);
  for (const connection of [ann, ben]) connection.close();
});
