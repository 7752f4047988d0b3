import { describe, expect, it } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import { goodClaims, NOW, NOW_MS, segment, settings, signed, tokenOf } from "../fixtures/odd-tokens.ts";

const ours = settings();
const verify = (token: string, how = ours) => verifyToken(token, how, NOW_MS);
const accepted = expect.objectContaining({ sub: "ann", exp: expect.any(Number) });
const invalid = expect.objectContaining({ code: "token_invalid" });
const expired = expect.objectContaining({ code: "token_expired" });

const withClaims = (claims: Record<string, unknown>) => verify(tokenOf({ claims }));
/** The good claims with one of them in raw JSON, as no serialiser would write it. */
const withRaw = (name: string, json: string) => {
  const { [name as "exp"]: _, ...rest } = goodClaims;
  return verify(tokenOf({ claims: `{${JSON.stringify(rest).slice(1, -1)},"${name}":${json}}` }));
};
const without = (name: keyof typeof goodClaims) => withClaims({ [name]: undefined });

describe("times", () => {
  it("[A6] refuses a token without exp", async () => {
    expect(await without("exp")).toEqual(invalid);
  });

  it.each([
    String((NOW + 600) * 1000),
    `"${NOW + 600}"`,
    "null",
    "1e400",
    "-1e400",
    "-1",
    "true",
    "[]",
    "{}",
  ])("[A6] refuses exp %s", async (json) => {
    expect(await withRaw("exp", json)).toEqual(invalid);
  });

  it.each(["nbf", "iat"])("[A6] refuses a %s that is no finite number of seconds", async (name) => {
    for (const json of ["null", `"${NOW}"`, "1e400", "-1", "false", "[1]", String(NOW_MS)]) {
      expect(await withRaw(name, json)).toEqual(invalid);
    }
  });

  it("[A6] [AU5] answers token_expired from exp plus the leeway on, and not before", async () => {
    expect(await withClaims({ exp: NOW - 29 })).toEqual(accepted);
    expect(await withClaims({ exp: NOW - 30 })).toEqual(expired);
    expect(await withClaims({ exp: 0 })).toEqual(expired);
    const strict = settings({ CLOCK_LEEWAY_SECONDS: "0" });
    expect(await verify(tokenOf({ claims: { exp: NOW } }), strict)).toEqual(expired);
    expect(await verify(tokenOf({ claims: { exp: NOW + 1 } }), strict)).toEqual(accepted);
  });

  it("[A6] [AU5] answers token_expired only where nothing else is wrong", async () => {
    const old = { exp: NOW - 100 };
    expect(await withClaims({ ...old, sub: 5 })).toEqual(invalid);
    expect(await withClaims({ ...old, nbf: NOW + 100 })).toEqual(invalid);
    expect(await withClaims({ ...old, iat: NOW + 6 })).toEqual(invalid);
    expect(await verify(tokenOf({ claims: old, secret: "s".repeat(32) }))).toEqual(invalid);
    expect(await verify(tokenOf({ claims: old }), settings({ JWT_ISSUER: "x" }))).toEqual(invalid);
  });

  it("[A6] refuses an nbf further ahead than the leeway", async () => {
    expect(await withClaims({ nbf: NOW + 30 })).toEqual(accepted);
    expect(await withClaims({ nbf: NOW + 31 })).toEqual(invalid);
  });

  it("[A6] refuses an iat more than 5 s ahead, whatever the leeway", async () => {
    const lenient = settings({ CLOCK_LEEWAY_SECONDS: "600" });
    for (const how of [ours, lenient]) {
      expect(await verify(tokenOf({ claims: { iat: NOW + 5 } }), how)).toEqual(accepted);
      expect(await verify(tokenOf({ claims: { iat: NOW + 5.5 } }), how)).toEqual(invalid);
    }
  });

  it("[A6] refuses an exp further ahead than MAX_TOKEN_LIFETIME_SECONDS and the leeway", async () => {
    expect(await withClaims({ exp: NOW + 86_430 })).toEqual(accepted);
    expect(await withClaims({ exp: NOW + 86_431 })).toEqual(invalid);
    const short = settings({ MAX_TOKEN_LIFETIME_SECONDS: "60", CLOCK_LEEWAY_SECONDS: "0" });
    expect(await verify(tokenOf({ claims: { exp: NOW + 60 } }), short)).toEqual(accepted);
    expect(await verify(tokenOf({ claims: { exp: NOW + 61 } }), short)).toEqual(invalid);
  });
});

