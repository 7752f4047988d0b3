import { generateKeyPairSync, sign } from "node:crypto";
import { afterEach, describe, expect, it, vi } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
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

describe("signature and header", () => {
  it("[AU1] accepts a token signed with JWT_SECRET and answers its claims alone", async () => {
    const claims = { iss: "someone", aud: "us", code: "x", message: "y", admin: true };
    expect(await withClaims(claims)).toEqual(goodClaims);
  });

  it.each(["none", "None", "nOnE", "NONE", "hs256", "HS256 ", ""])(
    "[A1] refuses alg %j, signed, with an empty signature or without one",
    async (alg) => {
      const token = tokenOf({ header: { alg } });
      const unsigned = token.slice(0, token.lastIndexOf("."));
      for (const each of [token, `${unsigned}.`, unsigned]) expect(await verify(each)).toEqual(invalid);
    },
  );

  it("[A1] refuses two, four and empty segments", async () => {
    const [head, payload, signature] = tokenOf().split(".");
    const twoSegments = `${head}.${payload}`;
    const others = [twoSegments, signed(twoSegments).concat(".e30"), `${head}..${signature}`, "..", "", "."];
    for (const each of [...others, `.${payload}.${signature}`]) expect(await verify(each)).toEqual(invalid);
  });

  it("[A1] refuses a signature of another secret, a shortened one and one for other claims", async () => {
    const token = tokenOf();
    const [head, , signature] = token.split(".");
    const others = [
      tokenOf({ secret: `${SECRET}!` }),
      token.slice(0, -4),
      `${head}.${segment({ ...goodClaims, sub: "eve" })}.${signature}`,
    ];
    for (const each of others) expect(await verify(each)).toEqual(invalid);
  });

  it("[A2] refuses HS256 signed with a public key where only a key set signs, and where a secret does", async () => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const pem = publicKey.export({ type: "spki", format: "pem" }).toString();
    const onlyKeySet = settings({ JWT_SECRET: "", JWKS_URL: "https://id.example.com/jwks.json" });
    expect(await verify(tokenOf({ secret: pem }), onlyKeySet)).toEqual(invalid);
    expect(await verify(tokenOf({ secret: pem }))).toEqual(invalid);
    expect(await verify(tokenOf(), onlyKeySet)).toEqual(invalid);
  });

  it.each(["HS384", "HS512", "RS256", "ES256", "EdDSA", undefined, null, 5, ["HS256"]])(
    "[A3] [AU2] refuses alg %j over a good HS256 signature",
    async (alg) => {
      expect(await verify(tokenOf({ header: { alg } }))).toEqual(invalid);
    },
  );

  it("[A3] [AU2] refuses a good RS256 signature where only a secret is configured", async () => {
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const input = `${segment({ alg: "RS256" })}.${segment(goodClaims)}`;
    const signature = sign("sha256", Buffer.from(input), privateKey).toString("base64url");
    expect(await verify(`${input}.${signature}`)).toEqual(invalid);
  });

  it.each([{ crit: ["exp"] }, { crit: [] }, { crit: ["b64"], b64: false }, { b64: false }, { b64: true }])(
    "[A3] [AU2] refuses the header %j",
    async (header) => {
      expect(await verify(tokenOf({ header }))).toEqual(invalid);
    },
  );

  it("[A3] [AU2] refuses a header that is no JSON object", async () => {
    for (const header of ["[]", "null", '"HS256"', "{", '\ufeff{"alg":"HS256"}', '[{"alg":"HS256"}]']) {
      expect(await verify(signed(`${segment(header)}.${segment(goodClaims)}`))).toEqual(invalid);
    }
  });
});

describe("keys that a header brings along", () => {
  afterEach(() => {
    vi.restoreAllMocks();
  });

  const kids = ["other", "../../key", "' OR 1=1 --", "https://evil.example/k", "k".repeat(4000), 5, null];
  it.each(kids)("[A4] a kid opens nothing and closes nothing (case %#)", async (kid) => {
    expect(await verify(tokenOf({ header: { kid } }))).toEqual(accepted);
    expect(await verify(tokenOf({ header: { kid }, secret: "k".repeat(32) }))).toEqual(invalid);
  });

  it("[A5] [AU2] jku, x5u, jwk and x5c are never followed, and nothing is fetched", async () => {
    const fetched = vi.spyOn(globalThis, "fetch").mockRejectedValue(new Error("no"));
    const theirs = "the key of somebody else, 32 characters";
    const header = {
      jku: "https://evil.example/keys",
      x5u: "https://evil.example/cert",
      jwk: { kty: "oct", k: segment(theirs) },
      x5c: [segment(theirs)],
    };
    expect(await verify(tokenOf({ header, secret: theirs }))).toEqual(invalid);
    expect(await verify(tokenOf({ header }))).toEqual(accepted);
    expect(fetched).not.toHaveBeenCalled();
  });
});

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

