import { expect, test } from "vitest";
import { DueTimes, type Duty } from "../../src/objects/due-times.ts";

/** A clock and an alarm as the platform has them: one alarm, null while its handler runs. */
function bench() {
  const state = { now: 0, at: null as number | null, sets: 0, warned: [] as string[] };
  const ports = {
    clock: { now: () => state.now },
    alarm: {
      at: () => state.at,
      set: (at: number) => {
        state.at = at;
        state.sets += 1;
      },
    },
    log: { warn: (event: string) => void state.warned.push(event) },
  };
  return { state, ports };
}

/** A duty at a time of the test's choosing, done once. */
function duty(
  name: string,
  at: number | null,
  run: () => void = () => undefined,
): Duty & { at: number | null } {
  return {
    name,
    at,
    nextAt() {
      return this.at;
    },
    run() {
      run();
      this.at = null;
    },
  };
}

test("[DU1] the alarm is set only when the earliest duty moves earlier", () => {
  const { state, ports } = bench();
  const [a, b] = [duty("a", 500), duty("b", 300)];
  const due = new DueTimes(ports, [a, b]);
  due.arm();
  expect([state.at, state.sets]).toEqual([300, 1]);
  b.at = 400; // later: the alarm at 300 will fire in vain
  due.arm();
  expect([state.at, state.sets]).toEqual([300, 1]);
  a.at = 100;
  due.arm();
  expect([state.at, state.sets]).toEqual([100, 2]);
});

test("[DU2] an object with nothing due sets no alarm", () => {
  const { state, ports } = bench();
  new DueTimes(ports, [duty("a", null)]).arm();
  expect(state.sets).toBe(0);
});

test("[DU3] an alarm does what is due, leaves the rest, and is set again for it", () => {
  const { state, ports } = bench();
  const done: string[] = [];
  const due = new DueTimes(ports, [
    duty("a", 100, () => done.push("a")),
    duty("b", 200, () => done.push("b")),
  ]);
  state.now = 150;
  due.fire();
  expect(done).toEqual(["a"]);
  expect(state.at).toBe(200);
});

test("[F19] a duty that throws holds up no other, is logged, and is tried again later", () => {
  const { state, ports } = bench();
  const done: string[] = [];
  let isPoisoned = true;
  const poisoned = duty("poisoned", 100, () => {
    if (isPoisoned) throw new Error("poison");
    done.push("poisoned");
  });
  const due = new DueTimes(ports, [poisoned, duty("healthy", 100, () => done.push("healthy"))]);
  state.now = 100;
  due.fire();
  expect(done).toEqual(["healthy"]);
  expect(state.warned).toEqual(["duty failed"]);
  expect(state.at).toBe(30_100);
  for (let i = 0; i < 10; i++) {
    state.now = state.at ?? 0;
    state.at = null;
    due.fire();
    expect(state.at).toBe(state.now + 30_000);
  }
  isPoisoned = false;
  state.now = state.at ?? 0;
  due.fire();
  expect(done).toEqual(["healthy", "poisoned"]);
});

test("[DU4] an alarm that should have fired a minute ago is set again by whatever wakes the object", () => {
  const { state, ports } = bench();
  const due = new DueTimes(ports, [duty("a", 1000)]);
  state.at = 900;
  state.now = 60_900;
  due.arm();
  expect([state.at, state.sets]).toEqual([1000, 1]);
});

test("[F20] an alarm that fires twice does nothing twice", () => {
  const { state, ports } = bench();
  let done = 0;
  const due = new DueTimes(ports, [duty("a", 100, () => (done += 1))]);
  state.now = 100;
  due.fire();
  due.fire();
  expect(done).toBe(1);
});
