import { createHash } from "node:crypto";
import { expect, it } from "vitest";
import { findKey, mayKey } from "../../src/auth/api-key.ts";
import { settings } from "../fixtures/odd-tokens.ts";

const FIRST = "first-secret-0123456789";
const SECOND = "second-secret-0123456789";
const ours = settings({ API_KEYS: `first=${FIRST},second:publish+read=${SECOND}` });

it("[AU8] finds each key by its secret, and by its entry as written", async () => {
  for (const presented of [FIRST, `first=${FIRST}`]) {
    expect(await findKey(presented, ours)).toMatchObject({ name: "first" });
  }
  for (const presented of [SECOND, `second:publish+read=${SECOND}`]) {
    expect(await findKey(presented, ours)).toMatchObject({ name: "second" });
  }
});

it.each([
  ["empty", ""],
  ["wrong", "other-secret-0123456789"],
  ["a prefix", FIRST.slice(0, -1)],
  ["longer", `${FIRST}0`],
  ["very long", FIRST.repeat(10_000)],
  ["in another case", FIRST.toUpperCase()],
  ["between spaces", ` ${FIRST} `],
  ["unicode", "ключ-ключ-ключ-ключ"],
  ["half a surrogate pair", `\ud800${FIRST}`],
  ["full width", FIRST.replace("f", "ｆ")],
  ["with a NUL", `${FIRST}\0`],
  ["a name", "first"],
  ["a name without secret", "first="],
  ["another key's name", `second=${FIRST}`],
  ["more scopes than written", `second:publish+read+ops=${SECOND}`],
  ["the whole list", `first=${FIRST},second:publish+read=${SECOND}`],
])("[A20] finds no key where what is presented is %s, and does not throw", async (_, presented) => {
  expect(await findKey(presented, ours)).toBeUndefined();
});

it("[A20] finds no key by a digest that agrees in its first or its last byte", async () => {
  const digest = (text: string) => createHash("sha256").update(text).digest();
  for (const at of [0, 31]) {
    const close = Array.from({ length: 5000 }, (_, n) => `guess-${n}`).filter(
      (guess) => digest(guess)[at] === digest(FIRST)[at],
    );
    expect(close).not.toHaveLength(0);
    for (const guess of close) expect(await findKey(guess, ours)).toBeUndefined();
  }
});

it("[A20] finds no key where none is configured", async () => {
  for (const presented of ["", "undefined", FIRST]) {
    expect(await findKey(presented, settings())).toBeUndefined();
  }
});

it("[AU9] a key has its scopes and no others, and all of them where none are written", () => {
  const [first, second] = ours.API_KEYS;
  if (first === undefined || second === undefined) throw new Error("two keys are configured");
  expect((["publish", "read", "manage", "ops"] as const).map((scope) => mayKey(first, scope))).toEqual([
    true,
    true,
    true,
    true,
  ]);
  expect((["publish", "read", "manage", "ops"] as const).map((scope) => mayKey(second, scope))).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

it("[A20] a key that fits into no header stops the Worker, and the message does not hold it", () => {
  for (const key of [
    "a=with space 0123456789",
    "a=ключ-ключ-ключ-ключ",
    "a=short",
    "a:root=0123456789abcdef",
  ]) {
    const env = { API_KEYS: key };
    expect(() => settings(env)).toThrow(/API_KEYS/);
    expect(() => settings(env)).not.toThrow(key.slice(key.indexOf("=") + 1));
  }
});
