import { expect, test } from "vitest";
import { Walk } from "../../src/objects/walk.ts";

const turns = async () => {
  for (let i = 0; i < 20; i++) await Promise.resolve();
};

/** A walk over these, each of which is done when the test says so. */
function walkOver(...items: string[]) {
  const begun: string[] = [];
  const ends = new Map<string, () => void>();
  const walk = new Walk(
    () => items.shift(),
    (item) => {
      begun.push(item);
      return new Promise<void>((resolve) => ends.set(item, resolve));
    },
  );
  const end = async (...which: string[]) => {
    for (const item of which) {
      ends.get(item)?.();
      await turns();
    }
  };
  return { walk, begun, end };
}

test("[LN6] a walk has so many under way, and whoever is done makes room for the next", async () => {
  const { walk, begun, end } = walkOver("a", "b", "c", "d");
  let isOver = false;
  const over = walk.go(2).then(() => (isOver = true));
  expect(begun).toEqual(["a", "b"]);
  await end("b");
  expect(begun).toEqual(["a", "b", "c"]);
  await end("c", "d");
  expect([begun.length, isOver]).toEqual([4, false]);
  await end("a");
  await over;
});

test("[LN6] a walk that is given up waits for nobody and begins with nobody else", async () => {
  const { walk, begun, end } = walkOver("a", "b", "c");
  const over = walk.go(2);
  walk.giveUp();
  await over;
  await end("a", "b");
  expect(begun).toEqual(["a", "b"]);
});

test("[LN6] what breaks off a walk is thrown", async () => {
  const walk = new Walk(
    () => "a",
    () => Promise.reject(new Error("a bug")),
  );
  await expect(walk.go(1)).rejects.toThrow("a bug");
});
