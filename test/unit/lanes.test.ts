import { expect, test } from "vitest";
import { Lanes } from "../../src/objects/lanes.ts";

/** Lanes whose calls end when the test says so, on a clock that stands. */
function lanesOf(width: number) {
  const state = { now: 1000 };
  const called: string[] = [];
  const failed: string[] = [];
  const late: string[] = [];
  const ends = new Map<string, (cause?: Error) => void>();
  const work: Promise<void>[] = [];
  const lanes = new Lanes<string[]>(
    { clock: { now: () => state.now }, background: { run: (promise) => void work.push(promise) } },
    width,
    {
      load: () => [],
      async call(target, load, isAwaited) {
        called.push(`${target}: ${load.join(" ")}`);
        await new Promise<void>((resolve, reject) =>
          ends.set(target, (cause) => (cause === undefined ? resolve() : reject(cause))),
        );
        if (!isAwaited()) late.push(target);
      },
      failed: (target) => void failed.push(target),
    },
  );
  const say = (target: string, ...words: string[]) => {
    for (const word of words) lanes.of(target).push(word);
    lanes.go();
  };
  const end = async (target: string, cause?: Error) => {
    ends.get(target)?.(cause);
    for (let i = 0; i < 5; i++) await Promise.resolve();
  };
  return { state, lanes, called, failed, late, say, end };
}

test("[LN1] a target is called once at a time; what comes meanwhile leaves as one load with the next call", async () => {
  const { lanes, called, say, end } = lanesOf(10);
  say("a", "1");
  say("a", "2");
  say("a", "3");
  say("b", "4");
  expect(called).toEqual(["a: 1", "b: 4"]);
  await end("a");
  expect(called).toEqual(["a: 1", "b: 4", "a: 2 3"]);
  await end("a");
  await end("b");
  expect(lanes.isQuiet).toBe(true);
  expect(called).toHaveLength(3);
});

test("[LN2] no more calls than the width are under way, and who has waited longest is called first", async () => {
  const { called, say, end } = lanesOf(2);
  for (const target of ["a", "b", "c", "d", "e"]) say(target, "x");
  expect(called).toEqual(["a: x", "b: x"]);
  await end("b");
  await end("a");
  expect(called).toEqual(["a: x", "b: x", "c: x", "d: x"]);
});

test("[LN3] a call that is given up frees its lane; what it brings later is not awaited", async () => {
  const { state, lanes, called, failed, late, say, end } = lanesOf(1);
  say("a", "1");
  say("a", "2");
  say("b", "3");
  state.now += 500;
  lanes.giveUp(state.now - 501);
  expect(failed).toEqual([]);
  lanes.giveUp(state.now - 500);
  expect(failed).toEqual(["a"]); // and what waited for it is dropped
  expect(called).toEqual(["a: 1", "b: 3"]);
  await end("a");
  expect(late).toEqual(["a"]);
  expect(failed).toEqual(["a"]);
  say("a", "4");
  await end("b", new Error("gone"));
  expect(failed).toEqual(["a", "b"]);
  expect(called).toEqual(["a: 1", "b: 3", "a: 4"]);
});
