import { Webhook as Verifier } from "standardwebhooks";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { HookServer } from "../fixtures/hook-server.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/** For the service under test an hour is a second (test/fixtures/hurried). */
const DAY_MS = 24_000;

const hook = new HookServer();
let service: Service;

beforeAll(async () => {
  await hook.start();
  service = await startService({
    config: "test/fixtures/hurried/wrangler.toml",
    vars: { WEBHOOK_URL: hook.url, WEBHOOK_SECRET: SECRET },
  });
});
afterAll(async () => {
  await service.stop();
  await hook.stop();
});

interface Event {
  type: string;
  timestamp: number;
  data: Record<string, unknown>;
}

/** Every request, verified as of the time that it says: the service is far ahead of this machine. */
function heard(): { id: string; event: Event }[] {
  return hook.requests.map(({ headers, body }) => {
    const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
    vi.useFakeTimers({ toFake: ["Date"], now: Number(sent["webhook-timestamp"]) * 1000 });
    try {
      return { id: sent["webhook-id"] ?? "", event: new Verifier(SECRET).verify(body, sent) as Event };
    } finally {
      vi.useRealTimers();
    }
  });
}

async function publish(data: unknown): Promise<void> {
  const init = { method: "POST", headers: { ...KEY }, body: JSON.stringify({ data }) };
  expect((await fetch(`${service.url}/v1/channels/hooked/messages`, init)).status).toBe(201);
}

test("[EV13] a webhook that fails twice, hangs once and is away for a day gets every event at last, signed, each under one id", async () => {
  let calls = 0;
  hook.answer = () => {
    calls++;
    if (calls <= 2) return 500;
    return calls === 3 ? "hangs" : 503;
  };
  const member = await RawClient.welcomed({
    url: service.url,
    token: await tokenFor("hooked"),
    channel: "hooked",
  });
  for (let i = 1; i <= 20; i++) await publish(i);
  await expect.poll(() => calls, { timeout: 20_000 }).toBeGreaterThan(3);
  await hook.stop();
  const awaySince = Date.now();
  for (let i = 21; i <= 40; i++) await publish(i);
  await member.close();
  await new Promise((resolve) => setTimeout(resolve, DAY_MS - (Date.now() - awaySince)));
  expect(hook.requests.every(({ at }) => at <= awaySince)).toBe(true);
  hook.answer = () => 204;
  const before = hook.requests.length;
  await hook.start();
  const taken = () => heard().slice(before);
  const types = [
    "channel.occupied",
    "member.joined",
    "member.left",
    "channel.vacated",
    "session.started",
    "session.ended",
  ];
  const isComplete = () => {
    const messages = taken().filter(({ event }) => event.type === "message.published");
    const offsets = new Set(messages.map(({ event }) => event.data.offset));
    const others = new Set(taken().map(({ event }) => event.type));
    return offsets.size === 40 && types.every((type) => others.has(type));
  };
  await expect.poll(isComplete, { timeout: 30_000, interval: 500 }).toBe(true);
  const bodies = new Map<string, string>();
  for (const { id, event } of heard()) {
    const what = JSON.stringify(event);
    expect(bodies.get(id) ?? what).toBe(what);
    bodies.set(id, what);
  }
  expect(new Set(bodies.values()).size).toBe(bodies.size);
  const letters = (await (await fetch(`${service.url}/v1/dead-letters`, { headers: KEY })).json()) as object;
  expect(letters).toEqual({ letters: [] });
  expect(service.output()).not.toContain(SECRET);
}, 120_000);
