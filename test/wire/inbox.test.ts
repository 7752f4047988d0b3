import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const vars = { OFFLINE_GRACE_SECONDS: "0.3" };
let service: Service;
let persistTo: string;

beforeAll(async () => {
  persistTo = await mkdtemp(join(tmpdir(), "rollcall-inbox-"));
  service = await startService({ vars, persistTo });
});
afterAll(async () => {
  await service.stop();
  await rm(persistTo, { recursive: true, force: true });
});

async function connect(user: string, device?: string): Promise<RawClient> {
  const query = device === undefined ? {} : { device_id: device };
  return RawClient.welcomed({ url: service.url, token: await tokenFor(user), query });
}

async function send(user: string, body: object): Promise<{ status: number; seq: number; duplicate?: true }> {
  const answer = await fetch(`${service.url}/v1/users/${user}/messages`, {
    method: "POST",
    headers: KEY,
    body: JSON.stringify(body),
  });
  return { status: answer.status, ...((await answer.json()) as { seq: number }) };
}

async function ackOverHttp(user: string, body: object): Promise<number> {
  const headers = { Authorization: `Bearer ${await tokenFor(user)}` };
  const init = { method: "POST", headers, body: JSON.stringify(body) };
  return (await fetch(`${service.url}/v1/users/${user}/inbox/ack`, init)).status;
}

const seqs = ({ frames }: RawClient) =>
  frames.filter(({ type }) => type === "direct").map(({ seq }) => Number(seq));
const until = (client: RawClient, seq: number) => client.next("direct", (frame) => frame.seq === seq);

test("[IN14] a user's stream resumes after Last-Event-ID, and acknowledges over HTTP only", async () => {
  const token = await tokenFor("ada");
  for (const data of ["one\ntwo", "three"]) await send("ada", { data });
  const open = (headers: Record<string, string> = {}) =>
    RawStream.welcomed({ url: service.url, token, query: "?device_id=tv", headers });
  const first = await open();
  const event = await first.next("direct", ({ data }) => data.seq === 2);
  expect(event).toMatchObject({ id: "2", data: { type: "direct", seq: 2, data: "three", event: "message" } });
  expect(first.events.filter(({ type }) => type === "direct").map(({ id }) => id)).toEqual(["1", "2"]);
  await send("ada", { data: "live" });
  expect((await first.next("direct", ({ data }) => data.seq === 3)).id).toBe("3");
  first.close();
  const ids = async (stream: RawStream, last: string) => {
    await stream.next("direct", ({ id }) => id === last);
    stream.close();
    return stream.events.filter(({ type }) => type === "direct").map(({ id }) => id);
  };
  expect(await ids(await open({ "Last-Event-ID": "2" }), "3")).toEqual(["3"]);
  expect(await ids(await open({ "Last-Event-ID": "of nothing" }), "3")).toEqual(["1", "2", "3"]);
  expect(await ackOverHttp("ada", { seq: 2, device: "tv" })).toBe(204);
  const last = await open();
  expect(last.welcome.inbox).toEqual({ latest: 3, acked: 2 });
  expect(await ids(last, "3")).toEqual(["3"]);
});

test("[IN18] [F21] kill -9 under senders with keys: each device sees every message once it is back, by seq", async () => {
  const acknowledged = new Map<string, number>();
  const unknown = new Set<string>();
  let issued = 0;
  const writer = async () => {
    for (;;) {
      const key = `k${issued++}`;
      unknown.add(key);
      try {
        acknowledged.set(key, (await send("bob", { data: key, key })).seq);
        unknown.delete(key);
      } catch {
        return; // killed: whether it was stored is not known
      }
    }
  };
  const phone = await connect("bob", "phone");
  const writers = [writer(), writer(), writer()];
  await until(phone, 20);
  phone.send({ type: "ack", seq: 10 });
  await until(phone, 60);
  await service.kill();
  await Promise.all([...writers, phone.closed]);
  service = await startService({ vars, persistTo });
  for (const key of unknown) {
    const answer = await send("bob", { data: key, key });
    expect([200, 201]).toContain(answer.status);
    acknowledged.set(key, answer.seq);
  }
  expect([...acknowledged.values()].sort((a, b) => a - b)).toEqual(
    Array.from({ length: issued }, (_, i) => i + 1),
  ); // none twice, none lost, no gap
  const back = await connect("bob", "phone");
  expect(back.welcome.inbox).toEqual({ latest: issued, acked: 10 });
  const heard = new Map<number, string>();
  for (let reached = 10; reached < issued; ) {
    const end = Math.min(reached + 100, issued);
    await until(back, end);
    back.send({ type: "ack", seq: end });
    reached = end;
  }
  for (const { type, seq, data } of back.frames) if (type === "direct") heard.set(Number(seq), String(data));
  expect(seqs(back)).toEqual(Array.from({ length: issued - 10 }, (_, i) => i + 11));
  for (const [key, seq] of acknowledged) if (seq > 10) expect(heard.get(seq)).toBe(key);
  await back.close();
});

test("[IN1] [IN15] messages and signals between two users over real sockets", async () => {
  const [ann, ben] = [await connect("ann", "desk"), await connect("ben")];
  expect(await ann.ask({ type: "send", user: "ben", data: { text: "hi" }, event: "chat" })).toMatchObject({
    type: "ok",
    seq: 1,
  });
  expect(await ben.next("direct")).toMatchObject({
    seq: 1,
    event: "chat",
    from: { user: "ann", device: "desk" },
  });
  ben.send({ type: "ack", seq: 1 });
  ben.send({ type: "signal", user: "ann", event: "typing" });
  expect(await ann.next("signal")).toMatchObject({ event: "typing", from: { user: "ben" } });
  await ben.close();
  const back = await connect("ben");
  expect(back.welcome.inbox).toEqual({ latest: 1, acked: 1 });
  await ann.close();
  await back.close();
});
