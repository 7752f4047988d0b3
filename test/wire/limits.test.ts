import { afterAll, beforeAll, expect, test } from "vitest";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import type { Service } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

/*
 * Floods against the bare runtime, which has no counters of the platform: the buckets of its one isolate and of the objects
 * are all there is.
 */
let service: Service;

beforeAll(async () => {
  const vars = {
    ...{ CHANNEL_RATE_PER_SECOND: "2", CHANNEL_RATE_BURST: "40", RATE_PER_SECOND: "5", RATE_BURST: "20" },
    ...{ ADDRESS_FAILURES_PER_SECOND: "1", ADDRESS_FAILURES_BURST: "20" },
  };
  service = await startBareService({ vars });
});
afterAll(() => service.stop());

const publish = (channel: string, data: unknown, headers: Record<string, string> = KEY) =>
  fetch(`${service.url}/v1/channels/${channel}/messages`, {
    method: "POST",
    headers,
    body: JSON.stringify({ data }),
  });

test("[A28] a back end that floods one channel waits there; its users and other channels go on", async () => {
  const ann = await RawClient.welcomed({ url: service.url, token: await tokenFor("ann"), channel: "a28" });
  const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => publish("a28", i)));
  const refused = answers.filter(({ status }) => status === 429);
  const stored = answers.filter(({ status }) => status === 201).length;
  expect(refused.length + stored).toBe(300);
  expect(stored).toBeGreaterThanOrEqual(40);
  expect(stored).toBeLessThan(200);
  expect(Number(refused[0]?.headers.get("Retry-After"))).toBeGreaterThan(0);
  expect(await refused[0]?.json()).toMatchObject({ code: "rate_limited", limit: "channel", status: 429 });
  expect((await publish("a28-other", 1)).status).toBe(201);
  expect(await ann.ask({ type: "publish", data: "mine" })).toMatchObject({ type: "ok", offset: stored + 1 });
  await ann.close();
});

test("[LM4] a user that floods over HTTP waits, and its neighbour does not", async () => {
  const [loud, quiet] = [await tokenFor("loud"), await tokenFor("quiet")];
  const as = (token: string) => publish("lm4", 1, { Authorization: `Bearer ${token}` });
  const answers = await Promise.all(Array.from({ length: 400 }, () => as(loud)));
  const refused = answers.filter(({ status }) => status === 429);
  expect(refused.length).toBeGreaterThan(100);
  expect(await refused[0]?.json()).toMatchObject({ code: "rate_limited", limit: "user" });
  expect((await as(quiet)).status).toBe(201);
});

test("[LM1] an address that guesses is refused, and without an address nobody is", async () => {
  const guess = (headers: Record<string, string>) =>
    fetch(`${service.url}/v1/stats`, { headers: { Authorization: "Bearer no-key-of-ours", ...headers } });
  const from = { "CF-Connecting-IP": "2001:db8:1:2::7" };
  const guesses = await Promise.all(Array.from({ length: 200 }, () => guess(from)));
  expect(guesses.filter(({ status }) => status === 401).length).toBeLessThan(60);
  const neighbour = { ...KEY, "CF-Connecting-IP": "2001:db8:1:3::7" };
  expect((await fetch(`${service.url}/v1/stats`, { headers: neighbour })).status).toBe(200);
  for (let i = 0; i < 50; i++) expect((await guess({})).status).toBe(401);
});
