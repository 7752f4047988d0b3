import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keyPair } from "../fixtures/key-pairs.ts";
import { startKeyServer } from "../fixtures/key-server.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";
import { upgradeStatus } from "../fixtures/upgrade.ts";

const WRITER = "a-secret-for-publishing";
const LIFETIME_SECONDS = 7200;
let service: Service;

beforeAll(async () => {
  service = await startService({
    vars: {
      API_KEYS: `dev=rollcall-local-development-key,writer:publish=${WRITER}`,
      CLOCK_LEEWAY_SECONDS: "0",
      DEFAULT_GRANTS: "closed",
      MAX_TOKEN_LIFETIME_SECONDS: String(LIFETIME_SECONDS),
    },
  });
});
afterAll(() => service.stop());

const now = () => Math.floor(Date.now() / 1000);
const bearer = (credential: string) => ({ Authorization: `Bearer ${credential}` });
const GRANTS = { channels: { "room:*": ["subscribe", "publish"] } };

function ask(
  headers: Record<string, string>,
  body?: unknown,
  query = "",
  { url } = service,
): Promise<Response> {
  const text = body === undefined ? null : JSON.stringify(body);
  return fetch(`${url}/v1/tickets${query}`, { method: "POST", headers, body: text });
}

interface Made {
  ticket: string;
  expiresAt: number;
}

async function made(headers: Record<string, string>, body?: unknown): Promise<Made> {
  const answer = await ask(headers, body);
  if (answer.status !== 200) throw new Error(await answer.text());
  return (await answer.json()) as Made;
}

async function codeOf(answer: Response): Promise<[number, string]> {
  return [answer.status, ((await answer.json()) as { code: string }).code];
}

const annsTicket = async (claims: Record<string, unknown> = GRANTS) =>
  (await made(bearer(await tokenFor("ann", claims)))).ticket;
const upgrade = (ticket: string, channel?: string) =>
  upgradeStatus({ url: service.url, query: { ticket }, ...(channel === undefined ? {} : { channel }) });

describe("once", () => {
  test("[TK4] a ticket connects its user, to the user's own connection and to a channel", async () => {
    const own = await RawClient.welcomed({ url: service.url, query: { ticket: await annsTicket() } });
    expect(own.welcome.user).toBe("ann");
    const ticket = await annsTicket();
    const there = await RawClient.welcomed({ url: service.url, query: { ticket }, channel: "room:1" });
    expect(await there.ask({ type: "publish", data: 1 })).toMatchObject({ type: "ok" });
    expect(await there.ask({ type: "history" })).toMatchObject({ type: "error", code: "forbidden" });
    await Promise.all([own.close(), there.close()]);
  });

  test("[A22] [TK4] a ticket that was used is refused, on both kinds of connection and over HTTP", async () => {
    const ticket = await annsTicket();
    const ann = await RawClient.welcomed({ url: service.url, query: { ticket }, channel: "room:2" });
    expect(await upgrade(ticket, "room:2")).toBe(401);
    expect(await upgrade(ticket)).toBe(401);
    const answer = await fetch(`${service.url}/v1/users/ann/sessions?ticket=${ticket}`);
    expect(await codeOf(answer)).toEqual([401, "token_invalid"]);
    await ann.close();
    expect(await upgrade(ticket)).toBe(401);
  });

  test("[A22] [TK4] of twenty that race with one ticket exactly one connects", async () => {
    const ticket = await annsTicket();
    const race = Array.from({ length: 20 }, (_, i) => upgrade(ticket, i % 2 === 0 ? undefined : "room:3"));
    const statuses = await Promise.all(race);
    expect(statuses.filter((status) => status === 101)).toHaveLength(1);
    expect(statuses.filter((status) => status === 401)).toHaveLength(19);
  });
});

describe("refused in the Worker", () => {
  test("[A22] [TK4] a ticket that is over, by its own time or its token's", async () => {
    const short = await made(bearer(await tokenFor("ann")), { ttlSeconds: 1 });
    expect(short.expiresAt).toBeLessThanOrEqual(Date.now() + 1000);
    const token = await tokenFor("ann", { exp: now() + 2 });
    const ofToken = await made(bearer(token), { ttlSeconds: 300 });
    expect(ofToken.expiresAt).toBeLessThanOrEqual((now() + 2) * 1000);
    const refused = async ({ ticket }: Made) =>
      (await codeOf(await fetch(`${service.url}/v1/connect?ticket=${ticket}`)))[1];
    await expect.poll(() => refused(short), { timeout: 5000 }).toBe("token_expired");
    await expect.poll(() => refused(ofToken), { timeout: 5000 }).toBe("token_expired");
    expect(await upgrade(short.ticket)).toBe(401);
  });

  test("[A22] [TK3] [TK4] a forged ticket, and a token in its place", async () => {
    const ticket = await annsTicket();
    const [version, body = "", mac = ""] = ticket.split("~");
    const read = JSON.parse(Buffer.from(body, "base64url").toString());
    read.claims.sub = "eve";
    const eve = Buffer.from(JSON.stringify(read)).toString("base64url");
    const others = [
      `${version}~${eve}~${mac}`,
      `${version}~${body}~${mac.slice(0, -4)}`,
      await tokenFor("ann"),
      "",
    ];
    for (const other of others) {
      expect(await upgrade(other)).toBe(401);
      const answer = await fetch(`${service.url}/v1/connect?ticket=${other}`);
      expect(await codeOf(answer)).toEqual([401, "token_invalid"]);
    }
  });
});

