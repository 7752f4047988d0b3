import { afterEach, expect, test } from "vitest";
import { type KeyPair, keyPair, PUBLIC_ALGORITHMS } from "../fixtures/key-pairs.ts";
import { type KeyServer, startKeyServer } from "../fixtures/key-server.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, type ServiceOptions, startService } from "../fixtures/service.ts";
import { tokenFor } from "../fixtures/tokens.ts";
import { upgradeStatus } from "../fixtures/upgrade.ts";

let running: { stop(): Promise<void> }[] = [];
afterEach(async () => {
  await Promise.all(running.map((each) => each.stop()));
  running = [];
});

async function start(
  keys: unknown[],
  vars: ServiceOptions["vars"] = {},
): Promise<{ issuer: KeyServer; service: Service }> {
  const issuer = await startKeyServer(...keys);
  running.push(issuer);
  const service = await startService({ vars: { JWKS_URL: issuer.url, ...vars } });
  running.push(service);
  return { issuer, service };
}

const now = () => Math.floor(Date.now() / 1000);
const tokenOf = (pair: KeyPair, claims: Record<string, unknown> = {}) =>
  pair.token({ iat: now(), exp: now() + 600, ...claims });
const presence = ({ url }: Service, token: string) =>
  fetch(`${url}/v1/users/ann/presence`, { headers: { Authorization: `Bearer ${token}` } });
const codeOf = async (answer: Response) => ((await answer.json()) as { code?: string }).code;

test("[JK1] [JK4] tokens of all four algorithms connect, with one fetch of the set", async () => {
  const pairs = PUBLIC_ALGORITHMS.map((alg) => keyPair(alg, alg));
  const { issuer, service } = await start(pairs.map(({ jwk }) => jwk));
  const tokens = [...pairs.map((pair) => tokenOf(pair)), await tokenFor("ann")];
  for (const token of tokens) {
    const own = await RawClient.welcomed({ url: service.url, token });
    const there = await RawClient.welcomed({ url: service.url, token, channel: "keys" });
    expect(own.welcome.user).toBe("ann");
    await Promise.all([own.close(), there.close()]);
  }
  expect(issuer.requests).toEqual(["GET /jwks.json"]);
});

test("[JK4] [JK6] keys change under an open connection, which goes on, and a new kid costs one fetch", async () => {
  const [old, next] = [keyPair("ES256", "old"), keyPair("EdDSA", "next")];
  const { issuer, service } = await start([old.jwk]);
  const ann = await RawClient.welcomed({ url: service.url, token: tokenOf(old), channel: "keys" });
  issuer.keys = [next.jwk];
  const tokens = Array.from({ length: 10 }, () => tokenOf(next));
  const clients = await Promise.all(
    tokens.map((token) => RawClient.welcomed({ url: service.url, token, channel: "keys" })),
  );
  expect(issuer.requests).toHaveLength(2);
  expect(await upgradeStatus({ url: service.url, token: tokenOf(old) })).toBe(401);
  expect(await ann.ask({ type: "publish", data: "still here" })).toMatchObject({ type: "ok", offset: 1 });
  for (const client of clients) {
    await client.next("message", ({ data }) => data === "still here");
  }
  await Promise.all([ann, ...clients].map((client) => client.close()));
});

test("[JK5] [JK6] without the issuer known keys go on, and a new kid is unavailable", async () => {
  const [known, unknown] = [keyPair("RS256", "known"), keyPair("ES256", "unknown")];
  const { issuer, service } = await start([known.jwk]);
  expect((await presence(service, tokenOf(known))).status).toBe(200);
  await issuer.stop();
  const refused = await presence(service, tokenOf(unknown));
  expect(refused.status).toBe(503);
  expect(Number(refused.headers.get("Retry-After"))).toBeGreaterThan(20);
  expect(await codeOf(refused)).toBe("unavailable");
  expect(await upgradeStatus({ url: service.url, token: tokenOf(unknown) })).toBe(503);
  expect((await presence(service, tokenOf(known))).status).toBe(200);
  expect(await upgradeStatus({ url: service.url, token: tokenOf(known) })).toBe(101);
  await expect.poll(() => service.output(), { timeout: 5000 }).toContain("key set not fetched");
  expect(service.output()).not.toContain(issuer.url);
});

test("[A4] [JK4] a flood of 200 unknown kids fetches once, and a good token passes after it", async () => {
  const good = keyPair("ES256", "good");
  const stranger = keyPair("ES256", "stranger");
  const { issuer, service } = await start([good.jwk], { JWT_SECRET: "", ADDRESS_FAILURES_BURST: "1000" });
  const flood = Array.from({ length: 200 }, (_, i) => tokenOfKid(stranger, `no-${i}`));
  const answers = await Promise.all(flood.map((token) => presence(service, token)));
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401]));
  expect(await Promise.all(answers.map(codeOf))).toEqual(Array(200).fill("token_invalid"));
  expect(issuer.requests).toHaveLength(1);
  expect((await presence(service, tokenOf(good))).status).toBe(200);
  expect((await presence(service, tokenOfKid(stranger, "good"))).status).toBe(401);
  expect(issuer.requests).toHaveLength(1);
});

test("[JK4] who comes while the set is being fetched waits for that fetch", async () => {
  const good = keyPair("ES256", "good");
  const { issuer, service } = await start([good.jwk]);
  let arrived = () => {};
  const asked = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  let open = () => {};
  issuer.opens = new Promise<void>((resolve) => {
    open = resolve;
  });
  issuer.onRequest = arrived;
  const first = presence(service, tokenOf(good));
  await asked;
  const others = Array.from({ length: 5 }, () => presence(service, tokenOf(good)));
  open();
  const answers = await Promise.all([first, ...others]);
  expect(answers.map(({ status }) => status)).toEqual(Array(6).fill(200));
  expect(issuer.requests).toHaveLength(1);
});

function tokenOfKid(pair: KeyPair, kid: string): string {
  return pair.token({ iat: now(), exp: now() + 600 }, { kid });
}
