import { createHmac, hkdfSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import { openTicket, signTicket } from "../../src/auth/ticket.ts";
import { verifyToken } from "../../src/auth/token.ts";
import type { Settings } from "../../src/config.ts";
import type { Claims, Ticket } from "../../src/protocol/claims.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import {
  goodClaims,
  NOW,
  NOW_MS,
  SECRET,
  segment,
  settings,
  signed,
  tokenOf,
} from "../fixtures/odd-tokens.ts";

const ours = settings();
const OTHER = "another secret, of more than 32 characters";
const keySetOnly = { JWT_SECRET: "", JWKS_URL: "https://id.example.com/jwks.json" };
const invalid = expect.objectContaining({ code: "token_invalid" });
const expired = expect.objectContaining({ code: "token_expired" });

async function made(claims: Claims = goodClaims, ttlSeconds = 30, how = ours): Promise<Ticket> {
  const ticket = await signTicket(claims, ttlSeconds, how, NOW_MS);
  if (isRefusal(ticket)) throw new Error(ticket.message);
  return ticket;
}
const open = (ticket: string, seconds = 0, how: Settings = ours) =>
  openTicket(ticket, how, NOW_MS + seconds * 1000);

/** A ticket with any payload, signed as the key's derivation is documented, by Node's own functions. */
function forged(payload: unknown, secret = SECRET, version = "tk1"): string {
  const key = Buffer.from(hkdfSync("sha256", secret, "", "rollcall ticket v1", 32));
  const input = `${version}~${segment(payload)}`;
  return `${input}~${createHmac("sha256", key).update(input).digest("base64url")}`;
}
const payload = { id: "i".repeat(22), expiresAt: NOW_MS + 30_000, claims: goodClaims };

describe("a good ticket", () => {
  it("[TK2] gives back the claims that it was made of, all but nbf, and its own id and end", async () => {
    const claims: Claims = {
      ...goodClaims,
      info: { name: "Zoë ☃" },
      channels: { "private:*": ["subscribe"] },
      watch: [],
      send: ["b*"],
    };
    const { ticket, expiresAt } = await made({ ...claims, nbf: NOW - 5 });
    expect(expiresAt).toBe(NOW_MS + 30_000);
    expect(ticket).toMatch(/^[\w~-]+$/);
    const id = expect.stringMatching(/^[\w-]{22}$/);
    expect(await open(ticket)).toEqual({ claims, ticket: { id, expiresAt } });
  });

  it("[TK2] has an id of its own each time, of 128 random bits", async () => {
    const ids = new Set<unknown>();
    for (let i = 0; i < 200; i++) {
      const opened = await open((await made()).ticket);
      if (!isRefusal(opened)) ids.add(opened.ticket.id);
    }
    expect(ids.size).toBe(200);
  });

  it("[TK1] is signed with TICKET_SECRET where that is set, else with JWT_SECRET", async () => {
    const own = settings({ TICKET_SECRET: OTHER });
    const onlyKeySet = settings({ ...keySetOnly, TICKET_SECRET: OTHER });
    const { ticket } = await made(goodClaims, 30, own);
    expect(await open(ticket, 0, own)).toMatchObject({ claims: goodClaims });
    expect(await open(ticket, 0, onlyKeySet)).toMatchObject({ claims: goodClaims });
    expect(await open(ticket)).toEqual(invalid);
    expect(await open((await made()).ticket, 0, own)).toEqual(invalid);
    expect(await open(forged(payload))).toMatchObject({ claims: goodClaims });
    expect(await open(forged(payload, OTHER), 0, own)).toMatchObject({ claims: goodClaims });
  });

  it("[TK1] there is none where nothing can sign one, and the answer says what is missing", async () => {
    const how = settings(keySetOnly);
    const refused = await signTicket(goodClaims, 30, how, NOW_MS);
    expect(refused).toMatchObject({ code: "unavailable", message: expect.stringContaining("TICKET_SECRET") });
    expect(await open((await made()).ticket, 0, how)).toEqual(invalid);
  });
});

describe("an end", () => {
  it("[A22] [TK4] comes at its own time, to the millisecond and without leeway", async () => {
    const { ticket } = await made(goodClaims, 300);
    expect(await open(ticket, 299.999)).toMatchObject({ claims: goodClaims });
    expect(await open(ticket, 300)).toEqual(expired);
  });

  it("[A22] [TK4] comes with that of the token it was made of, after the leeway", async () => {
    const { ticket, expiresAt } = await made({ ...goodClaims, exp: NOW - 20 }, 300);
    expect(expiresAt).toBe(NOW_MS + 10_000);
    expect(await open(ticket, 9.999)).toMatchObject({ claims: { exp: NOW - 20 } });
    expect(await open(ticket, 10)).toEqual(expired);
    const over = forged({ ...payload, claims: { ...goodClaims, exp: NOW - 30 } });
    expect(await open(over)).toEqual(expired);
    const early = forged({ ...payload, claims: { ...goodClaims, iat: NOW + 6 } });
    expect(await open(early)).toEqual(invalid);
  });

  it("[A22] [TK4] of a forged ticket is not even read", async () => {
    expect(await open(forged({ ...payload, expiresAt: 0 }, OTHER))).toEqual(invalid);
  });
});

