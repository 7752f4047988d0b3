import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const CLOSED = { channels: { "*": ["subscribe", "publish"] } };

let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: { HISTORY_SIZE: "4000", RATE_PER_SECOND: "100000", RATE_BURST: "100000" },
  });
});
afterAll(() => service.stop());

type Body = Record<string, unknown>;

async function post(channel: string, body: object, headers: Record<string, string> = KEY) {
  const answer = await fetch(`${service.url}/v1/channels/${channel}/messages`, {
    method: "POST",
    headers: { "Content-Type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, body: (await answer.json()) as Body };
}

async function get(path: string): Promise<Body> {
  return (await (await fetch(service.url + path, { headers: KEY })).json()) as Body;
}

async function member(
  user: string,
  channel: string,
  query: Record<string, string> = {},
  claims: object = {},
) {
  const token = await tokenFor(user, { ...claims });
  return RawClient.welcomed({
    url: service.url,
    token,
    channel,
    query,
    pingEveryMs: 2000,
    answersProbes: true,
  });
}

/** Publishes so many, a hundred in a frame. */
async function fill(channel: string, count: number): Promise<void> {
  const client = await member("filler", channel);
  for (let i = 0; i < count; i += 100) {
    const frames = run(i + 1, Math.min(i + 100, count)).map((data) => ({ type: "publish", data }));
    client.send(JSON.stringify(frames));
  }
  await heard(client, count);
  await client.close();
}

function told(client: RawClient): number[] {
  const first = client.welcome.messages as { offset: number }[];
  return [...first, ...client.frames.filter(({ type }) => type === "message")].map(
    ({ offset }) => offset as number,
  );
}

const run = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const heard = (client: RawClient, offset: number) =>
  client.next("message", (frame) => (frame.offset as number) >= offset, 60_000);

describe("a log of 3,000 messages", () => {
  beforeAll(() => fill("deep", 3000), 120_000);

  test("[RC1] recovery comes page by page while a publisher goes on, every message once and in order", async () => {
    const epoch = String((await get("/v1/channels/deep")).epoch);
    let isDone = false;
    const publisher = (async () => {
      let last = 3000;
      while (!isDone) last = (await post("deep", { data: "meanwhile" })).body.offset as number;
      return last;
    })();
    const clients = await Promise.all(
      run(1, 5).map((i) => member(`rc1-${i}`, "deep", { epoch, offset: "0" })),
    );
    for (const client of clients) {
      expect(client.welcome).toMatchObject({ recovered: true });
      expect(client.welcome.messages).toHaveLength(100);
      await heard(client, 3000);
    }
    isDone = true;
    const last = await publisher;
    const stream = await RawStream.welcomed({
      url: service.url,
      token: await tokenFor("rc1-stream"),
      channel: "deep",
      headers: { "Last-Event-ID": `${epoch}:10` },
    });
    for (const client of clients) {
      await heard(client, last);
      expect(told(client)).toEqual(run(1, last));
    }
    await stream.next("message", ({ data: { offset } }) => offset === last);
    const events = stream.events.filter(({ type }) => type === "message");
    expect(events.map(({ id }) => id)).toEqual(run(11, last).map((offset) => `${epoch}:${offset}`));
    stream.close();
    await Promise.all(clients.map((client) => client.close()));
  });

  test("[RC2] rewind gives the newest messages, and needs the grant history", async () => {
    const { offset: top, epoch } = (await get("/v1/channels/deep")) as { offset: number; epoch: string };
    const few = await member("rc2", "deep", { rewind: "3" });
    expect(few.welcome).toMatchObject({ recovered: false, offset: top });
    expect(told(few)).toEqual(run(top - 2, top));
    const many = await member("rc2", "deep", { rewind: "1500" });
    await heard(many, top);
    expect(told(many)).toEqual(run(top - 1499, top));
    const lost = await member("rc2", "deep", { rewind: "2", epoch: "gone", offset: "7" });
    expect(lost.welcome).toMatchObject({ recovered: false });
    expect(told(lost)).toEqual(run(top - 1, top));
    const found = await member("rc2", "deep", { rewind: "2", epoch, offset: String(top - 5) });
    expect(found.welcome).toMatchObject({ recovered: true });
    expect(told(found)).toEqual(run(top - 4, top));
    const none = await member("rc2", "deep", { rewind: "0" });
    expect(told(none)).toEqual([]);
    for (const client of [few, many, lost, found, none]) await client.close();
    const refused = async (query: string, claims: object = {}) => {
      const headers = { Authorization: `Bearer ${await tokenFor("rc2", { ...claims })}` };
      const answer = await fetch(`${service.url}/v1/channels/deep/connect?${query}`, { headers });
      return [answer.status, ((await answer.json()) as Body).code];
    };
    expect(await refused("rewind=1", CLOSED)).toEqual([403, "forbidden"]);
    for (const rewind of ["4001", "-1", "1.5", "x", ""]) {
      expect(await refused(`rewind=${rewind}`)).toEqual([400, "bad_request"]);
    }
  });

  test("[RC3] subscribe on a channel connection answers where it stands, and with what came after an offset", async () => {
    const client = await member("rc3", "deep");
    const { epoch, offset: top } = client.welcome as unknown as { epoch: string; offset: number };
    const ask = (fields: object) => {
      client.send({ type: "subscribe", ref: "check", ...fields });
      return client.next("subscribed");
    };
    expect(await ask({ epoch, offset: top })).toMatchObject({
      ref: "check",
      recovered: true,
      messages: [],
    });
    client.frames.length = 0;
    expect(await ask({ channel: "deep", epoch, offset: top - 150 })).toMatchObject({
      recovered: true,
      offset: top,
    });
    await heard(client, top);
    const first = (client.frames[0]?.messages ?? []) as RawFrame[];
    const rest = client.frames.filter(({ type }) => type === "message");
    expect([...first, ...rest].map(({ offset }) => offset)).toEqual(run(top - 149, top));
    client.frames.length = 0;
    expect(await ask({ epoch: "other", offset: 1, rewind: 2 })).toMatchObject({
      recovered: false,
      messages: [{ offset: top - 1 }, { offset: top }],
    });
    for (const [fields, code] of [
      [{ channel: "other" }, "bad_request"],
      [{ offset: -1, epoch }, "bad_request"],
      [{ rewind: 4001 }, "bad_request"],
    ] as const) {
      expect(await client.ask({ type: "subscribe", ...fields })).toMatchObject({ type: "error", code });
    }
    const narrow = await member("rc3-narrow", "deep", {}, CLOSED);
    expect(await narrow.ask({ type: "subscribe", rewind: 1 })).toMatchObject({ code: "forbidden" });
    await client.close();
    await narrow.close();
  });
});

test("[IK1] a key publishes once, over HTTP and as a frame, on both kinds of connection", async () => {
  const client = await member("ik1", "ik1");
  const own = await RawClient.welcomed({ url: service.url, token: await tokenFor("ik1") });
  const publish = { type: "publish", channel: "ik1", data: 1, key: "k" };
  const first = await client.ask(publish);
  expect(first).toMatchObject({ type: "ok", offset: 1 });
  expect(first).not.toHaveProperty("duplicate");
  for (const connection of [client, own]) {
    expect(await connection.ask(publish)).toMatchObject({
      type: "ok",
      id: first.id,
      offset: 1,
      duplicate: true,
    });
    expect(await connection.ask({ ...publish, data: 2 })).toMatchObject({ code: "idempotency_mismatch" });
  }
  const asUser = { Authorization: `Bearer ${await tokenFor("ik1")}`, "Idempotency-Key": "k" };
  expect(await post("ik1", { data: 1 }, asUser)).toMatchObject({
    status: 200,
    body: { id: first.id, duplicate: true },
  });
  expect(await post("ik1", { data: 1, key: "k" })).toMatchObject({ status: 201, body: { offset: 2 } });
  await client.close();
  await own.close();
});

test("[F8] fifty repeats at once give one message, and the same answer to all", async () => {
  const client = await member("f8", "f8");
  const body = { data: "once", key: "k" };
  const answers = await Promise.all(run(1, 50).map(() => post("f8", body)));
  expect(answers.filter(({ status }) => status === 201)).toHaveLength(1);
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(49);
  expect(new Set(answers.map(({ body }) => body.id)).size).toBe(1);
  expect((await post("f8", { data: "next" })).body.offset).toBe(2);
  await heard(client, 2);
  expect(told(client)).toEqual([1, 2]);
  await client.close();
});

test("[MS8] exclude leaves out a session, a device or a user, whoever publishes", async () => {
  const [phone, desk] = [
    await member("ms8", "ms8", { device_id: "phone" }),
    await member("ms8", "ms8", { device_id: "desk" }),
  ];
  const session = String(phone.welcome.session);
  await phone.ask({ type: "publish", data: 1, exclude: { session } });
  await desk.ask({ type: "publish", data: 2, exclude: { device: "desk" } });
  await post("ms8", { data: 3, exclude: { user: "ms8", device: "phone" } });
  await post("ms8", { data: 4, exclude: { session: String(desk.welcome.session) } });
  await post("ms8", { data: 5, exclude: { user: "ms8" } });
  await post("ms8", { data: 6 });
  const data = (client: RawClient) =>
    client.frames.filter(({ type }) => type === "message").map((frame) => frame.data ?? "skipped");
  for (const client of [phone, desk]) await heard(client, 6);
  expect(data(phone)).toEqual(["skipped", 2, "skipped", 4, "skipped", 6]);
  expect(data(desk)).toEqual([1, "skipped", 3, "skipped", "skipped", 6]);
  expect(await phone.ask({ type: "publish", data: 7, exclude: { user: "ms8" } })).toMatchObject({
    code: "bad_request",
    errors: [{ path: "exclude.user" }],
  });
  expect((await post("ms8", { data: 7, exclude: {} })).body).toMatchObject({ errors: [{ path: "exclude" }] });
  expect((await post("ms8", { data: 7, exclude: { device: "desk" } })).body).toMatchObject({
    errors: [{ path: "exclude.device" }],
  });
  await phone.close();
  await desk.close();
});

test("[MS10] DELETE of a channel needs a key that manages, closes with 4000, and begins a new epoch", async () => {
  const client = await member("ms10", "ms10");
  await post("ms10", { data: 1 });
  const remove = async (authorization: string) =>
    (
      await fetch(`${service.url}/v1/channels/ms10`, {
        method: "DELETE",
        headers: { Authorization: authorization },
      })
    ).status;
  expect(await remove(`Bearer ${await tokenFor("ms10")}`)).toBe(403);
  expect(await remove(KEY.Authorization)).toBe(204);
  expect(await client.next("closing")).toMatchObject({ code: 4000, reconnect: true });
  expect(await get("/v1/channels/ms10")).toMatchObject({ members: 0, epoch: null, offset: 0 });
  const { epoch, offset } = client.welcome as unknown as { epoch: string; offset: number };
  const back = await member("ms10", "ms10", { epoch, offset: String(offset) });
  expect(back.welcome).toMatchObject({ recovered: false, offset: 0, count: 1 });
  expect(back.welcome.epoch).not.toBe(epoch);
  await back.close();
});
