import * as fc from "fast-check";
import { Webhook } from "standardwebhooks";
import { expect, test } from "vitest";
import { bodyOf, headersOf } from "../../src/events/delivery.ts";
import { EventType } from "../../src/protocol/events.ts";
import { RollcallError, verifyWebhook, type WebhookEvent } from "../../src/server/index.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const OTHER = "whsec_plJ3nmyCDGBKInavdOK15jsl3PTI8Y1u";
const now = 1_795_256_985_618;
const event = {
  ...{ id: "evt_1", type: "channel.occupied", at: now - 5000, hop: 2 },
  data: { channel: "löbby", version: 7 },
};
const body = bodyOf(event);
const headers = headersOf(event, body, [SECRET], now);
const at = (ms = now) => ({ now: ms });

async function codeOf(asked: Promise<unknown>): Promise<string> {
  const error = await asked.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(error instanceof RollcallError)) throw new Error(`no RollcallError: ${String(error)}`);
  return error.code;
}

test("[PK13] what the service delivers is verified and read, from any kind of headers and bytes", async () => {
  const expected = {
    ...{ id: "evt_1", type: "channel.occupied", timestamp: now - 5000, hop: 2, isRedriven: false },
    data: { channel: "löbby", version: 7 },
  };
  const bytes = new TextEncoder().encode(body);
  const odd = new Uint8Array(bytes.length + 3);
  odd.set(bytes, 3);
  for (const given of [body, bytes, bytes.buffer, odd.subarray(3)])
    for (const sent of [headers, new Headers(headers)])
      expect(await verifyWebhook(sent, given, SECRET, at())).toEqual(expected);
  for (const hop of ["0", "-1", "many", "1e9"])
    expect(await verifyWebhook({ ...headers, "Rollcall-Hop": hop }, body, SECRET, at())).toMatchObject({
      hop: 1,
    });
  const redriven = headersOf({ ...event, redriven: true }, body, [SECRET], now);
  expect(await verifyWebhook(redriven, body, SECRET, at())).toMatchObject({ isRedriven: true });
});

test("[PK14] while secrets change either side may know several, and what `standardwebhooks` signs counts", async () => {
  const both = headersOf(event, body, [OTHER, SECRET], now);
  expect(both["webhook-signature"]?.split(" ")).toHaveLength(2);
  for (const secret of [SECRET, OTHER, [SECRET], [OTHER, SECRET], `${OTHER} ${SECRET}`])
    expect(await verifyWebhook(both, body, secret, at())).toMatchObject({ id: "evt_1" });
  expect(await verifyWebhook(headers, body, [OTHER, SECRET], at())).toMatchObject({ id: "evt_1" });
  const seconds = String(Math.floor(now / 1000));
  const signature = new Webhook(SECRET).sign("msg_1", new Date(now), body);
  const sent = {
    ...{ "webhook-id": "msg_1", "webhook-timestamp": seconds },
    "webhook-signature": `v1a,public ${signature}`, // of another kind, which is none of ours
  };
  expect(await verifyWebhook(sent, body, SECRET, at())).toMatchObject({ id: "msg_1", hop: 1 });
});

test("[PK14] of any delivery, whole or damaged, it says what `standardwebhooks` says", async () => {
  const delivery = fc.record({
    id: fc.stringMatching(/^[\w-]{1,40}$/),
    data: fc.dictionary(fc.string(), fc.jsonValue()),
    secret: fc
      .uint8Array({ minLength: 24, maxLength: 64 })
      .map((bytes) => `whsec_${Buffer.from(bytes).toString("base64")}`),
    damage: fc.constantFrom("none", "id", "body", "signature"),
    byte: fc.nat(),
  });
  await fc.assert(
    fc.asyncProperty(delivery, async ({ id, data, secret, damage, byte }) => {
      const text = JSON.stringify({ type: "x", timestamp: 1, data });
      const whole = new Webhook(secret).sign(id, new Date(), text);
      const place = 3 + (byte % 42); // of its 43 characters: of the last one two bits count for nothing
      const other = whole[place] === "A" ? "B" : "A";
      const sent = {
        "webhook-id": damage === "id" ? `${id}x` : id,
        "webhook-timestamp": String(Math.floor(Date.now() / 1000)),
        "webhook-signature":
          damage === "signature" ? whole.slice(0, place) + other + whole.slice(place + 1) : whole,
      };
      const given = damage === "body" ? `${text} ` : text;
      const theirs = () => new Webhook(secret).verify(given, sent);
      if (damage === "none") {
        expect(await verifyWebhook(sent, given, secret)).toMatchObject({ ...(theirs() as object), id });
      } else {
        expect(theirs).toThrow();
        expect(await codeOf(verifyWebhook(sent, given, secret))).toBe("webhook_forged");
      }
    }),
  );
});

