import { expect, test } from "vitest";
import type { MemberState } from "../../src/objects/ports.ts";
import { RelayedChannel } from "../fixtures/relayed-channel.ts";

const hidden: MemberState = { version: 5, status: "online", isHidden: true };
const shown = async (world: RelayedChannel) =>
  (await world.relay("c/9").say(undefined, { isBrief: true })).standing.count;

test("[RY90] who hides while the word of its coming is on its way from a relay is hidden when that arrives", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  await world.channel.setMember("ben", ["ben-1"], hidden);
  relay.keep("ben", { state: { version: 4, status: "online", isHidden: false } });
  await relay.say(relay.report({ users: ["ben"] }));
  expect(await shown(world)).toBe(0);
  expect(await world.count()).toBe(1);
  await world.restart();
  expect(await shown(world)).toBe(0);
});

test("[RY90] what was said of users who never came is forgotten, and an older word counts for nothing", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  await world.channel.setMember("ben", ["ben-1"], hidden);
  await world.pass(61_000);
  const newer: MemberState = { version: 6, status: "online", isHidden: false };
  await world.channel.setMember("cleo", ["cleo-1"], hidden);
  relay.keep("ben", { state: { version: 4, status: "online", isHidden: false } });
  relay.keep("cleo", { state: newer });
  await relay.say(relay.report({ users: ["ben", "cleo"] }));
  expect(await shown(world)).toBe(2);
});
