import { expect, test } from "vitest";
import { mapAtMost } from "../../src/objects/at-most.ts";

test("[DI3] of many calls at most so many are under way, and the results keep the order of the questions", async () => {
  let underWay = 0;
  let most = 0;
  const items = Array.from({ length: 50 }, (_, i) => i);
  const results = await mapAtMost(7, items, async (i) => {
    most = Math.max(most, ++underWay);
    for (let turns = 0; turns < (i * 5) % 11; turns++) await Promise.resolve();
    underWay--;
    return i * 2;
  });
  expect(results).toEqual(items.map((i) => i * 2));
  expect(most).toBe(7);
  await expect(mapAtMost(3, items, (i) => Promise.reject(new Error(String(i))))).rejects.toThrow("0");
});