describe("a forged ticket", () => {
  it("[A22] [TK4] has another secret, claims, end, id, version or signature", async () => {
    const { ticket } = await made();
    const [version, body = "", mac = ""] = ticket.split("~");
    const read = JSON.parse(Buffer.from(body, "base64url").toString());
    const withPayload = (changed: object) => `${version}~${segment({ ...read, ...changed })}~${mac}`;
    const others = [
      forged(payload, OTHER),
      withPayload({ claims: { ...goodClaims, sub: "eve" } }),
      withPayload({ expiresAt: NOW_MS + 300_000 }),
      withPayload({ id: "j".repeat(22) }),
      `tk2~${body}~${mac}`,
      `TK1~${body}~${mac}`,
      `${version}~${body}~${mac.slice(0, -4)}`,
      `${version}~${body}~`,
      `${version}~${body}`,
      `${version}~~${mac}`,
      `${version}.${body}.${mac}`,
    ];
    for (const other of others) expect(await open(other)).toEqual(invalid);
  });

  it("[TK3] [A9] a ticket has one spelling", async () => {
    const { ticket } = await made();
    expect(await open(ticket)).toMatchObject({ claims: goodClaims });
    const last = ticket.charCodeAt(ticket.length - 1);
    const others = [
      `${ticket}=`,
      ` ${ticket}`,
      `${ticket}\n`,
      `${ticket}~`,
      ticket.replace("~", "~="),
      encodeURIComponent(`${ticket} `),
      ticket.slice(0, -1) + String.fromCharCode(last + 1),
      ticket + "A".repeat(16_384),
    ];
    for (const other of others) expect(await open(other)).toEqual(invalid);
  });

  it("[TK4] what we did sign but do not write is refused", async () => {
    expect(await open(forged(payload, SECRET, "tk2"))).toEqual(invalid);
    const odd = [
      { ...payload, id: 5 },
      { ...payload, pad: "x".repeat(16_384) },
      { ...payload, expiresAt: "soon" },
      { ...payload, claims: { ...goodClaims, sub: "a b" } },
      { ...payload, claims: undefined },
      goodClaims,
      "text",
      [],
    ];
    for (const each of odd) expect(await open(forged(each))).toEqual(invalid);
  });
});

describe("domains", () => {
  it("[TK3] a token is no ticket, and a ticket no token", async () => {
    const { ticket } = await made();
    expect(await open(tokenOf())).toEqual(invalid);
    expect(await verifyToken(ticket, ours, NOW_MS)).toEqual(invalid);
    expect(await verifyToken(ticket.replaceAll("~", "."), ours, NOW_MS)).toEqual(invalid);
  });

  it("[TK3] not even with the same secret for both, or with the secret itself as key", async () => {
    const same = settings({ TICKET_SECRET: SECRET });
    const { ticket } = await made(goodClaims, 30, same);
    expect(await verifyToken(ticket, same, NOW_MS)).toEqual(invalid);
    const input = `tk1~${segment(payload)}`;
    const raw = signed(input).replace(`${input}.`, `${input}~`);
    expect(await open(raw, 0, same)).toEqual(invalid);
    const key = Buffer.from(hkdfSync("sha256", SECRET, "", "rollcall ticket v1", 32));
    const head = `${segment({ alg: "HS256" })}.${segment(goodClaims)}`;
    const asToken = `${head}.${createHmac("sha256", key).update(head).digest("base64url")}`;
    expect(await verifyToken(asToken, same, NOW_MS)).toEqual(invalid);
  });
});

it("[TK2] claims that would not fit into a token make no ticket", async () => {
  const bare = JSON.stringify({ ...goodClaims, watch: [""] }).length;
  const patterns = (bytes: number) => ({ ...goodClaims, watch: ["x".repeat(bytes)] });
  expect(await signTicket(patterns(8192 - bare), 30, ours, NOW_MS)).toHaveProperty("ticket");
  expect(await signTicket(patterns(8193 - bare), 30, ours, NOW_MS)).toMatchObject({ code: "too_large" });
});

it("[A23] [AU19] no refusal holds the ticket or a value from it", async () => {
  const canary = "canary-0123456789";
  const wrong = [
    canary,
    `tk1~${canary}~${canary}`,
    forged({ ...payload, claims: { ...goodClaims, sub: `${canary} ` } }),
    forged({ ...payload, id: canary, expiresAt: 0 }),
    forged({ ...payload, claims: { ...goodClaims, sub: canary, exp: 0 } }),
  ];
  for (const ticket of wrong) {
    const text = JSON.stringify(await open(ticket));
    expect(text).toMatch(/^\{"code":"token_(invalid|expired)"/);
    expect(text).not.toContain(canary);
  }
});
