import { afterAll, beforeAll, expect, test } from "vitest";
import { asyncApiDocument } from "../../src/reference/asyncapi.ts";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { asyncApiChecks } from "../fixtures/document-checks.ts";
import { RawClient, type RawFrame } from "../fixtures/raw-client.ts";
import type { Service } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;

beforeAll(async () => {
  // Short enough that the silent are probed while one waits.
  const vars = { SESSION_TTL_SECONDS: "4", HEARTBEAT_INTERVAL_SECONDS: "1", OFFLINE_GRACE_SECONDS: "0.3" };
  service = await startBareService({ vars });
});
afterAll(() => service.stop());

const document = asyncApiDocument({ isClosed: true });
const check = asyncApiChecks(document);

/** What the document says of what this connection heard: the message that each frame is, or what is wrong. */
function readBy(heard: RawFrame[], asked: Map<unknown, string>): { names: string[]; wrong: string[] } {
  const names: string[] = [];
  const wrong: string[] = [];
  for (const frame of heard) {
    const name = nameOf(frame, asked);
    names.push(name);
    const faults = check(`/components/messages/${name}/payload`, frame);
    wrong.push(...faults.map((fault) => `${name}: ${fault} in ${JSON.stringify(frame)}`));
  }
  return { names, wrong };
}

function nameOf(frame: RawFrame, asked: Map<unknown, string>): string {
  // Without a `ref` only the answers to probes are, which are given by themselves.
  if (frame.type === "ok") return `ok.${frame.ref === undefined ? "heartbeat" : asked.get(frame.ref)}`;
  if (frame.type === "message" && frame.skipped === true) return "skipped";
  return `server.${frame.type}` in document.components.messages ? `server.${frame.type}` : frame.type;
}

test("[OA17] every frame that the service sends is a message of the document, on both kinds of connection", async () => {
  const ann = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ann"),
    query: { device_id: "a" },
    pingEveryMs: 500,
  });
  const ben = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("ben"),
    channel: "lobby",
    pingEveryMs: 500,
  });
  const cid = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("cid"),
    channel: "lobby",
    answersProbes: true,
  });
  const asked = new Map<unknown, string>();
  let refs = 0;
  const ask = async (client: RawClient, frame: { type: string } & Record<string, unknown>, answer = "ok") => {
    const ref = ++refs;
    asked.set(ref, frame.type);
    expect(check(`/components/messages/${frame.type}/payload`, { ...frame, ref })).toEqual([]);
    client.send({ ...frame, ref });
    return client.next(answer, (heard) => heard.ref === ref);
  };

  await ask(ann, { type: "subscribe", channel: "lobby", rewind: 5 }, "subscribed");
  await ask(ann, { type: "watch", users: ["ben", "never-seen"] });
  await ask(ben, { type: "presence", status: "busy", text: "In a meeting" });
  await ann.next("presence", ({ user, status }) => user === "ben" && status === "busy");
  await ask(ben, { type: "publish", data: { text: "hi" } });
  await ask(ann, { type: "publish", channel: "lobby", data: 1, exclude: { device: "a" } });
  await ann.next("message", ({ skipped }) => skipped === true);
  await ask(ann, { type: "history", channel: "lobby", limit: 10, order: "desc" });
  await ask(ben, { type: "members", limit: 1 });
  await ask(ben, { type: "signal", event: "typing.started", data: { in: "lobby" } });
  await cid.next("signal");
  await ask(ann, { type: "send", user: "ann", data: "note to self", key: "note-1" });
  const { seq } = await ann.next("direct");
  ann.send({ type: "ack", seq });
  await ask(ann, { type: "heartbeat", device: { id: "a", type: "desktop" } });
  await ask(ann, { type: "auth", token: await tokenFor("ann") });
  await ask(ben, { type: "subscribe", epoch: "unknown", offset: 0, rewind: 2 }, "subscribed");
  await ask(ann, { type: "unwatch", users: ["ben"] });
  await ask(ann, { type: "unsubscribe", channel: "lobby" });
  await ask(ann, { type: "watch", users: ["ben"] });
  ann.send({ type: "publish", ref: 900, data: 1 });
  await ann.next("error", ({ ref }) => ref === 900);
  for (let i = 0; i < 200; i++) {
    const ref = ++refs;
    asked.set(ref, "signal");
    cid.send({ type: "signal", ref, event: "typing.started" });
  }
  await cid.next("error", ({ code, limit }) => code === "rate_limited" && limit === "connection");
  const body = JSON.stringify({ event: "maintenance", data: 1 });
  await fetch(`${service.url}/v1/broadcast`, { method: "POST", headers: KEY, body });
  for (const client of [ann, ben, cid]) await client.next("broadcast");
  await cid.next("probe");
  await fetch(`${service.url}/v1/users/ben/sessions`, { method: "DELETE", headers: KEY });
  await ben.next("closing");
  await cid.next("members", ({ left }) => (left as { user: string }[]).some(({ user }) => user === "ben"));

  const read = [ann, ben, cid].map(({ frames }) => readBy(frames, asked));
  expect(read.flatMap(({ wrong }) => wrong)).toEqual([]);
  const heard = new Set(read.flatMap(({ names }) => names));
  const said = Object.keys(document.components.messages).filter(
    (name) =>
      name.startsWith("ok.") ||
      name.startsWith("server.") ||
      document.operations["user.said"]?.messages.some(({ $ref }) => $ref.endsWith(`/${name}`)),
  );
  expect(said.filter((name) => !heard.has(name))).toEqual([]);
  await Promise.all([ann.close(), cid.close()]);
});
