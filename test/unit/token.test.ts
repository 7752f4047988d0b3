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

describe("signature and header", () => {
  it("[AU1] accepts a token signed with JWT_SECRET and answers its claims alone", async () => {
    const claims = { iss: "someone", aud: "us", code: "x", message: "y", admin: true };
    expect(await verify(tokenOf({ claims }))).toEqual(goodClaims);
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

  it("[A7] [AU2] refuses a typ that marks a token for something else", async () => {
    for (const typ of ["ticket+jwt", "secevent+jwt", "webhook", "", 5, null, ["JWT"]]) {
      expect(await verify(tokenOf({ header: { typ } }))).toEqual(invalid);
    }
    for (const typ of ["JWT", "jwt", "application/jwt", undefined]) {
      expect(await verify(tokenOf({ header: { typ } }))).toEqual(accepted);
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
