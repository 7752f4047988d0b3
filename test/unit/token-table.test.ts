import fc from "fast-check";
import { expect, it } from "vitest";
import { verifyToken } from "../../src/auth/token.ts";
import { type ErrorCode, isRefusal } from "../../src/protocol/codes.ts";
import { NOW, NOW_MS, SECRET, segment, settings, tokenOf } from "../fixtures/odd-tokens.ts";

/*
 * The decision table of tokens, against a predicate that is written from the contract and shares nothing with
 * the code: no schema, no library, one line a rule.
 */

interface Made {
  header: Record<string, unknown>;
  claims: Record<string, unknown>;
  secret: string;
}

const bound = settings({ JWT_ISSUER: "issuer", JWT_AUDIENCE: "audience" });
const LEEWAY = 30;
const LIFETIME = 86_400;

function reference({ header, claims, secret }: Made): ErrorCode | "accepted" {
  const { sub, exp, nbf, iat, iss, aud, watch } = claims;
  const seconds = (x: unknown) => typeof x === "number" && x >= 0 && x <= 1e11;
  const right =
    secret === SECRET &&
    header.alg === "HS256" &&
    (header.typ === undefined || header.typ === "JWT") &&
    !("crit" in header) &&
    !("b64" in header) &&
    typeof sub === "string" &&
    /^[\w.:@=+~-]{1,128}$/.test(sub) &&
    seconds(exp) &&
    (nbf === undefined || (seconds(nbf) && Number(nbf) <= NOW + LEEWAY)) &&
    (iat === undefined || (seconds(iat) && Number(iat) <= NOW + 5)) &&
    Number(exp) <= NOW + LIFETIME + LEEWAY &&
    iss === "issuer" &&
    (aud === "audience" ||
      (Array.isArray(aud) && aud.includes("audience") && aud.every((each) => typeof each === "string"))) &&
    (watch === undefined ||
      (Array.isArray(watch) &&
        watch.every((each) => typeof each === "string" && /^[\w.:@=+~*-]{1,128}$/.test(each))));
  if (!right) return "token_invalid";
  return NOW >= Number(exp) + LEEWAY ? "token_expired" : "accepted";
}

/** Mostly right, so that tokens with one fault are common; else near misses and any JSON at all. */
function claim(right: fc.Arbitrary<unknown>, ...near: unknown[]) {
  return fc.oneof(
    { weight: 12, arbitrary: right },
    { weight: 1, arbitrary: fc.constantFrom(undefined, null, true, "", 0, -1, [], {}, ...near) },
    { weight: 1, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
  );
}

const near = (...offsets: number[]) => fc.constantFrom(...offsets.map((offset) => NOW + offset));
const made: fc.Arbitrary<Made> = fc.record({
  secret: fc.oneof({ weight: 12, arbitrary: fc.constant(SECRET) }, fc.string({ minLength: 1 })),
  header: fc
    .record(
      {
        alg: claim(fc.constant("HS256"), "none", "HS512", "RS256", "hs256", ["HS256"]),
        typ: claim(fc.constantFrom("JWT", undefined), "ticket+jwt"),
        crit: fc.constantFrom<unknown>([], ["exp"], null),
        b64: fc.boolean(),
        kid: fc.jsonValue({ maxDepth: 1 }),
      },
      { requiredKeys: ["alg", "typ"] },
    )
    .chain((header) => {
      const { crit, b64, ...usual } = header;
      return fc.oneof({ weight: 8, arbitrary: fc.constant(usual) }, fc.constant(header));
    }),
  claims: fc.record({
    sub: claim(fc.constantFrom("ann", "a", "A-z_0.9:@=+~", "u".repeat(128)), "u".repeat(129), "a b", 5, [
      "ann",
    ]),
    exp: claim(near(-31, -30, -29, 0, 1, 600, 86_400, 86_430, 86_431), NOW_MS, String(NOW), 1e11, 1e12),
    nbf: claim(fc.oneof(fc.constant(undefined), near(-9, 0, 30)), NOW + 31, NOW_MS),
    iat: claim(fc.oneof(fc.constant(undefined), near(-9, 0, 5)), NOW + 6, NOW + 30, NOW_MS),
    iss: claim(fc.constant("issuer"), "Issuer", ["issuer"]),
    aud: claim(fc.constantFrom("audience", ["other", "audience"]), "other", ["audience", 5], [["audience"]]),
    watch: claim(fc.constantFrom(undefined, ["*"], ["a", "b*"]), "*", ["a b"], [5]),
  }),
});

const decide = async (token: string) => {
  const claims = await verifyToken(token, bound, NOW_MS);
  return isRefusal(claims) ? claims.code : "accepted";
};

it("[M7] decides every token as the contract's table does", async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(made, async (parts) => {
      // A header or claim of `undefined` is absent once it is JSON; the reference reads the same JSON.
      const asRead: Made = JSON.parse(JSON.stringify(parts));
      const decision = await decide(tokenOf({ ...parts, claims: JSON.stringify(parts.claims) }));
      seen.set(decision, (seen.get(decision) ?? 0) + 1);
      expect(decision).toBe(reference({ ...asRead, header: { alg: "HS256", typ: "JWT", ...parts.header } }));
    }),
    { numRuns: 3000 },
  );
  // A generator that only makes bad tokens would prove nothing.
  for (const decision of ["accepted", "token_expired", "token_invalid"]) {
    expect(seen.get(decision)).toBeGreaterThan(50);
  }
});

const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
const characters = fc.constantFrom(...alphabet, "=", ".", " ", "\n", "\t", "+", "/", "\0", "é", "%");

it("[M7] [A9] a good token stops being one when any character is added, dropped or changed", async () => {
  const good = tokenOf({ claims: { iss: "issuer", aud: "audience" } });
  expect(await decide(good)).toBe("accepted");
  await fc.assert(
    fc.asyncProperty(
      fc.nat(good.length),
      fc.nat(1),
      fc.array(characters, { maxLength: 3 }),
      async (at, dropped, added) => {
        const other = good.slice(0, at) + added.join("") + good.slice(at + dropped);
        expect(await decide(other)).toBe(other === good ? "accepted" : "token_invalid");
      },
    ),
    { numRuns: 2000 },
  );
});

it("[M7] any text at all is refused and nothing throws", async () => {
  const piece = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.json().map(segment),
    fc.constant(segment({ alg: "HS256" })),
  );
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { minLength: 1, maxLength: 5 }), async (pieces) => {
      expect(await decide(pieces.join("."))).toBe("token_invalid");
    }),
    { numRuns: 1000 },
  );
});
