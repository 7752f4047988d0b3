import { expect, test } from "vitest";
import { TypingSignals } from "../../src/react/typing-signals.ts";
import { Typists } from "../../src/react/typists.ts";
import { FakeTimers } from "../fixtures/fake-timers.ts";

function composer(isOpen = () => true) {
  const timers = new FakeTimers();
  const said: string[] = [];
  const signals = new TypingSignals(timers, (event) => {
    if (isOpen()) said.push(event);
    return isOpen();
  });
  return { timers, said, signals };
}

test("[RE8] that somebody types is said at the first letter, and again at most every three seconds", async () => {
  const { timers, said, signals } = composer();
  for (let letters = 0; letters < 70; letters++) {
    signals.started();
    await timers.pass(100);
  }
  expect(said).toEqual(["typing.started", "typing.started", "typing.started"]);
});

test("[RE8] that somebody has stopped is said at once, or four seconds after the last letter, and once", async () => {
  const { timers, said, signals } = composer();
  signals.started();
  signals.stopped();
  signals.stopped();
  expect(said).toEqual(["typing.started", "typing.stopped"]);
  signals.started(); // the next letter is news again
  await timers.pass(3_999);
  expect(said).toHaveLength(3);
  await timers.pass(60_000);
  expect(said.slice(3)).toEqual(["typing.stopped"]);
});

test("[RE8] what could not be said is said at the next letter", () => {
  let isOpen = false;
  const { said, signals } = composer(() => isOpen);
  signals.started();
  isOpen = true;
  signals.started();
  expect(said).toEqual(["typing.started"]);
});

test("[RE8] who types is shown until they stop, and seven seconds where nothing more is heard", async () => {
  const timers = new FakeTimers();
  const typists = new Typists(timers);
  let renders = 0;
  typists.users.subscribe(() => renders++);
  typists.started("ben");
  typists.started("cid");
  await timers.pass(6_000);
  typists.started("ben"); // still: no news
  expect([typists.users.get(), renders]).toEqual([["ben", "cid"], 2]);
  await timers.pass(1_000);
  expect(typists.users.get()).toEqual(["ben"]);
  typists.stopped("ben");
  typists.stopped("ben");
  expect([typists.users.get(), renders]).toEqual([[], 4]);
});