describe("who gets one", () => {
  test("[TK5] [TK7] a user with a token, for its own claims, and the answer is not stored", async () => {
    const token = await tokenFor("ann", GRANTS);
    const answer = await ask(bearer(token), { ttlSeconds: 300, user: "eve", channels: { "*": ["publish"] } });
    expect(answer.headers.get("Cache-Control")).toBe("no-store");
    const { ticket, expiresAt, ...more } = (await answer.json()) as Made;
    expect(more).toEqual({});
    expect(expiresAt).toBeGreaterThan(Date.now() + 290_000);
    const own = await RawClient.welcomed({ url: service.url, query: { ticket } });
    expect(own.welcome.user).toBe("ann");
    expect(await own.ask({ type: "publish", channel: "news", data: 1 })).toMatchObject({ code: "forbidden" });
    await own.close();
  });

  test("[TK5] for 30 s where nothing is said, with an empty body and with none", async () => {
    const token = await tokenFor("ann");
    for (const body of [undefined, {}]) {
      const { expiresAt } = await made(bearer(token), body);
      expect(Math.abs(expiresAt - Date.now() - 30_000)).toBeLessThan(5000);
    }
  });

  test.each([0, -1, 301, 1.5, "30", null])("[TK5] not for %j seconds", async (ttlSeconds) => {
    for (const headers of [bearer(await tokenFor("ann")), KEY]) {
      const answer = await ask(headers, { ttlSeconds, user: "ann" });
      expect(answer.status).toBe(400);
      expect(await answer.json()).toMatchObject({ code: "bad_request", errors: [{ path: "ttlSeconds" }] });
    }
  });

  test("[TK5] not a user with a ticket, nor anybody without anything", async () => {
    expect(await codeOf(await ask({}, {}, `?ticket=${await annsTicket()}`))).toEqual([403, "forbidden"]);
    expect(await codeOf(await ask({}, {}))).toEqual([401, "unauthenticated"]);
    expect(await codeOf(await ask(bearer(`${await tokenFor("ann")}x`)))).toEqual([401, "token_invalid"]);
  });

  test("[TK6] a key with the scope manage, for any user and what the body says", async () => {
    const info = { name: "Bo" };
    const { ticket } = await made(KEY, { user: "bo", info, ...GRANTS });
    const bo = await RawClient.welcomed({ url: service.url, query: { ticket }, channel: "room:5" });
    expect(bo.welcome.user).toBe("bo");
    expect(Math.abs(Number(bo.welcome.expiresAt) - Date.now() - 3_600_000)).toBeLessThan(10_000);
    const { members } = (await (
      await fetch(`${service.url}/v1/channels/room:5/members`, { headers: KEY })
    ).json()) as { members: unknown[] };
    expect(members).toMatchObject([{ user: "bo", info }]);
    await bo.close();
    expect(await codeOf(await ask(bearer(WRITER), { user: "bo" }))).toEqual([403, "forbidden"]);
  });

  test("[TK6] whose session ends when the body says, at most MAX_TOKEN_LIFETIME_SECONDS from now", async () => {
    const exp = now() + 600;
    const { ticket } = await made(KEY, { user: "bo", exp });
    const bo = await RawClient.welcomed({ url: service.url, query: { ticket } });
    expect(bo.welcome.expiresAt).toBe(exp * 1000);
    await bo.close();
    for (const bad of [now() - 1, now() + LIFETIME_SECONDS + 60, Date.now(), "soon", null]) {
      const answer = await ask(KEY, { user: "bo", exp: bad });
      expect(await answer.json()).toMatchObject({ status: 400, errors: [{ path: "exp" }] });
    }
  });

  test("[TK6] and nobody for what is no user, no claim or no body", async () => {
    expect(await codeOf(await ask(KEY, { user: "a b" }))).toEqual([400, "invalid_user"]);
    expect(await codeOf(await ask(KEY, {}))).toEqual([400, "invalid_user"]);
    expect(await codeOf(await ask(KEY))).toEqual([400, "invalid_json"]);
    for (const wrong of [{ watch: "*" }, { channels: { x: ["fly"] } }, { info: [] }]) {
      expect(await codeOf(await ask(KEY, { user: "bo", ...wrong }))).toEqual([400, "bad_request"]);
    }
  });
});

test("[TK1] with only a key set there are tickets exactly where TICKET_SECRET is set", async () => {
  const pair = keyPair("ES256", "k");
  const issuer = await startKeyServer(pair.jwk);
  const vars = { JWT_SECRET: "", JWKS_URL: issuer.url };
  const [without, withSecret] = await Promise.all([
    startService({ vars }),
    startService({ vars: { ...vars, TICKET_SECRET: "a ticket secret of more than 32 characters" } }),
  ]);
  try {
    const token = pair.token({ iat: now(), exp: now() + 600 });
    for (const headers of [bearer(token), KEY]) {
      const refused = await ask(headers, { user: "ann" }, "", without);
      expect(refused.status).toBe(503);
      expect(await refused.json()).toMatchObject({
        code: "unavailable",
        detail: expect.stringContaining("TICKET_SECRET"),
      });
    }
    const { ticket } = (await (await ask(bearer(token), {}, "", withSecret)).json()) as Made;
    expect(await upgradeStatus({ url: withSecret.url, query: { ticket } })).toBe(101);
    expect(await upgradeStatus({ url: without.url, query: { ticket } })).toBe(401);
  } finally {
    await Promise.all([without.stop(), withSecret.stop(), issuer.stop()]);
  }
});
