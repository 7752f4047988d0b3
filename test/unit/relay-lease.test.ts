import { expect, test } from "vitest";
import type { RelayReport } from "../../src/objects/relaying.ts";
import { RelayedChannel } from "../fixtures/relayed-channel.ts";

test("[RY94] a relay that never answers whether it is there is asked again, and its late answer counts for nothing newer", async () => {
  const world = new RelayedChannel({ SESSION_TTL_SECONDS: "60" });
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ isWhole: true }));
  const late: ((report: RelayReport) => void)[] = [];
  relay.reporting = () => new Promise((resolve) => late.push(resolve));
  for (let i = 0; i < 300; i++) world.bench.advance(1000, () => world.channel.alarm());
  await new Promise(setImmediate);
  expect(late.length).toBeGreaterThanOrEqual(2);
  const [old, fresh] = [relay.report({ isWhole: true }), relay.report({ isWhole: true })];
  late.at(-1)?.({ ...fresh, set: [], digest: 0, sessions: 0 });
  await new Promise(setImmediate);
  expect(await world.count()).toBe(0);
  late[0]?.(old);
  await new Promise(setImmediate);
  expect(await world.count()).toBe(0);
});