test("[PK15] what is not signed by the secret, in every part of it, is `webhook_forged`", async () => {
  const wrong = async (changed: Record<string, string>, text = body, secret: string | string[] = SECRET) =>
    codeOf(verifyWebhook({ ...headers, ...changed }, text, secret, at()));
  const seconds = Number(headers["webhook-timestamp"]);
  const signature = headers["webhook-signature"] ?? "";
  expect(await wrong({}, body.replace("7", "8"))).toBe("webhook_forged");
  expect(await wrong({}, `${body} `)).toBe("webhook_forged");
  expect(await wrong({ "webhook-id": "evt_2" })).toBe("webhook_forged");
  expect(await wrong({ "webhook-timestamp": String(seconds + 1) })).toBe("webhook_forged");
  expect(await wrong({}, body, OTHER)).toBe("webhook_forged");
  for (const forged of [
    "v1,",
    "v1,AAAA",
    "v1,%%",
    "v2,x",
    signature.replace("v1,", "v2,"),
    signature.slice(0, -4),
  ])
    expect(await wrong({ "webhook-signature": forged })).toBe("webhook_forged");
});

test("[PK16] a delivery of more than five minutes ago, or ahead, is `webhook_expired`", async () => {
  const when = (ms: number, options = {}) => verifyWebhook(headers, body, SECRET, { now: ms, ...options });
  const sent = Math.floor(now / 1000) * 1000;
  for (const edge of [-300_000, 300_000]) expect(await when(sent + edge)).toMatchObject({ id: "evt_1" });
  for (const beyond of [-301_000, 301_000]) {
    expect(await codeOf(when(sent + beyond))).toBe("webhook_expired");
    expect(await when(sent + beyond, { toleranceSeconds: 302 })).toMatchObject({ id: "evt_1" });
  }
  const really = headersOf(event, body, [SECRET], Date.now());
  expect(await verifyWebhook(really, body, SECRET)).toMatchObject({ id: "evt_1" });
});

test("[PK17] a header that is missing, a body that is no event and a secret that is none say so", async () => {
  for (const name of ["webhook-id", "webhook-timestamp", "webhook-signature"]) {
    const { [name]: _, ...rest } = headers;
    expect(await codeOf(verifyWebhook(rest, body, SECRET, at()))).toBe("webhook_unsigned");
    expect(await codeOf(verifyWebhook({ ...headers, [name]: [] }, body, SECRET, at()))).toBe(
      "webhook_unsigned",
    );
  }
  const timeless = { ...headers, "webhook-timestamp": "soon" };
  expect(await codeOf(verifyWebhook(timeless, body, SECRET, at()))).toBe("webhook_unsigned");
  for (const text of [
    "no json",
    "null",
    '"text"',
    "{}",
    '{"type":"x","timestamp":1}',
    '{"type":1,"timestamp":1,"data":{}}',
  ]) {
    const signed = headersOf(event, text, [SECRET], now);
    expect(await codeOf(verifyWebhook(signed, text, SECRET, at()))).toBe("webhook_unreadable");
  }
  for (const secret of ["", [], "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_%", [SECRET, "x"]])
    expect(await codeOf(verifyWebhook(headers, body, secret, at()))).toBe("webhook_secret");
});

test("[PK18] every type of event has a type of its own in `WebhookEvent`", () => {
  const types = {
    "session.started": true,
    "session.ended": true,
    "presence.changed": true,
    "channel.occupied": true,
    "channel.vacated": true,
    "member.joined": true,
    "member.left": true,
    "message.published": true,
    "direct.expired": true,
  } satisfies Record<WebhookEvent["type"], true>;
  expect(Object.keys(types).sort()).toEqual([...EventType.options].sort());
});
