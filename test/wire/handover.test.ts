import { afterAll, beforeAll, expect, test } from "vitest";
import { startBareService } from "../fixtures/bare-workerd.ts";
import type { Service } from "../fixtures/process-group.ts";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { tokenFor } from "../fixtures/tokens.ts";

/** Between two visits, and how long one lasts: some end before they are welcomed. */
const LONGEST_PAUSE_MS = 1500;
const LONGEST_VISIT_MS = 2500;

let service: Service;

beforeAll(async () => {
  const vars = { HISTORY_SIZE: "100000", RATE_PER_SECOND: "100000", RATE_BURST: "100000" };
  service = await startBareService({ vars });
});
afterAll(() => service.stop());

const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const pause = (mostMs: number) => new Promise((resolve) => setTimeout(resolve, Math.random() * mostMs));

interface Offset {
  offset: number;
}

interface Position {
  epoch: string;
  offset: number;
}

/** A connection to the channel that goes on from there. */
async function member(user: string, channel: string, at?: Position): Promise<RawClient> {
  const token = await tokenFor(user);
  const query = at === undefined ? {} : { epoch: at.epoch, offset: String(at.offset) };
  return new RawClient({ url: service.url, token, channel, query, answersProbes: true });
}

/** A connection of its own that subscribes from there as soon as it can. */
async function subscriber(user: string, channel: string, at?: Position): Promise<RawClient> {
  const client = new RawClient({ url: service.url, token: await tokenFor(user), answersProbes: true });
  client.socket.on("open", () => client.send({ type: "subscribe", channel, ...at }));
  return client;
}

/** Publishes a few at a time, as fast as they are answered. The last offset once it is told to stop. */
async function publishUntil(
  channel: string,
  isOver: (last: number) => boolean,
  perFrame: number,
): Promise<number> {
  const client = await member("publisher", channel);
  await client.next("welcome");
  for (let last = 0; ; last += perFrame) {
    if (isOver(last)) {
      await client.close();
      return last;
    }
    const frames = run(last + 1, last + perFrame).map((n) => ({ type: "publish", data: n, ref: n }));
    client.send(JSON.stringify(frames));
    await client.next("ok", ({ ref }) => ref === last + perFrame, 60_000);
    client.frames.length = 0;
  }
}

/** What says where a session stands in the channel, and has the first of what it missed. */
const isFirst = ({ type, messages }: RawFrame) =>
  type === "subscribed" || (type === "welcome" && messages !== undefined);

/** Everything that this connection was told of the log, in the order in which it came. */
function toldIn({ frames }: RawClient): number[] {
  return frames.flatMap((frame) => {
    if (isFirst(frame)) return (frame.messages as Offset[]).map(({ offset }) => offset);
    return frame.type === "message" ? [frame.offset as number] : [];
  });
}

/** One client that comes and goes at random, each time from where it was; what is wrong with what it was told. */
async function comeAndGo(user: string, channel: string, open: typeof member, isOver: () => boolean) {
  let at: Position | undefined;
  const wrong: string[] = [];
  let visits = 0;
  const visit = async (leave: (client: RawClient) => Promise<void>) => {
    const client = await open(user, channel, at);
    await leave(client);
    const welcome = client.frames.find(isFirst);
    if (welcome === undefined) return; // it left before
    visits += 1;
    const told = toldIn(client);
    const from = at?.offset ?? (welcome.offset as number);
    const gap = told.findIndex((offset, i) => offset !== from + 1 + i);
    if (gap !== -1) wrong.push(`${user}: ${told[gap]} after ${from + gap}`);
    if (at !== undefined && welcome.recovered !== true)
      wrong.push(`${user}: not recovered from ${at.offset}`);
    at = { epoch: String(welcome.epoch), offset: told.at(-1) ?? from };
  };
  while (!isOver()) {
    await pause(LONGEST_PAUSE_MS);
    await visit(async (client) => {
      await pause(LONGEST_VISIT_MS);
      if (Math.random() < 0.5) client.socket.terminate();
      else client.socket.close();
      await client.closed;
    });
  }
  /** One last visit, until it has this offset. */
  const finish = (top: number) =>
    visit(async (client) => {
      await expect.poll(() => client.frames.some(isFirst), { timeout: 60_000 }).toBe(true);
      const at = () => toldIn(client).at(-1) ?? (client.frames.find(isFirst)?.offset as number);
      await expect.poll(at, { timeout: 60_000 }).toBe(top);
      await client.close();
    });
  return { wrong, finish, visits: () => visits };
}

test("[RC7] from history to live there is no gap and no repeat, however a hundred clients come and go for a minute", async () => {
  const deadline = Date.now() + 60_000;
  const isOver = () => Date.now() > deadline;
  const publisher = publishUntil("handover", isOver, 5);
  const clients = await Promise.all(
    run(1, 100).map((i) => comeAndGo(`visitor-${i}`, "handover", i % 2 === 0 ? member : subscriber, isOver)),
  );
  const top = await publisher;
  await Promise.all(clients.map(({ finish }) => finish(top)));
  const visits = clients.reduce((sum, client) => sum + client.visits(), 0);
  console.log(`${top} messages, ${visits} visits of ${clients.length} clients`);
  expect(clients.flatMap(({ wrong }) => wrong)).toEqual([]);
  expect(top).toBeGreaterThan(100);
  expect(visits).toBeGreaterThan(200);
}, 180_000);

test("[RC8] ten thousand messages are recovered in one reconnect, in order", async () => {
  const top = await publishUntil("long", (last) => last === 10_000, 100);
  expect(top).toBe(10_000);
  const first = await member("reader", "long");
  const { epoch } = await first.next("welcome");
  await first.close();
  const reader = await member("reader", "long", { epoch: String(epoch), offset: 0 });
  reader.startPinging(1000);
  await reader.next("message", ({ offset }) => offset === top, 60_000);
  expect(reader.welcome).toMatchObject({ recovered: true, offset: top });
  expect(toldIn(reader)).toEqual(run(1, top));
  await reader.close();
}, 120_000);
