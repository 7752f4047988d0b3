import { expect, test } from "vitest";
import { CallQueue } from "../../src/connections/call-queue.ts";
import type { Connection } from "../../src/connections/connection.ts";

const connection = () => ({}) as Connection;

test("[MS5] calls of one connection wait for one another, those of two do not", async () => {
  const queue = new CallQueue();
  const [one, other] = [connection(), connection()];
  const order: string[] = [];
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const slow = queue.add(one, () => held.then(() => void order.push("slow")));
  const next = queue.add(one, async () => void order.push("next"));
  await queue.add(other, async () => void order.push("other"));
  release();
  await Promise.all([slow, next]);
  expect(order).toEqual(["other", "slow", "next"]);
});

test("[MS5] a call that throws takes no other with it", async () => {
  const queue = new CallQueue();
  const one = connection();
  const failed = queue.add(one, () => Promise.reject(new Error("a bug")));
  const next = queue.add(one, async () => {});
  await expect(failed).rejects.toThrow("a bug");
  await expect(next).resolves.toBeUndefined();
});

test("[MS5] no more than 256 wait, and room comes back", async () => {
  const queue = new CallQueue();
  const one = connection();
  const added = Array.from({ length: 257 }, () => queue.add(one, async () => {}));
  expect(added.filter((turn) => turn === undefined)).toHaveLength(1);
  await Promise.all(added);
  expect(queue.add(one, async () => {})).toBeDefined();
});
