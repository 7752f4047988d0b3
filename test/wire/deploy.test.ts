import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { connect } from "../../src/client/index.ts";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { inTurns } from "../fixtures/in-turns.ts";
import { freePort } from "../fixtures/process-group.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const CHANNELS = Array.from({ length: 20 }, (_, i) => `c${i}`);

/** Says one thing in every channel, all at once. */
async function sayInAll(url: string, data: string): Promise<void> {
  await Promise.all(
    CHANNELS.map(async (channel) => {
      const init = { method: "POST", headers: KEY, body: JSON.stringify({ data, key: data }) };
      const answer = await fetch(`${url}/v1/channels/${channel}/messages`, init);
      expect(answer.status, `${data} in ${channel}`).toBe(201);
    }),
  );
}

test("[F16] [F33] after a kill cut two thousand clients all come back by themselves with what they missed, and nobody left", async () => {
  // On the bare runtime, stopped and started: what a deploy does to sockets. The development proxy before
  // `wrangler dev` holds every request back while it reloads, and measures itself.
  const persistTo = await mkdtemp(join(tmpdir(), "rollcall-deploy-"));
  const port = await freePort();
  const options = { port, persistTo, vars: { OFFLINE_GRACE_SECONDS: "200", COST_SAMPLE: "0.01" } };
  const before = await startBareService(options);
  const places = Array.from({ length: 2000 }, (_, i) => ({ user: `u${i}`, channel: `c${i % 20}` }));
  const seen = { left: 0 };
  const heard = new Map<string, unknown[]>(places.map(({ user }) => [user, []]));
  const clients = await inTurns(places, 50, async ({ user, channel }) => {
    const client = connect({ url: before.url, token: await tokenFor(user), channel });
    client.on("message", ({ data }) => heard.get(user)?.push(data));
    const welcomed = new Promise<void>((resolve) => client.on("welcome", () => resolve()));
    client.on("members", ({ left }) => {
      seen.left += left.length;
    });
    await welcomed;
    return client;
  });
  const openNow = () => clients.filter((client) => client.state.name === "open").length;
  expect(openNow()).toBe(2000);
  const hasHeard = (count: number) => [...heard.values()].filter(({ length }) => length >= count).length;
  await sayInAll(before.url, "before");
  await expect.poll(() => hasHeard(1), { timeout: 30_000 }).toBe(2000);
  await before.kill();
  const after = await startBareService(options);
  try {
    const since = Date.now();
    await sayInAll(after.url, "in the storm");
    await expect.poll(openNow, { timeout: 120_000, interval: 50 }).toBe(2000);
    console.log(`2,000 clients were back after ${(Date.now() - since) / 1000} s`);
    for (let i = 0; i < 20; i++) {
      const summary = await fetch(`${after.url}/v1/channels/c${i}`, { headers: KEY });
      expect(await summary.json()).toMatchObject({ members: 100, sessions: 100 });
    }
    expect(seen.left).toBe(0);
    await sayInAll(after.url, "after");
    await expect.poll(() => hasHeard(3), { timeout: 30_000 }).toBe(2000);
    for (const [user, said] of heard) expect(said, user).toEqual(["before", "in the storm", "after"]);
  } finally {
    for (const client of clients) client.close();
    await after.stop();
    await rm(persistTo, { recursive: true, force: true });
  }
});
