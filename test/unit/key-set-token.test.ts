import { createHmac, createPublicKey } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { Outside } from "../../src/auth/key-set.ts";
import { verifyToken } from "../../src/auth/token.ts";
import { keyPair, PUBLIC_ALGORITHMS } from "../fixtures/key-pairs.ts";
import { goodClaims, NOW, NOW_MS, segment, settings, tokenOf } from "../fixtures/odd-tokens.ts";

const pairs = {
  RS256: keyPair("RS256", "rsa"),
  ES256: keyPair("ES256", "ec"),
  EdDSA: keyPair("EdDSA", "ed"),
};
const keys = Object.values(pairs).map(({ jwk }) => jwk);
const invalid = expect.objectContaining({ code: "token_invalid" });

let issuers = 0;
/** A service of its own, because keys are kept for each address; `asked` is every address that was fetched. */
function service(set: unknown[] = keys, env: Record<string, string> = {}) {
  const url = `https://id-${++issuers}.example.com/jwks.json`;
  const how = settings({ JWT_SECRET: "", JWKS_URL: url, ...env });
  const asked: string[] = [];
  const outside: Partial<Outside> = {
    fetch: async (address) => {
      asked.push(address);
      return Response.json({ keys: set });
    },
  };
  return { url, asked, verify: (token: string) => verifyToken(token, how, NOW_MS, outside) };
}

describe("good tokens", () => {
  it.each(PUBLIC_ALGORITHMS)("[JK1] %s is accepted with the key of its kid, and without kid", async (alg) => {
    const { verify, asked } = service();
    expect(await verify(pairs[alg].token())).toEqual(goodClaims);
    expect(await verify(pairs[alg].token({}, { kid: undefined }))).toEqual(goodClaims);
    expect(asked).toHaveLength(1);
  });

  it("[JK1] secret and key set serve side by side, and a secret fetches nothing", async () => {
    const both = service(keys, { JWT_SECRET: "a secret of the tests, longer than 32 characters" });
    expect(await both.verify(tokenOf({ header: { kid: "rsa" } }))).toEqual(goodClaims);
    expect(both.asked).toEqual([]);
    expect(await both.verify(pairs.ES256.token())).toEqual(goodClaims);
  });

  it("[JK1] the claims of such a token are judged like any other's", async () => {
    const { verify } = service();
    expect(await verify(pairs.ES256.token({ exp: NOW - 100 }))).toMatchObject({ code: "token_expired" });
    for (const claims of [{ sub: 5 }, { exp: undefined }, { iat: NOW + 6 }, { watch: "*" }]) {
      expect(await verify(pairs.ES256.token(claims))).toEqual(invalid);
    }
  });
});

describe("mixed up", () => {
  it("[A2] [JK1] HS256 with a public key as its secret is refused, whatever form the key has", async () => {
    const { verify, asked } = service();
    const { jwk } = pairs.RS256;
    const pem = createPublicKey({ key: jwk, format: "jwk" })
      .export({ type: "spki", format: "pem" })
      .toString();
    for (const secret of [pem, pem.trim(), JSON.stringify(jwk), String(jwk.n)]) {
      const input = `${segment({ alg: "HS256", kid: "rsa" })}.${segment(goodClaims)}`;
      const mac = createHmac("sha256", secret).update(input).digest("base64url");
      expect(await verify(`${input}.${mac}`)).toEqual(invalid);
    }
    expect(asked).toEqual([]);
  });

  it("[A3] [JK1] a header that names another algorithm than its key is refused", async () => {
    const { verify } = service();
    for (const [alg, pair] of Object.entries(pairs)) {
      for (const other of ["RS256", "ES256", "EdDSA", "HS256", "PS256", "none"].filter(
        (name) => name !== alg,
      )) {
        expect(await verify(pair.token({}, { alg: other }))).toEqual(invalid);
        expect(await verify(pair.token({}, { alg: other, kid: undefined }))).toEqual(invalid);
      }
    }
  });

  it("[A1] [JK1] another issuer's key of the same kid, other claims, and cut signatures are refused", async () => {
    const { verify } = service();
    for (const alg of PUBLIC_ALGORITHMS) {
      const token = pairs[alg].token();
      const [head, , signature] = token.split(".");
      const kid = pairs[alg].jwk.kid;
      expect(await verify(keyPair(alg, kid).token())).toEqual(invalid);
      expect(await verify(`${head}.${segment({ ...goodClaims, sub: "eve" })}.${signature}`)).toEqual(invalid);
      expect(await verify(token.slice(0, -4))).toEqual(invalid);
      expect(await verify(`${token}AAAA`)).toEqual(invalid);
    }
  });

  it("[A1] an ECDSA signature of nothing but zeros is refused", async () => {
    const [head, payload] = pairs.ES256.token().split(".");
    const zeros = Buffer.alloc(64).toString("base64url");
    expect(await service().verify(`${head}.${payload}.${zeros}`)).toEqual(invalid);
  });
});

