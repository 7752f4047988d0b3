import { expect, test } from "vitest";
import { RelayedChannel } from "../fixtures/relayed-channel.ts";

const RELAYS = 50;

/** A channel with so many distinct members at its relays, and how long each step took. */
async function channelOf(count: number) {
  const world = new RelayedChannel({ MEMBERS_DETAIL_MAX: "1000" });
  const { frames } = await world.connect("watching");
  const perRelay = count / RELAYS;
  const began = performance.now();
  for (let r = 0; r < RELAYS; r++) {
    const relay = world.relay(`c/${r + 1}`);
    for (let i = 0; i < perRelay; i++) {
      const user = `user-${Math.imul(r * perRelay + i, 2654435761) >>> 0}`; // in no order
      relay.keep(user, { info: { name: `Name ${i}` }, regions: ["weur"] });
    }
    expect((await relay.say(relay.report({ isWhole: true }))).isWholeWanted).toBe(false);
  }
  const reportedMs = performance.now() - began;
  await world.bench.pass(1000);
  const woke = performance.now();
  await world.restart();
  return { world, frames, reportedMs, wokeMs: performance.now() - woke };
}

test("[RY48] a hundred thousand distinct members are counted, paged and found again after a restart", {
  timeout: 120_000,
}, async () => {
  const { world, frames, reportedMs, wokeMs } = await channelOf(100_000);
  console.log(`100,000 members: reported in ${reportedMs.toFixed()} ms, awake in ${wokeMs.toFixed()} ms`);
  expect(await world.channel.summary()).toMatchObject({
    members: 100_001,
    sessions: 100_001,
    relays: RELAYS,
  });
  const seen = new Set<string>();
  let cursor: string | undefined;
  do {
    const page = await world.channel.members({ limit: 1000, ...(cursor && { cursor }) });
    if (!("members" in page)) throw new Error("refused");
    for (const { user } of page.members) seen.add(user);
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen.size).toBe(100_001);
  // Above MEMBERS_DETAIL_MAX only the count is told.
  const last = frames.filter(({ type }) => type === "members").at(-1);
  expect(last).toEqual({ type: "members", channel: "c", count: 100_001 });
});
