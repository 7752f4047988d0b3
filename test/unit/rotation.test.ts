import { describe, expect, it } from "vitest";
import { findKey } from "../../src/auth/api-key.ts";
import { signDevelopmentToken } from "../../src/auth/development-token.ts";
import { openTicket, signTicket } from "../../src/auth/ticket.ts";
import { verifyToken } from "../../src/auth/token.ts";
import { settingsOf } from "../../src/config.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import { goodClaims, NOW_MS, SECRET, settings, tokenOf } from "../fixtures/odd-tokens.ts";

const NEXT = "the next secret of the tests, longer than 32 characters";
const before = settings();
const both = settings({ JWT_SECRET: NEXT, JWT_SECRET_PREVIOUS: SECRET });
const after = settings({ JWT_SECRET: NEXT });
const invalid = expect.objectContaining({ code: "token_invalid" });
const verify = (token: string, how = both) => verifyToken(token, how, NOW_MS);

async function ticketOf(how = before): Promise<string> {
  const made = await signTicket(goodClaims, 30, how, NOW_MS);
  if (isRefusal(made)) throw new Error(made.message);
  return made.ticket;
}

describe("JWT_SECRET and JWT_SECRET_PREVIOUS", () => {
  it("[DP2] both verify tokens, and neither once it is taken away", async () => {
    const [old, next] = [tokenOf(), tokenOf({ secret: NEXT })];
    expect([await verify(old), await verify(next)]).toEqual([goodClaims, goodClaims]);
    expect([await verify(old, before), await verify(next, before)]).toEqual([goodClaims, invalid]);
    expect([await verify(old, after), await verify(next, after)]).toEqual([invalid, goodClaims]);
    expect(await verify(tokenOf({ secret: `${SECRET}!` }))).toEqual(invalid);
  });

  it("[DP2] the first alone signs, and a token of it is good without the other", async () => {
    const made = await signDevelopmentToken("ann", {}, both, NOW_MS);
    expect(await verify(String(made), after)).toMatchObject({ sub: "ann" });
    expect(await verify(String(made), before)).toEqual(invalid);
  });

  it("[DP2] tickets that are out stay good, and new ones are signed with the first", async () => {
    const open = (ticket: string, how = both) => openTicket(ticket, how, NOW_MS);
    const [old, next] = [await ticketOf(before), await ticketOf(both)];
    expect(await open(old)).toMatchObject({ claims: goodClaims });
    expect(await open(old, after)).toEqual(invalid);
    expect(await open(next, after)).toMatchObject({ claims: goodClaims });
    expect(await open(next, before)).toEqual(invalid);
    const own = settings({ JWT_SECRET: NEXT, JWT_SECRET_PREVIOUS: SECRET, TICKET_SECRET: "t".repeat(32) });
    expect(await open(old, own)).toEqual(invalid); // with a secret of their own tickets know no other
  });

  it("[DP2] the previous one is as long as the other, and stands beside it only", () => {
    expect(() => settings({ JWT_SECRET_PREVIOUS: "short" })).toThrow(/JWT_SECRET_PREVIOUS must have/);
    const alone = { JWKS_URL: "https://id.example.com/keys", JWT_SECRET_PREVIOUS: SECRET };
    expect(() => settingsOf(alone)).toThrow(/JWT_SECRET_PREVIOUS stands beside/);
    expect(settings({ JWT_SECRET_PREVIOUS: "" }).JWT_SECRET_PREVIOUS).toBeUndefined();
  });
});

it("[DP3] of two API keys with one name both count, each with its own scopes", async () => {
  const API_KEYS = "shop:publish=the-old-key-of-the-shop,shop:publish+read=the-new-key-of-the-shop";
  const how = settings({ API_KEYS });
  expect(await findKey("the-old-key-of-the-shop", how)).toMatchObject({ name: "shop", scopes: ["publish"] });
  expect(await findKey("the-new-key-of-the-shop", how)).toMatchObject({
    name: "shop",
    scopes: ["publish", "read"],
  });
  expect(await findKey("the-other-key-of-the-shop", how)).toBeUndefined();
});
