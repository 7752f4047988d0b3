import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: { OFFLINE_GRACE_SECONDS: "1", RATE_PER_SECOND: "1000", RATE_BURST: "1000" },
  });
});
afterAll(() => service.stop());

async function join(channel: string, user = "ann"): Promise<RawClient> {
  return RawClient.welcomed({ url: service.url, token: await tokenFor(user), channel });
}

async function post(path: string, body: string | Uint8Array<ArrayBuffer>): Promise<Response> {
  return fetch(service.url + path, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body,
  });
}

/** The error that this text is answered with; then the connection must still work. */
async function errorTo(client: RawClient, text: string): Promise<unknown> {
  client.frames.length = 0;
  client.send(text);
  const { code } = await client.next("error");
  expect(await client.ask({ type: "publish", data: "still here" })).toMatchObject({ type: "ok" });
  return code;
}

test("[N1] an empty text frame gets an error and the connection goes on", async () => {
  const ann = await join("n1");
  ann.frames.length = 0;
  ann.socket.send("");
  expect(await ann.next("error")).toMatchObject({ code: "invalid_json" });
  expect(await ann.ask({ type: "heartbeat" })).toMatchObject({ type: "ok" });
});

test("[N2] a binary frame ends the connection with 1003, and nobody else's", async () => {
  const [ann, ben] = [await join("n2"), await join("n2", "ben")];
  ann.socket.send(Buffer.from([1, 2, 3]));
  expect((await ann.closed).code).toBe(1003);
  expect(ann.frames.at(-1)).toMatchObject({ type: "closing", code: 1003, reconnect: false });
  expect(await ben.ask({ type: "publish", data: 1 })).toMatchObject({ type: "ok" });
});

test("[N3] a frame of 64 KiB passes, one byte more ends the connection with 1009", async () => {
  const ann = await join("n3");
  const padded = (bytes: number) => {
    const head = '{"type":"heartbeat","ref":"n3","pad":"';
    return `${head}${"x".repeat(bytes - head.length - 2)}"}`;
  };
  ann.send(padded(65_536));
  expect(await ann.next("ok", ({ ref }) => ref === "n3")).toBeTruthy();
  ann.send(padded(65_537));
  expect((await ann.closed).code).toBe(1009);
});

test("[N3] size is counted in bytes, not in characters", async () => {
  const ann = await join("n3-bytes");
  ann.send(JSON.stringify({ type: "heartbeat", pad: "é".repeat(33_000) }));
  expect((await ann.closed).code).toBe(1009);
});

test("[F25] a frame of 33 MiB releases the session though no close event comes", async () => {
  const [ann, ben] = [await join("f25"), await join("f25", "ben")];
  await ann.next("members");
  ben.socket.send("x".repeat(33 * 1024 * 1024));
  await ann.next(
    "members",
    (frame) => (frame.left as { user: string }[]).some(({ user }) => user === "ben"),
    30_000,
  );
  const answer = await fetch(`${service.url}/v1/users/ben/sessions`, { headers: KEY });
  const { sessions } = (await answer.json()) as { sessions: { channel?: string }[] };
  expect(sessions.filter(({ channel }) => channel === "f25")).toEqual([]);
});

test("[N4] a body that is not UTF-8 is refused, and broken text in a frame is only text", async () => {
  const answer = await post("/v1/channels/n4/messages", new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]));
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: "invalid_json" });
  const ann = await join("n4");
  const frame = Buffer.concat([
    Buffer.from('{"type":"publish","data":"'),
    Buffer.from([0xff]),
    Buffer.from('"}'),
  ]);
  ann.socket.send(frame, { binary: false }); // the runtime replaces it by U+FFFD; RFC 6455 would have 1007
  expect((await ann.next("message")).data).toBe("\ufffd");
});

test("[N5] frames that break the protocol close with 1002, fragments are put together", async () => {
  const ann = await join("n5");
  ann.socket.send('{"type":"heart', { fin: false });
  ann.socket.ping();
  ann.socket.send('beat","ref":"n5"}', { fin: true });
  await ann.next("ok", ({ ref }) => ref === "n5");
  const raw = (ann.socket as unknown as { _socket: { write(bytes: Buffer): void } })._socket;
  raw.write(Buffer.from([0x83, 0x80, 0, 0, 0, 0])); // opcode 3 is reserved
  expect([1002, 1006]).toContain((await ann.closed).code);
});

test.each([
  "{",
  "[]",
  "null",
  "1",
  '"x"',
  "NaN",
  '\ufeff{"type":"heartbeat"}',
  "[null]",
  "{}",
  '{"type":"nonsense"}',
])("[N6] %j gets a typed error and the connection goes on", async (text) => {
  const ann = await join("n6");
  expect(await errorTo(ann, text)).toMatch(/^(invalid_json|bad_request)$/);
});

test("[N7] nesting of 100,000 is refused before it is parsed, in frames and bodies", async () => {
  const ann = await join("n7");
  expect(await errorTo(ann, `{"type":"publish","data":${"[".repeat(30_000)}${"]".repeat(30_000)}}`)).toBe(
    "invalid_json",
  );
  const answer = await post(
    "/v1/channels/n7/messages",
    `{"data":${"[".repeat(100_000)}${"]".repeat(100_000)}}`,
  );
  expect(answer.status).toBe(400);
  expect(await answer.json()).toMatchObject({ code: "invalid_json" });
});

