import { expect, test } from "vitest";
import { channelShard, shardNames, userShard } from "../../src/objects/shards.ts";

const NAMES = Array.from({ length: 4000 }, (_, i) => `user-${i}`);

test("[DI1] a name has one shard, the same for ever, and another number of shards has other ones", () => {
  // Written down, because a shard that is found by another name is a shard that is lost.
  expect([userShard("ann", 4), userShard("u@b.c", 4), channelShard("lobby", 4)]).toEqual([
    "1-of-4",
    "2-of-4",
    "3-of-4",
  ]);
  expect(shardNames(3)).toEqual(["0-of-3", "1-of-3", "2-of-3"]);
  const [four, eight] = [new Set(shardNames(4)), shardNames(8)];
  expect(eight.filter((shard) => four.has(shard))).toEqual([]);
});

test("[DI2] names are spread evenly over the shards, also those that differ in their end only", () => {
  for (const shards of [4, 7, 256]) {
    for (const shardOf of [userShard, channelShard]) {
      const sizes = new Map(shardNames(shards).map((shard) => [shard, 0]));
      for (const name of NAMES) {
        const shard = shardOf(name, shards);
        expect(sizes.has(shard)).toBe(true);
        sizes.set(shard, (sizes.get(shard) ?? 0) + 1);
      }
      const fair = NAMES.length / shards;
      expect(Math.max(...sizes.values())).toBeLessThan(fair + 6 * Math.sqrt(fair));
      expect(Math.min(...sizes.values())).toBeGreaterThan(fair - 6 * Math.sqrt(fair));
    }
  }
});
