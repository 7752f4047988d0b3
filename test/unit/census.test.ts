import { expect, it } from "vitest";
import { Census } from "../../src/directory/census.ts";
import type { Held } from "../../src/objects/directory-port.ts";
import { SeededRandom } from "../sim/seeded-random.ts";

const held = (connections: Record<string, number>, more: Partial<Held> = {}): Held => {
  return { connections, watches: 0, watchers: 0, subscriptions: 0, ...more };
};
const phone = held({ "websocket mobile": 1 });

it("[MT3] sessions are counted by transport and device, and as many as are listed", () => {
  const census = new Census(() => [
    { name: "ann", size: 3, held: held({ "websocket web": 2, "sse other": 1 }) },
    { name: "ben", size: 2, held: phone }, // came to a second session since
    { name: "old", size: 1, held: null }, // of a version that said nothing
  ]);
  expect(census.result()).toMatchObject({
    connections: { "websocket web": 2, "sse other": 1, "websocket mobile": 1, "unknown unknown": 2 },
    usersBySessions: [
      [1, 1],
      [2, 1],
      [3, 1],
    ],
  });
});

it("[MT4] of the most watched there are ten, the most first; who leaves is among them no more", () => {
  const census = new Census(() =>
    Array.from({ length: 12 }, (_, i) => ({ name: `u${i}`, size: 1, held: held({}, { watchers: i }) })),
  );
  expect(census.result().mostWatched.map(([user]) => user)).toEqual(
    Array.from({ length: 10 }, (_, i) => `u${11 - i}`),
  );
  census.written("u11", { size: 1, held: held({}, { watchers: 11 }) }, undefined);
  expect(census.result().mostWatched[0]).toEqual(["u10", 10]);
  expect(census.result().mostWatched).toHaveLength(10);
});

it("[MT3] [MT4] kept up through thousands of words it is what counting anew says", () => {
  const random = new SeededRandom(7);
  const rows = new Map<string, { size: number; held: Held }>();
  const later = new Map<string, Held>();
  const census = new Census(() => [...rows].map(([name, row]) => ({ name, ...row })));
  const anyHeld = () =>
    held(
      { [random.pick(["websocket web", "sse tv", "websocket mobile"]) ?? ""]: random.between(1, 4) },
      { watches: random.between(0, 5), watchers: random.between(0, 30), subscriptions: random.between(0, 9) },
    );
  for (let step = 0; step < 5000; step++) {
    if (step === 500) census.result(); // somebody asks for the first time
    const name = `u${random.between(0, 40)}`;
    const before = rows.get(name);
    if (before !== undefined && random.chance(0.4)) {
      const said = anyHeld();
      census.said(name, before, said);
      if (step >= 500) later.set(name, said); // before that nobody asked
      continue;
    }
    const after = random.chance(0.3) ? undefined : { size: random.between(1, 4), held: anyHeld() };
    if (before === undefined && after === undefined) continue;
    census.written(name, before, after);
    later.delete(name);
    if (after === undefined) rows.delete(name);
    else rows.set(name, after);
  }
  const anew = new Census(() =>
    [...rows].map(([name, row]) => ({ name, size: row.size, held: later.get(name) ?? row.held })),
  );
  expect(rows.size).toBeGreaterThan(10);
  expect(later.size).toBeGreaterThan(5);
  expect(census.result()).toEqual(anew.result());
});
