import fc from "fast-check";
import { expect, test } from "vitest";
import { fanOut } from "../../src/objects/fan-out.ts";

/** Calls everybody as the plan says: how often each was reached, at which depth, and how many the busiest called. */
function carriedOut(targets: readonly string[], width: number) {
  const reached = new Map<string, number>();
  let depth = 0;
  let widest = 0;
  const call = (rest: readonly string[], at: number) => {
    const branches = fanOut(rest, width);
    widest = Math.max(widest, branches.length);
    for (const branch of branches) {
      reached.set(branch.to, (reached.get(branch.to) ?? 0) + 1);
      depth = Math.max(depth, at);
      call(branch.rest, at + 1);
    }
  };
  call(targets, 1);
  return { reached, depth, widest };
}

const targetsOf = (count: number) => Array.from({ length: count }, (_, i) => `r${i}`);

test("[FO1] a fan-out reaches everyone exactly once, calls at most `width` from one place, and is as deep as a logarithm", () => {
  const cases = fc.tuple(fc.integer({ min: 0, max: 5000 }), fc.integer({ min: 2, max: 64 }));
  fc.assert(
    fc.property(cases, ([count, width]) => {
      const targets = targetsOf(count);
      const { reached, depth, widest } = carriedOut(targets, width);
      expect([...reached.keys()].sort()).toEqual([...targets].sort());
      expect(Math.max(0, ...reached.values())).toBeLessThanOrEqual(1);
      expect(widest).toBeLessThanOrEqual(width);
      // A full tree of depth d holds width + width² + ... + width^d.
      let most = 0;
      let steps = 0;
      for (let layer = width; most < count; layer *= width, steps++) most += layer;
      expect(depth).toBeLessThanOrEqual(steps + 1);
    }),
    { numRuns: 300 },
  );
});

test("[FO2] a fan-out of no more than its width calls everyone itself", () => {
  expect(fanOut(targetsOf(3), 3)).toEqual(targetsOf(3).map((to) => ({ to, rest: [] })));
  expect(fanOut(targetsOf(7), 3)).toEqual([
    { to: "r0", rest: ["r1"] },
    { to: "r2", rest: ["r3"] },
    { to: "r4", rest: ["r5", "r6"] },
  ]);
});
