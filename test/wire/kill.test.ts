import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { RawClient } from "../fixtures/raw-client.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const vars = { SESSION_TTL_SECONDS: "8", HEARTBEAT_INTERVAL_SECONDS: "2", OFFLINE_GRACE_SECONDS: "1" };
const TTL_AND_GRACE_MS = 9000;
const CHANNELS = ["k0", "k1", "k2", "k3", "k4"];
const USERS = Array.from({ length: 25 }, (_, i) => `u${i}`);

async function read(service: Service, path: string): Promise<Record<string, unknown>> {
  return (await (await fetch(service.url + path, { headers: KEY })).json()) as Record<string, unknown>;
}

async function publish(service: Service, channel: string, data: unknown): Promise<{ offset: number }> {
  const answer = await fetch(`${service.url}/v1/channels/${channel}/messages`, {
    method: "POST",
    headers: { ...KEY, "Content-Type": "application/json" },
    body: JSON.stringify({ data }),
  });
  if (answer.status !== 201) throw new Error(`${answer.status}`);
  return (await answer.json()) as { offset: number };
}

/** Publishes until the service dies under it; what was acknowledged, by offset. */
async function publishUntilKilled(service: Service, channel: string): Promise<Map<number, string>> {
  const acknowledged = new Map<number, string>();
  for (let i = 0; ; i++) {
    try {
      const { offset } = await publish(service, channel, `${channel}-${i}`);
      acknowledged.set(offset, `${channel}-${i}`);
    } catch {
      return acknowledged; // killed: whether this last one landed is unknown, and allowed
    }
  }
}

async function logOf(service: Service, channel: string): Promise<{ offset: number; data: unknown }[]> {
  const messages: { offset: number; data: unknown }[] = [];
  for (;;) {
    const page = await read(service, `/v1/channels/${channel}/messages?limit=1000&after=${messages.length}`);
    const found = page.messages as { offset: number; data: unknown }[];
    messages.push(...found);
    if (found.length < 1000) return messages;
  }
}

async function ghosts(service: Service): Promise<string[]> {
  const found: string[] = [];
  for (const channel of CHANNELS) {
    const { count } = await read(service, `/v1/channels/${channel}/members`);
    if (count !== 0) found.push(`${channel}: ${count} members`);
  }
  for (const user of USERS) {
    const { sessions } = await read(service, `/v1/users/${user}/sessions`);
    const { status } = await read(service, `/v1/users/${user}/presence`);
    if ((sessions as unknown[]).length > 0 || status !== "offline") found.push(`${user}: ${status}`);
  }
  return found;
}

test("[F21] after kill -9 under load no ghost remains, no acknowledged message is lost, the next offset is the next", async () => {
  const persistTo = await mkdtemp(join(tmpdir(), "rollcall-kill-"));
  try {
    const first = await startService({ vars, persistTo });
    const clients = await Promise.all(
      USERS.flatMap((user, i) => [
        tokenFor(user).then((token) => RawClient.welcomed({ url: first.url, token, pingEveryMs: 2000 })),
        tokenFor(user).then((token) =>
          RawClient.welcomed({ url: first.url, token, channel: CHANNELS[i % 5] ?? "", pingEveryMs: 2000 }),
        ),
      ]),
    );
    expect(clients).toHaveLength(50);
    const writers = CHANNELS.map((channel) => publishUntilKilled(first, channel));
    await clients[1]?.next("message", ({ offset }) => (offset as number) >= 20);
    await first.kill();
    const acknowledged = await Promise.all(writers);
    expect(await Promise.all(clients.map(({ closed }) => closed.then(({ code }) => code)))).toEqual(
      clients.map(() => 1006),
    );

    const second = await startService({ vars, persistTo });
    try {
      await expect.poll(() => ghosts(second), { timeout: TTL_AND_GRACE_MS, interval: 500 }).toEqual([]);
      for (const [i, channel] of CHANNELS.entries()) {
        const log = await logOf(second, channel);
        expect(log.map(({ offset }) => offset)).toEqual(log.map((_, index) => index + 1));
        const byOffset = new Map(log.map(({ offset, data }) => [offset, data]));
        const lost = [...(acknowledged[i] ?? [])].filter(([offset, data]) => byOffset.get(offset) !== data);
        expect(lost).toEqual([]);
        expect((await publish(second, channel, "next")).offset).toBe(log.length + 1);
      }
    } finally {
      await second.stop();
    }
  } finally {
    await rm(persistTo, { recursive: true, force: true });
  }
});
