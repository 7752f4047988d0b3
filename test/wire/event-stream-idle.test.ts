import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startBareService } from "../fixtures/bare-workerd.ts";
import { RawStream } from "../fixtures/raw-stream.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

/*
 * Streams on which little happens, on `wrangler dev` and on the runtime alone: there the end of a client is
 * seen as it is, without a proxy between them.
 */
const TTL_MS = 16_000;
const options = {
  config: "test/fixtures/rigged/wrangler.toml",
  vars: {
    SESSION_TTL_SECONDS: "16",
    HEARTBEAT_INTERVAL_SECONDS: "2",
    OFFLINE_GRACE_SECONDS: "1",
    COST_SAMPLE: "0",
  },
};

describe.each([
  { on: "wrangler dev", start: startService },
  { on: "bare workerd", start: startBareService },
])("on $on", ({ on, start }) => {
  let service: Service;

  beforeAll(async () => {
    service = await start(options);
  });
  afterAll(() => service.stop());

  async function open(user: string, channel?: string): Promise<RawStream> {
    const where = channel === undefined ? {} : { channel };
    return RawStream.welcomed({ url: service.url, token: await tokenFor(user), ...where });
  }

  async function publish(channel: string, data: unknown): Promise<void> {
    const answer = await fetch(`${service.url}/v1/channels/${channel}/messages`, {
      method: "POST",
      headers: { ...KEY, "Content-Type": "application/json" },
      body: JSON.stringify({ data }),
    });
    if (answer.status !== 201) throw new Error(`${answer.status}`);
  }

  async function sessionsOf(user: string): Promise<{ lastSeenAt: number }[]> {
    const answer = await fetch(`${service.url}/v1/users/${user}/sessions`, { headers: KEY });
    return ((await answer.json()) as { sessions: { lastSeenAt: number }[] }).sessions;
  }

  async function goneWithin(user: string, patienceMs: number): Promise<void> {
    await expect.poll(() => sessionsOf(user), { timeout: patienceMs, interval: 500 }).toEqual([]);
  }

  const counted = async () =>
    (await (await fetch(`${service.url}/rigged`)).json()) as Record<
      "userWakes" | "channelWakes" | "channelAlarms",
      number
    >;

  test("[ES6] objects hibernate while streams are open, and wake with them", async () => {
    const [there, own] = [await open("es6", "es6"), await open("es6")];
    const before = await counted();
    for (let i = 1; i <= 3; i++) {
      await new Promise((resolve) => setTimeout(resolve, 13_000)); // the platform hibernates after ten idle seconds
      await publish("es6", i);
      await there.next("message", ({ data: { offset, data } }) => offset === i && data === i);
    }
    const after = await counted();
    expect(after.channelWakes - before.channelWakes).toBeGreaterThanOrEqual(2); // a sweep in between keeps it awake for ten seconds more
    // Woken by a publish each time and by a sweep each TTL, never by the heartbeats of two streams.
    expect(after.channelAlarms - before.channelAlarms).toBeLessThanOrEqual(3);
    expect(after.userWakes).toBe(before.userWakes);
    expect(await sessionsOf("es6")).toHaveLength(2);
    for (const stream of [there, own]) {
      expect(stream.events.filter(({ type }) => type === "heartbeat").length).toBeGreaterThan(15);
      stream.close();
    }
  }, 90_000);

  test("[ES7] a stream whose client vanished ends within twice the TTL", async () => {
    const [there, own] = [await open("es7", "es7"), await open("es7")];
    there.close();
    own.close();
    await goneWithin("es7", 2 * TTL_MS);
  }, 60_000);

  // The proxy of `wrangler dev` takes some ten megabytes in the client's place, and heartbeats with them.
  if (on === "wrangler dev") return;
  test("[ES7] a stream that takes nothing more ends within twice the TTL, and then lets go", async () => {
    const stream = await open("es7-stalled", "es7-stalled");
    stream.stopReading();
    const data = "x".repeat(30_000);
    let heardAt = 0;
    // Until a heartbeat is no longer taken, which is what stops the session's time: the kernel's buffers are
    // full then, and the Worker's is not yet.
    for (let round = 0; ; round++) {
      const [session] = await sessionsOf("es7-stalled");
      if (session === undefined) throw new Error("ended before it was stalled");
      if (round > 0 && session.lastSeenAt === heardAt) break;
      heardAt = session.lastSeenAt;
      for (let i = 0; i < 20; i++) await publish("es7-stalled", data);
      await new Promise((resolve) => setTimeout(resolve, 4500));
    }
    await goneWithin("es7-stalled", 2 * TTL_MS - (Date.now() - heardAt));
    stream.readOn();
    await stream.next("closing", ({ data: closing }) => closing.code === 4002);
    await stream.ended;
  }, 120_000);
});
