import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const TTL_SECONDS = 2;
const TEN_TTLS_MS = TTL_SECONDS * 10_000;
/** For alarms on a machine with two cores, and the pages that look. */
const SLACK_MS = 5000;
const vars = { SESSION_TTL_SECONDS: String(TTL_SECONDS), HEARTBEAT_INTERVAL_SECONDS: "0.5" };
const USERS = Array.from({ length: 12 }, (_, i) => `r${i}`);

let persistTo: string;
beforeEach(async () => {
  persistTo = await mkdtemp(join(tmpdir(), "rollcall-directory-"));
});
afterEach(() => rm(persistTo, { recursive: true, force: true }));

/** Half of them in a channel, half on connections of their own. */
function connectAll(service: Service, users: readonly string[]): Promise<RawClient[]> {
  return Promise.all(
    users.map(async (user, i) => {
      const token = await tokenFor(user);
      const where = i % 2 === 0 ? {} : { channel: "restart" };
      return RawClient.welcomed({ url: service.url, token, pingEveryMs: 500, answersProbes: true, ...where });
    }),
  );
}

/** Looks at the directory alone: to ask the users themselves would wake them. */
async function listed(service: Service): Promise<{ users: string[]; channels: unknown }> {
  const read = async (path: string) =>
    (await (await fetch(service.url + path, { headers: KEY })).json()) as Record<string, unknown>;
  const { users } = await read("/v1/presence?limit=1000");
  const { channels } = await read("/v1/channels?limit=1000");
  return { users: (users as { user: string }[]).map(({ user }) => user).sort(), channels };
}

test("[DI14] after kill -9 the directory lists exactly who came back, within ten TTLs and the grace", async () => {
  const settings = { ...vars, OFFLINE_GRACE_SECONDS: "1" };
  const first = await startService({ vars: settings, persistTo });
  await connectAll(first, USERS);
  const all = { users: [...USERS].sort(), channels: [{ channel: "restart", members: 6 }] };
  await expect.poll(() => listed(first), { timeout: TEN_TTLS_MS }).toEqual(all);
  await first.kill();
  const second = await startService({ vars: settings, persistTo });
  try {
    const back = USERS.slice(0, 4);
    await connectAll(second, back);
    const rest = { users: back, channels: [{ channel: "restart", members: 2 }] };
    await expect.poll(() => listed(second), { timeout: TEN_TTLS_MS + SLACK_MS }).toEqual(rest);
  } finally {
    await second.stop();
  }
});

test("[DI15] with another number of shards the directory is whole within ten TTLs, also of who never seemed to leave", async () => {
  const settings = { ...vars, OFFLINE_GRACE_SECONDS: "30" };
  const first = await startService({ vars: settings, persistTo });
  await connectAll(first, USERS);
  const all = { users: [...USERS].sort(), channels: [{ channel: "restart", members: 6 }] };
  await expect.poll(() => listed(first), { timeout: TEN_TTLS_MS }).toEqual(all);
  await first.kill();
  const second = await startService({ vars: { ...settings, DIRECTORY_SHARDS: "7" }, persistTo });
  try {
    const { users } = await listed(second); // none, but where an alarm was quicker
    expect(all.users).toEqual(expect.arrayContaining(users));
    await connectAll(second, USERS); // within the grace: for their objects nothing has changed
    await expect.poll(() => listed(second), { timeout: TEN_TTLS_MS + SLACK_MS }).toEqual(all);
  } finally {
    await second.stop();
  }
});
