import { describe, expect, it } from "vitest";
import { authenticate } from "../../src/auth/principal.ts";
import { signTicket } from "../../src/auth/ticket.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import { goodClaims, NOW, NOW_MS, settings, tokenOf } from "../fixtures/odd-tokens.ts";

const KEY = "back-end-secret-0123456789";
const DOTTED = "back.end.secret-0123456789";
const ours = settings({ API_KEYS: `backend=${KEY},dotted=${DOTTED}` });
const withQuery = settings({ ALLOW_QUERY_TOKEN: "true" });

const token = tokenOf();
const eve = tokenOf({ claims: { sub: "eve" } });
const old = tokenOf({ claims: { exp: NOW - 100 } });
const asAnn = expect.objectContaining({ kind: "user", user: "ann" });
const refused = (code: string) => expect.objectContaining({ code });

function sent({ headers = [], query = "" }: { headers?: [string, string][]; query?: string }, how = ours) {
  const request = new Request(`https://rollcall.example/v1/connect${query}`, { headers });
  return authenticate(request, how, NOW_MS);
}
async function ticketOf() {
  const made = await signTicket(goodClaims, 30, ours, NOW_MS);
  if (isRefusal(made)) throw new Error(made.message);
  return made;
}
const authorized = (value: string, how = ours) => sent({ headers: [["Authorization", value]] }, how);
const offering = (value: string) => sent({ headers: [["Sec-WebSocket-Protocol", value]] });

describe("Authorization", () => {
  it("[AU6] a user is who the token says, with its claims", async () => {
    const claims = { sub: "ann", iat: NOW, exp: NOW + 600 };
    expect(await authorized(`Bearer ${token}`)).toEqual({ kind: "user", user: "ann", claims });
    expect(await authorized(`bEARER   ${token}`)).toEqual(asAnn);
  });

  it("[AU6] a back end is its key, also one with two dots", async () => {
    expect(await authorized(`Bearer ${KEY}`)).toMatchObject({ kind: "key", key: { name: "backend" } });
    expect(await authorized(`Bearer ${DOTTED}`)).toMatchObject({ kind: "key", key: { name: "dotted" } });
  });

  it.each([
    "",
    "Bearer",
    "Bearer ",
    `Bearer${token}`,
    `Bearer\t${token}`,
    `Basic ${btoa(`user:${KEY}`)}`,
    `Token ${KEY}`,
    token,
    KEY,
    `Bearer ${KEY} `.concat("x"),
    `Bearer Bearer ${token}`,
    `Bearer "${KEY}"`,
    `Bearer token=${token.replaceAll(".", "")}`,
    "Bearer wrong-secret-0123456789",
    "Bearer \xff\xfe",
    "Bearer a.b",
    "Bearer a.b.c.d",
  ])("[AU7] answers unauthenticated to the header %#", async (header) => {
    expect(await authorized(header)).toEqual(refused("unauthenticated"));
  });

  it("[A20] answers unauthenticated to two Authorization headers, good as each may be", async () => {
    for (const [one, other] of [
      [KEY, KEY],
      [token, token],
      [KEY, token],
      [token, KEY],
    ]) {
      const headers: [string, string][] = [
        ["Authorization", `Bearer ${one}`],
        ["Authorization", `Bearer ${other}`],
      ];
      expect(await sent({ headers })).toEqual(refused("unauthenticated"));
      expect(await authorized(`Bearer ${one},${other}`)).toEqual(refused("unauthenticated"));
    }
  });

  it("[AU7] a bad or an expired token is told apart from none", async () => {
    expect(await authorized("Bearer a.b.c")).toEqual(refused("token_invalid"));
    expect(await authorized(`Bearer ${old}`)).toEqual(refused("token_expired"));
  });
});

describe("subprotocols", () => {
  it("[AU6] a browser's socket presents the pair presence.v1, bearer.<token>", async () => {
    expect(await offering(`presence.v1, bearer.${token}`)).toEqual(asAnn);
    expect(await offering(`bearer.${token},other,presence.v1`)).toEqual(asAnn);
  });

  it.each([
    `bearer.${token}`,
    `presence.v2, bearer.${token}`,
    `presence.v1, bearer.${token}, bearer.${eve}`,
    `presence.v1, BEARER.${token}`,
    `presence.v1, ${token}`,
    "presence.v1",
    "",
  ])("[AU7] answers unauthenticated to other offers (case %#)", async (offer) => {
    expect(await offering(offer)).toEqual(refused("unauthenticated"));
  });

  it("[AU6] an API key is no subprotocol and no query parameter", async () => {
    expect(await offering(`presence.v1, bearer.${KEY}`)).toEqual(refused("token_invalid"));
    const how = settings({ API_KEYS: `backend=${KEY}`, ALLOW_QUERY_TOKEN: "true" });
    expect(await sent({ query: `?token=${KEY}` }, how)).toEqual(refused("token_invalid"));
  });

  it("[AU7] answers token_invalid to an empty bearer", async () => {
    expect(await offering("presence.v1, bearer.")).toEqual(refused("token_invalid"));
  });
});