describe("parties and kinds", () => {
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

  it("[A7] [AU2] refuses a typ that marks a token for something else", async () => {
    for (const typ of ["ticket+jwt", "secevent+jwt", "webhook", "", 5, null, ["JWT"]]) {
      expect(await verify(tokenOf({ header: { typ } }))).toEqual(invalid);
    }
    for (const typ of ["JWT", "jwt", "application/jwt", undefined]) {
      expect(await verify(tokenOf({ header: { typ } }))).toEqual(accepted);
    }
  });
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

describe("spelling", () => {
  const token = tokenOf();
  const [head = "", payload = "", signature = ""] = token.split(".");
  const spellings: [string, string][] = [
    ["= appended", `${token}=`],
    ["= in the header", `${head}=.${payload}.${signature}`],
    ["= in the claims", `${head}.${payload}=.${signature}`],
    ["a space before", ` ${token}`],
    ["a line feed after", `${token}\n`],
    ["a space inside", `${head}.${payload} .${signature}`],
    ["a fourth segment", `${token}.`],
  ];
  it.each(spellings)("[A9] [AU2] refuses a good token with %s", async (_, spelling) => {
    expect(await verify(token)).toEqual(accepted);
    expect(await verify(spelling)).toEqual(invalid);
  });

  it("[A9] [AU2] refuses every other spelling of the same signature bytes", async () => {
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const bytes = Buffer.from(signature, "base64url");
    const same = [...alphabet]
      .map((last) => signature.slice(0, -1) + last)
      .filter((other) => other !== signature && Buffer.from(other, "base64url").equals(bytes));
    expect(same).toHaveLength(3); // 43 characters hold 258 bits, two more than a signature has
    for (const other of same) expect(await verify(`${head}.${payload}.${other}`)).toEqual(invalid);
  });

  it("[A9] [AU2] refuses signed segments in another spelling", async () => {
    const spelt = [`${head}=`, `${head} `, head.replace(/.$/, "/"), `${head}+`];
    for (const other of spelt) expect(await verify(signed(`${other}.${payload}`))).toEqual(invalid);
    // One byte beyond a multiple of three leaves four unused bits in the last character.
    const json = JSON.stringify(goodClaims);
    const open = segment(json + " ".repeat((4 - (json.length % 3)) % 3));
    const nonCanonical = open.slice(0, -1) + String.fromCharCode(open.charCodeAt(open.length - 1) + 1);
    expect(Buffer.from(nonCanonical, "base64url")).toEqual(Buffer.from(open, "base64url"));
    expect(await verify(signed(`${head}.${open}`))).toEqual(accepted);
    expect(await verify(signed(`${head}.${nonCanonical}`))).toEqual(invalid);
  });
});

describe("what leaves", () => {
  it("[A23] [AU19] no refusal holds the token or a value from it", async () => {
    const canary = "canary-0123456789";
    const bound = settings({ JWT_ISSUER: "issuer", JWT_AUDIENCE: "audience" });
    const parties = { iss: "issuer", aud: "audience" };
    const wrong = [
      tokenOf({ header: { alg: canary } }),
      tokenOf({ header: { typ: canary } }),
      tokenOf({ header: { crit: [canary] } }),
      tokenOf({ secret: canary.repeat(3) }),
      tokenOf({ claims: canary }),
      tokenOf({ claims: { sub: `${canary} ` } }),
      tokenOf({ claims: { ...parties, exp: canary } }),
      tokenOf({ claims: { ...parties, exp: 0, sub: canary } }),
      tokenOf({ claims: { ...parties, nbf: NOW + 777_777, sub: canary } }),
      tokenOf({ claims: { ...parties, iss: canary } }),
      tokenOf({ claims: { ...parties, aud: [canary] } }),
      tokenOf({ claims: { channels: { [`${canary} `]: ["publish"] } } }),
      tokenOf({ claims: { channels: { [canary]: [canary] } } }),
      tokenOf({ claims: { watch: [`${canary} `] } }),
      `${canary}.${canary}.${canary}`,
      canary,
    ];
    for (const token of wrong) {
      const text = JSON.stringify(await verifyToken(token, bound, NOW_MS));
      expect(text).toMatch(/^\{"code":"token_(invalid|expired)"/);
      expect(text).not.toContain(canary);
      expect(text).not.toContain("777");
      for (const part of token.split(".")) expect(part === "" || !text.includes(part)).toBe(true);
    }
  });
});
