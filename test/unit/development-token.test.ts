import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseEnv, promisify } from "node:util";
import { expect, it } from "vitest";
import { type DevelopmentClaims, signDevelopmentToken } from "../../src/auth/development-token.ts";
import { verifyToken } from "../../src/auth/token.ts";
import { type Settings, settingsOf } from "../../src/config.ts";
import { NOW, NOW_MS, settings } from "../fixtures/odd-tokens.ts";

async function made(how: Settings, claims: DevelopmentClaims = {}): Promise<string> {
  const token = await signDevelopmentToken("ann", claims, how, NOW_MS);
  if (typeof token !== "string") throw new Error(token.code);
  return token;
}

it("[AU16] a development token is good for its user, with its claims, for one hour", async () => {
  const how = settings({ JWT_ISSUER: "issuer", JWT_AUDIENCE: "audience" });
  const claims: DevelopmentClaims = { channels: { "private:x": ["subscribe"] }, info: { name: "Ann" } };
  expect(await verifyToken(await made(how, claims), how, NOW_MS)).toEqual({
    sub: "ann",
    iat: NOW,
    exp: NOW + 3600,
    ...claims,
  });
});

it("[AU16] a development token lives no longer than the settings allow", async () => {
  const how = settings({ MAX_TOKEN_LIFETIME_SECONDS: "60" });
  expect(await verifyToken(await made(how), how, NOW_MS)).toMatchObject({ exp: NOW + 60 });
});

it("[AU16] times that are asked for replace the usual ones, and the user never changes", async () => {
  const asked = { exp: NOW + 5, sub: "eve" };
  const token = await made(settings(), asked);
  expect(await verifyToken(token, settings(), NOW_MS)).toEqual({ sub: "ann", iat: NOW, exp: NOW + 5 });
});

it("[AU16] without JWT_SECRET there is no development token", async () => {
  const onlyKeySet = settings({ JWT_SECRET: "", JWKS_URL: "https://id.example.com/jwks.json" });
  expect(await signDevelopmentToken("ann", {}, onlyKeySet, NOW_MS)).toMatchObject({ code: "unavailable" });
});

const script = fileURLToPath(new URL("../fixtures/print-token.ts", import.meta.url));
const printToken = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args]);

it("[AU17] npm run token prints a token that local development accepts, and nothing else", async () => {
  const local = settingsOf(parseEnv(readFileSync(new URL("../../.dev.vars", import.meta.url), "utf8")));
  const { stdout, stderr } = await printToken("ann", "--channels", '{"private:x":["subscribe"]}');
  expect(stdout).toMatch(/^[\w-]+\.[\w-]+\.[\w-]+\n$/);
  expect(stderr).toBe("");
  expect(await verifyToken(stdout.trim(), local, Date.now())).toMatchObject({
    sub: "ann",
    channels: { "private:x": ["subscribe"] },
  });
});

it.each([[[]], [["a b"]], [["ann", "bob"]], [["ann", "--nope"]], [["ann", "--channels", "{"]]])(
  "[AU17] npm run token answers %j with its usage and exit code 2",
  async (args) => {
    const failure = printToken(...args);
    await expect(failure).rejects.toMatchObject({ code: 2, stdout: "" });
    await expect(failure).rejects.toMatchObject({ stderr: expect.stringMatching(/^usage: /) });
  },
);