describe("query", () => {
  it("[AU6] a token in the query counts only where ALLOW_QUERY_TOKEN is on", async () => {
    expect(await sent({ query: `?token=${token}` })).toEqual(refused("unauthenticated"));
    expect(await sent({ query: `?token=${token}` }, withQuery)).toEqual(asAnn);
  });

  it("[AU7] refuses two tokens in the query, and an empty one", async () => {
    const twice = `?token=${token}&token=${token}`;
    expect(await sent({ query: twice }, withQuery)).toEqual(refused("unauthenticated"));
    expect(await sent({ query: "?token=" }, withQuery)).toEqual(refused("token_invalid"));
  });

  it("[AU6] [TK4] a ticket in the query is a user with claims, and the ticket to use up", async () => {
    const { ticket, expiresAt } = await ticketOf();
    const presented = { id: expect.stringMatching(/^[\w-]{22}$/), expiresAt };
    expect(await sent({ query: `?ticket=${ticket}` })).toEqual({
      kind: "user",
      user: "ann",
      claims: goodClaims,
      ticket: presented,
    });
  });

  it("[AU7] [A22] refuses a ticket anywhere else, two tickets, and an empty one", async () => {
    const { ticket } = await ticketOf();
    expect(await authorized(`Bearer ${ticket}`)).toEqual(refused("unauthenticated"));
    expect(await offering(`presence.v1, bearer.${ticket}`)).toEqual(refused("token_invalid"));
    expect(await sent({ query: `?token=${ticket}` }, withQuery)).toEqual(refused("token_invalid"));
    expect(await sent({ query: `?ticket=${ticket}&ticket=${ticket}` })).toEqual(refused("unauthenticated"));
    expect(await sent({ query: "?ticket=" })).toEqual(refused("token_invalid"));
    expect(await sent({ query: `?ticket=${token}` })).toEqual(refused("token_invalid"));
  });
});

describe("order", () => {
  it("[AU6] the first way that is present decides, also when it fails", async () => {
    const bearer = (value: string): [string, string] => ["Authorization", `Bearer ${value}`];
    const pair = (value: string): [string, string] => [
      "Sec-WebSocket-Protocol",
      `presence.v1, bearer.${value}`,
    ];
    const query = `?ticket=x&token=${token}`;
    expect(await sent({ headers: [bearer(token), pair(eve)], query }, withQuery)).toEqual(asAnn);
    expect(await sent({ headers: [bearer(old), pair(token)], query }, withQuery)).toEqual(
      refused("token_expired"),
    );
    expect(await sent({ headers: [pair(old)], query }, withQuery)).toEqual(refused("token_expired"));
    expect(await sent({ query }, withQuery)).toEqual(refused("token_invalid"));
    const empty: [string, string] = ["Authorization", ""];
    expect(await sent({ headers: [empty], query: `?token=${token}` }, withQuery)).toEqual(
      refused("unauthenticated"),
    );
    const plain: [string, string] = ["Sec-WebSocket-Protocol", "presence.v1"];
    expect(await sent({ headers: [plain], query: `?token=${token}` }, withQuery)).toEqual(asAnn);
  });

  it("[AU7] nothing presented is unauthenticated", async () => {
    expect(await sent({})).toEqual(refused("unauthenticated"));
    expect(await sent({ query: "?Token=x&access_token=y" }, withQuery)).toEqual(refused("unauthenticated"));
  });
});

it("[A23] [AU19] no refusal holds what was presented", async () => {
  const canary = "canary-0123456789";
  const answers = [
    await authorized(canary),
    await authorized(`Basic ${canary}`),
    await authorized(`Bearer ${canary}`),
    await authorized(`Bearer ${canary}.${canary}.${canary}`),
    await authorized(`Bearer ${canary}, Bearer ${canary}`),
    await offering(`bearer.${canary}`),
    await offering(`presence.v1, bearer.${canary}`),
    await sent({ query: `?ticket=${canary}` }),
    await sent({ query: `?token=${canary}` }),
    await sent({ query: `?token=${canary}` }, withQuery),
    await sent({ query: `?token=${canary}&token=${canary}` }, withQuery),
  ];
  for (const answer of answers) {
    expect(answer).toHaveProperty("code");
    expect(JSON.stringify(answer)).not.toContain(canary);
  }
});