test("[N8] a batch of more than 100 messages and a body over the limit are refused whole", async () => {
  const ann = await join("n8");
  expect(
    await errorTo(ann, `[${'{"type":"publish","data":1},'.repeat(100)}{"type":"publish","data":1}]`),
  ).toBe("bad_request");
  const answer = await post("/v1/channels/n8/messages", JSON.stringify({ data: "x".repeat(300_000) }));
  expect(answer.status).toBe(413);
  const tooMuchData = await post("/v1/channels/n8/messages", JSON.stringify({ data: "x".repeat(40_000) }));
  expect(await tooMuchData.json()).toMatchObject({ status: 413, code: "too_large" });
});

test("[N10] __proto__ and constructor are ordinary keys of data and no ids", async () => {
  const ann = await join("n10");
  ann.send(
    '{"type":"publish","data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}}',
  );
  const message = await ann.next("message");
  expect(JSON.stringify(message.data)).toBe(
    '{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  );
  const answer = await fetch(`${service.url}/v1/channels/n10/messages`, { headers: KEY });
  expect(await answer.text()).toContain(
    '"data":{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}',
  );
  const presence = await fetch(`${service.url}/v1/users/__proto__/presence`, { headers: KEY });
  expect(await presence.json()).toEqual({
    user: "__proto__",
    status: "offline",
    lastActiveAt: null,
    devices: [],
  });
});

test("[N12] a wrong type is an error that names the field, an unknown field is ignored", async () => {
  const ann = await join("n12");
  const wrong = await ann.ask({ type: "publish", data: 1, event: 5 });
  expect(wrong).toMatchObject({ type: "error", code: "bad_request", errors: [{ path: "event" }] });
  expect(await ann.ask({ type: "publish" })).toMatchObject({ type: "error", errors: [{ path: "data" }] });
  expect(await ann.ask({ type: "publish", data: 1, nonsense: true })).toMatchObject({ type: "ok" });
  expect(await ann.ask({ type: "publish", data: 1, channel: "a b" })).toMatchObject({
    code: "invalid_channel",
  });
  const answer = await post("/v1/channels/n12/messages", JSON.stringify({ event: ["x"], data: 1 }));
  expect(await answer.json()).toMatchObject({ code: "bad_request", errors: [{ path: "event" }] });
});

test.each([
  "%C3%A9",
  "e%CC%81",
  "%F0%9F%91%A9%E2%80%8D%F0%9F%9A%80",
  "a%E2%80%AEb",
  "a%E2%80%8Bb",
  "a%0Ab",
  "a%00b",
  "%ED%A0%80",
  "a%2Fb",
  "a b",
])("[N13] [N14] [N15] %s is no name of a user or a channel", async (name) => {
  for (const [path, code] of [
    [`/v1/users/${name}/presence`, "invalid_user"],
    [`/v1/channels/${name}/members`, "invalid_channel"],
  ]) {
    const answer = await fetch(service.url + path, { headers: KEY });
    expect(answer.status).toBe(400);
    expect(await answer.json()).toMatchObject({ code });
  }
});

test("[N15] half a surrogate pair in data comes back as it was sent", async () => {
  const ann = await join("n15");
  ann.send('{"type":"publish","data":"a\\ud800b"}');
  expect((await ann.next("message")).data).toBe("a\ud800b");
  const answer = await fetch(`${service.url}/v1/channels/n15/messages`, { headers: KEY });
  expect(await answer.text()).toContain('"data":"a\\ud800b"');
});

test("[N30] ten bad messages in a row end the connection with 4500 and a reason of at most 123 bytes", async () => {
  const ann = await join("n30");
  for (let i = 0; i < 9; i++) ann.send("bad");
  expect(await ann.ask({ type: "heartbeat" })).toMatchObject({ type: "ok" }); // a good one starts the count anew
  for (let i = 0; i < 10; i++) ann.send("bad");
  const { code, reason } = await ann.closed;
  expect(code).toBe(4500);
  expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(123);
  expect(ann.frames.at(-1)).toMatchObject({ type: "closing", code: 4500, reconnect: false });
});

test("[N30] a close reason of the client of 123 bytes is answered", async () => {
  const ann = await join("n30-client");
  ann.socket.close(4000, "é".repeat(61));
  expect((await ann.closed).code).toBe(4000);
});

test("[LI1] a client that floods is told to wait, then ends with 4003", async () => {
  const slow = await startService({ vars: { RATE_PER_SECOND: "1", RATE_BURST: "5" } });
  try {
    const ann = await RawClient.welcomed({ url: slow.url, token: await tokenFor("ann"), channel: "li1" });
    for (let i = 0; i < 40; i++) ann.send({ type: "heartbeat", ref: i });
    const limited = await ann.next("error");
    expect(limited).toMatchObject({ code: "rate_limited", ref: 5 });
    expect(limited.retryAfterMs).toBeGreaterThan(0);
    expect((await ann.closed).code).toBe(4003);
    expect(ann.frames.at(-1)).toMatchObject({
      type: "closing",
      code: 4003,
      reconnect: true,
      retryAfterMs: 5000,
    });
    // Who comes back at once has not got a new burst; another user has.
    for (const [user, refused] of [
      ["ann", "error"],
      ["ben", "ok"],
    ] as const) {
      const back = await RawClient.welcomed({ url: slow.url, token: await tokenFor(user), channel: "li1" });
      for (let i = 1; i <= 4; i++) back.send({ type: "heartbeat", ref: i });
      expect((await back.next(refused, ({ ref }) => ref === 4)).type).toBe(refused);
    }
  } finally {
    await slow.stop();
  }
});