describe("parties", () => {
  const bound = settings({ JWT_ISSUER: "https://id.example.com", JWT_AUDIENCE: "rollcall" });
  const parties = (iss: unknown, aud: unknown) => verify(tokenOf({ claims: { iss, aud } }), bound);
  const ISS = "https://id.example.com";

  it("[A7] [AU20] accepts our audience, alone or in an array", async () => {
    expect(await parties(ISS, "rollcall")).toEqual(accepted);
    expect(await parties(ISS, ["other", "rollcall"])).toEqual(accepted);
  });

  it.each([undefined, "", "other", "ROLLCALL", "rollcall ", [], ["other"], [["rollcall"]], 5, null])(
    "[A7] [AU20] refuses aud %j where JWT_AUDIENCE is set",
    async (aud) => {
      expect(await parties(ISS, aud)).toEqual(invalid);
    },
  );

  it.each([undefined, "", "other", `${ISS}/`, "https://ID.example.com", [ISS], 5, null])(
    "[A7] [AU20] refuses iss %j where JWT_ISSUER is set",
    async (iss) => {
      expect(await parties(iss, "rollcall")).toEqual(invalid);
    },
  );
});

describe("claims", () => {
  it.each([
    "5",
    '{"sub":"ann"}',
    '["ann"]',
    '""',
    "null",
    "true",
    `"${"a".repeat(129)}"`,
    '"a b"',
    '"ä"',
    '"a/b"',
  ])("[A8] refuses sub %s", async (json) => {
    expect(await withRaw("sub", json)).toEqual(invalid);
  });

  it("[A8] refuses a token without sub", async () => {
    expect(await without("sub")).toEqual(invalid);
  });

  it("[A8] refuses claims that are no plain object", async () => {
    const inArray = `[${JSON.stringify(goodClaims)}]`;
    for (const claims of [
      inArray,
      "[]",
      "null",
      '"ann"',
      "1",
      "",
      "{",
      `\ufeff${JSON.stringify(goodClaims)}`,
    ]) {
      expect(await verify(tokenOf({ claims }))).toEqual(invalid);
    }
  });

  it("[A8] refuses claims of bytes that are not UTF-8, and JSON that is nested deep", async () => {
    const head = segment({ alg: "HS256" });
    const latin1 = Buffer.from(JSON.stringify({ ...goodClaims, info: { name: "Zoë" } }), "latin1");
    expect(await verify(signed(`${head}.${latin1.toString("base64url")}`))).toEqual(invalid);
    expect(await withRaw("info", `${'{"a":'.repeat(32)}1${"}".repeat(32)}`)).toEqual(invalid);
  });

  it("[A8] claims inherited through __proto__ count for nothing", async () => {
    const claims = `{"exp":${NOW + 600},"__proto__":{"sub":"eve"}}`;
    expect(await verify(tokenOf({ claims }))).toEqual(invalid);
    const both = await withRaw("channels", '{"__proto__":["publish"],"news":["subscribe"]}');
    expect(both).toEqual({ ...goodClaims, channels: { news: ["subscribe"] } });
    expect("publish" in {}).toBe(false);
  });

  it("[AU3] refuses claims of more than 8 KB and tokens of more than 16 KB", async () => {
    const bare = JSON.stringify({ ...goodClaims, pad: "" }).length;
    expect(await withClaims({ pad: "x".repeat(8192 - bare) })).toEqual(accepted);
    expect(await withClaims({ pad: "x".repeat(8193 - bare) })).toEqual(invalid);
    expect(await verify(tokenOf({ header: { pad: "x".repeat(16_384) } }))).toEqual(invalid);
  });

  it("[AU4] refuses channels, watch, send and info of a wrong form", async () => {
    const wrong = [
      { channels: ["news"] },
      { channels: { news: "subscribe" } },
      { channels: { news: ["admin"] } },
      { channels: { "a b": ["subscribe"] } },
      { watch: "*" },
      { watch: ["a b"] },
      { send: [5] },
      { info: [] },
      { info: { name: "x".repeat(2048) } },
    ];
    for (const claims of wrong) expect(await withClaims(claims)).toEqual(invalid);
  });
});
