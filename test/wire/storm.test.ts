import { expect, test } from "vitest";
import { inTurns } from "../fixtures/in-turns.ts";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

async function read(service: Service, path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(service.url + path, { headers: KEY })).json()) as Record<string, unknown>;
}

test("[LV8] a thousand sessions that fall silent at once all end within twice the TTL", async () => {
  const ttlMs = 20_000;
  const service = await startService({
    vars: { SESSION_TTL_SECONDS: "20", HEARTBEAT_INTERVAL_SECONDS: "5", OFFLINE_GRACE_SECONDS: "1" },
  });
  try {
    const places = Array.from({ length: 1000 }, (_, i) => ({ user: `u${i % 50}`, channel: `c${i % 5}` }));
    const clients = await inTurns(places, 50, async ({ user, channel }) =>
      RawClient.welcomed({
        url: service.url,
        token: await tokenFor(user),
        channel,
        pingEveryMs: 5000,
        answersProbes: true,
      }),
    );
    for (let i = 0; i < 5; i++)
      expect(await read(service, `/v1/channels/c${i}`)).toMatchObject({ sessions: 200 });
    for (const client of clients) client.fallSilent();
    const since = Date.now();
    const left = async () => {
      const counts = await Promise.all([0, 1, 2, 3, 4].map((i) => read(service, `/v1/channels/c${i}`)));
      return counts.reduce((sum, { sessions }) => sum + Number(sessions), 0);
    };
    await expect.poll(left, { timeout: 2 * ttlMs, interval: 250 }).toBe(0);
    expect(Date.now() - since).toBeGreaterThan(ttlMs - 5000);
    for (let i = 0; i < 50; i++)
      expect(await read(service, `/v1/users/u${i}/sessions`)).toEqual({ sessions: [] });
    await Promise.all(clients.map((client) => client.next("closing", ({ code }) => code === 4002)));
    for (const { socket } of clients) socket.terminate();
  } finally {
    await service.stop();
  }
}, 120_000);

test("[A25] [LM7] a user who opens a thousand connections keeps twenty of the hundred that begin, and nobody else notices", async () => {
  const service = await startService();
  try {
    const ben = await RawClient.welcomed({ url: service.url, token: await tokenFor("ben"), channel: "a25" });
    const token = await tokenFor("mallory");
    const floodAt = Date.now();
    const flood = await inTurns(
      Array.from({ length: 1000 }),
      40,
      async () => new RawClient({ url: service.url, token }),
    );
    await Promise.all(
      flood.map((client) => client.next("welcome", undefined, 60_000).catch(() => undefined)),
    );
    await expect
      .poll(async () => ((await read(service, "/v1/users/mallory/sessions")).sessions as unknown[]).length, {
        timeout: 20_000,
      })
      .toBe(20);
    const welcomed = flood.filter(({ frames }) => frames.some(({ type }) => type === "welcome"));
    expect(welcomed.length).toBeGreaterThanOrEqual(100);
    const seconds = (Date.now() - floodAt) / 1000;
    expect(welcomed.length).toBeLessThan(100 + seconds + 2); // a hundred at once, and one a second
    const closings = welcomed.map(({ frames }) => frames.find(({ type }) => type === "closing")?.code);
    expect(closings.filter((code) => code === 4503)).toHaveLength(welcomed.length - 20);
    const since = Date.now();
    expect(await ben.ask({ type: "publish", data: "still here" })).toMatchObject({ type: "ok" });
    expect(Date.now() - since).toBeLessThan(1000);
    for (const { socket } of flood) socket.terminate();
    await ben.close();
  } finally {
    await service.stop();
  }
}, 180_000);
