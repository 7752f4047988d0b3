import { afterAll, beforeAll, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

let service: Service;

beforeAll(async () => {
  service = await startService({
    config: "test/fixtures/rigged/wrangler.toml",
    vars: { SESSION_TTL_SECONDS: "16", HEARTBEAT_INTERVAL_SECONDS: "4", OFFLINE_GRACE_SECONDS: "1" },
  });
});
afterAll(() => service.stop());

interface Count {
  userWakes: number;
  channelWakes: number;
  userAlarms: number;
  channelAlarms: number;
}

const counted = async (): Promise<Count> => (await (await fetch(`${service.url}/rigged`)).json()) as Count;
const rig = (deletes: "fail" | "work") =>
  fetch(`${service.url}/rigged?deletes=${deletes}`, { method: "POST" });

async function publish(channel: string, data: unknown): Promise<void> {
  const init = {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ data }),
  };
  expect((await fetch(`${service.url}/v1/channels/${channel}/messages`, init)).status).toBe(201);
}

test("[LV4] objects hibernate under clients that only ping, stay connected over several TTLs, and lose nothing", async () => {
  const token = await tokenFor("ann");
  const there = await RawClient.welcomed({ url: service.url, token, channel: "lv4", pingEveryMs: 4000 });
  const own = await RawClient.welcomed({ url: service.url, token, pingEveryMs: 4000 });
  const before = await counted();
  for (let i = 1; i <= 3; i++) {
    await new Promise((resolve) => setTimeout(resolve, 13_000)); // the platform hibernates after ten idle seconds
    await publish("lv4", i);
    await there.next("message", ({ offset, data }) => offset === i && data === i);
  }
  const after = await counted();
  expect(after.channelWakes - before.channelWakes).toBeGreaterThanOrEqual(2); // a sweep in between keeps it awake for ten seconds more
  // Woken by a publish each time and by a sweep each TTL, never by the pings of two clients every four seconds.
  expect(after.channelAlarms - before.channelAlarms).toBeLessThanOrEqual(3);
  expect(after.userWakes).toBe(before.userWakes);
  expect(own.socket.readyState).toBe(own.socket.OPEN);
  const answer = await fetch(`${service.url}/v1/users/ann/sessions`, { headers: KEY });
  expect(((await answer.json()) as { sessions: unknown[] }).sessions).toHaveLength(2);
  await there.close();
  await own.close();
}, 90_000);

test("[F18] under a duty that always throws the alarm goes on, and does the work once it can", async () => {
  const ben = await RawClient.welcomed({ url: service.url, token: await tokenFor("ben"), channel: "f18" });
  await rig("fail");
  try {
    await ben.close();
    const { channelAlarms } = await counted();
    // The grace fails after a second, then every half minute; seven tries of the platform would end at 141 s.
    await expect
      .poll(async () => (await counted()).channelAlarms, { timeout: 45_000, interval: 500 })
      .toBeGreaterThan(channelAlarms + 1);
  } finally {
    await rig("work");
  }
  const { channelAlarms } = await counted();
  await expect
    .poll(async () => (await counted()).channelAlarms, { timeout: 45_000, interval: 500 })
    .toBeGreaterThan(channelAlarms);
  // Nothing is left to do: no further alarm comes.
  await new Promise((resolve) => setTimeout(resolve, 10_000)); // what the directory is owed has an alarm of its own
  const settled = (await counted()).channelAlarms;
  await new Promise((resolve) => setTimeout(resolve, 35_000));
  expect((await counted()).channelAlarms).toBe(settled);
}, 180_000);