describe("what a header asks for", () => {
  const kids = [
    "other",
    "../../key",
    "' OR 1=1 --",
    "https://evil.example/k",
    "k".repeat(10_240),
    "",
    "__proto__",
  ];
  it.each(kids)(
    "[A4] [JK3] an unknown kid is only compared: 401, and one fetch of our own set (case %#)",
    async (kid) => {
      const { verify, asked, url } = service();
      expect(await verify(pairs.ES256.token({}, { kid }))).toEqual(invalid);
      expect(asked).toEqual([url]);
    },
  );

  it.each([5, null, ["ec"], { kid: "ec" }, true])(
    "[A4] [JK3] a kid %j is refused, and nothing fetched",
    async (kid) => {
      const { verify, asked } = service();
      expect(await verify(pairs.ES256.token({}, { kid }))).toEqual(invalid);
      expect(asked).toEqual([]);
    },
  );

  it("[A4] the same kid at another address is another key", async () => {
    const theirs = keyPair("ES256", "ec");
    const [ours, other] = [service(), service([theirs.jwk])];
    expect(await ours.verify(pairs.ES256.token())).toEqual(goodClaims);
    expect(await other.verify(theirs.token())).toEqual(goodClaims);
    expect(await other.verify(pairs.ES256.token())).toEqual(invalid);
    expect(await ours.verify(theirs.token())).toEqual(invalid);
  });

  it("[A5] [AU2] jku, x5u, jwk and x5c bring no key, and only our own set is fetched", async () => {
    const theirs = keyPair("ES256", "theirs");
    const brought = {
      jku: "https://evil.example/keys",
      x5u: "https://evil.example/cert",
      jwk: theirs.jwk,
      x5c: [segment("certificate")],
    };
    const { verify, asked, url } = service();
    expect(await verify(theirs.token({}, brought))).toEqual(invalid);
    expect(await verify(theirs.token({ iss: "https://evil.example" }, { ...brought, kid: "ec" }))).toEqual(
      invalid,
    );
    expect(await verify(pairs.ES256.token({}, brought))).toEqual(goodClaims);
    expect(new Set(asked)).toEqual(new Set([url]));
  });

  it("[A5] [JK2] a key of our set that points elsewhere is used as it stands", async () => {
    const { verify, asked, url } = service([
      { ...pairs.ES256.jwk, x5u: "https://evil.example/cert", x5c: ["AAAA"] },
    ]);
    expect(await verify(pairs.ES256.token())).toEqual(goodClaims);
    expect(asked).toEqual([url]);
  });
});

it("[JK5] while the keys can't be fetched a token that needs one is unavailable, and told nothing else", async () => {
  const how = settings({ JWT_SECRET: "", JWKS_URL: `https://id-${++issuers}.example.com/secret-path` });
  const outside = { fetch: () => Promise.reject(new Error("no route to secret-path")) };
  const answer = await verifyToken(pairs.ES256.token(), how, NOW_MS, outside);
  expect(answer).toMatchObject({ code: "unavailable", retryAfterMs: 30_000 });
  expect(JSON.stringify(answer)).not.toMatch(/secret-path|example\.com/);
});

it("[AU3] [JK4] size and header come before any fetch", async () => {
  const { verify, asked } = service();
  const big = { info: { pad: "x".repeat(9000) } };
  for (const token of [
    pairs.ES256.token(big),
    pairs.ES256.token({}, { crit: ["exp"] }),
    pairs.ES256.token({}, { typ: "x" }),
  ]) {
    expect(await verify(token)).toEqual(invalid);
  }
  expect(asked).toEqual([]);
});
