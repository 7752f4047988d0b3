import { expect, it } from "vitest";
import { publicKeyOf } from "../../src/auth/public-key.ts";
import { keyPair, PUBLIC_ALGORITHMS, rsaKeyPair } from "../fixtures/key-pairs.ts";

const rsa = keyPair("RS256", "k").jwk;
const ec = keyPair("ES256", "k").jwk;
const ed = keyPair("EdDSA", "k").jwk;

it.each(PUBLIC_ALGORITHMS)("[JK2] a key of its kind is for %s, whether it says so or not", async (alg) => {
  const { jwk } = keyPair(alg, "k");
  for (const more of [{}, { alg }, { use: "sig" }, { key_ops: ["sign", "verify"] }, { kid: undefined }]) {
    expect(await publicKeyOf({ ...jwk, ...more })).toMatchObject({ alg });
  }
});

const unused: [string, unknown][] = [
  ["another alg of its kind", { ...rsa, alg: "RS512" }],
  ["PSS", { ...rsa, alg: "PS256" }],
  ["an alg of another kind", { ...rsa, alg: "ES256" }],
  ["an HMAC alg on a public key", { ...rsa, alg: "HS256" }],
  ["the new name of EdDSA", { ...ed, alg: "Ed25519" }],
  ["encryption", { ...rsa, use: "enc" }],
  ["no verifying", { ...ec, key_ops: ["encrypt"] }],
  ["another curve", { ...ec, crv: "P-384" }],
  ["a curve for agreement", { ...ed, crv: "X25519" }],
  ["a secret", { kty: "oct", k: "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0", kid: "k", alg: "HS256" }],
  ["a kty of another kind", { ...ec, kty: "OKP" }],
  ["no kty", { ...ec, kty: undefined }],
  ["its private part", { ...ec, d: "AAAA" }],
  ["a kid that is no string", { ...ec, kid: 5 }],
  ["a point that is not on the curve", { ...ec, x: ec.y, y: ec.x }],
  ["no base64url", { ...ed, x: "ä" }],
  ["half of it missing", { ...rsa, n: undefined }],
  ["null", null],
  ["a text", "key"],
];
it.each(unused)("[JK2] a key with %s is not used", async (_, jwk) => {
  expect(await publicKeyOf(jwk)).toBeUndefined();
});

it("[JK2] an RSA key of less than 2,048 bits is not used", async () => {
  expect(await publicKeyOf(rsaKeyPair(1024, "k").jwk)).toBeUndefined();
  expect(await publicKeyOf(rsaKeyPair(2048, "k").jwk)).toMatchObject({ alg: "RS256" });
});
