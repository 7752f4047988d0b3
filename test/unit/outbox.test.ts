import { expect, test } from "vitest";
import { type Debt, FIRST_RETRY_MS, Outbox, STILL_OWED } from "../../src/objects/outbox.ts";

/** An outbox over debts in a map, with a creditor that answers when the test says so. */
function bench() {
  const debts = new Map<string, Debt>();
  const state = {
    now: 0,
    sent: [] as string[],
    settled: [] as string[],
    warned: [] as string[],
    fails: false,
    answer: undefined as unknown,
  };
  const underWay: Promise<void>[] = [];
  const outbox = new Outbox<Debt>(
    {
      clock: { now: () => state.now },
      background: { run: (work) => void underWay.push(work) },
      log: { warn: (event) => void state.warned.push(event) },
    },
    {
      owed: () => [...debts.values()],
      owes: (id) => debts.has(id),
      postpone: (id, tries, dueAt) => void debts.set(id, { id, tries, dueAt }),
    },
    async ({ id }) => {
      state.sent.push(id);
      if (state.fails) throw new Error("unreachable");
      return state.answer;
    },
    (id) => void state.settled.push(id),
  );
  const owe = (id: string) => debts.set(id, { id, tries: 0, dueAt: state.now + FIRST_RETRY_MS });
  const quiet = async () => void (await Promise.all(underWay.splice(0)));
  return { outbox, state, debts, owe, quiet };
}

test("[OB1] a debt is sent at once and settled by the answer", async () => {
  const { outbox, state, owe, quiet } = bench();
  owe("a");
  outbox.kick();
  outbox.kick(); // under way already
  await quiet();
  expect(state).toMatchObject({ sent: ["a"], settled: ["a"] });
  expect(outbox.isSettled("a")).toBe(true);
  expect(outbox.nextAt()).toBeNull();
});

test("[OB2] until it is confirmed a debt is due again, so a crash in between loses nothing", () => {
  const { outbox, state, owe } = bench();
  owe("a");
  expect(outbox.nextAt()).toBe(FIRST_RETRY_MS);
  outbox.kick();
  expect(outbox.nextAt()).toBe(FIRST_RETRY_MS);
  expect(state.settled).toEqual([]);
});

test("[OB3] a failed debt waits longer each time, is parked at last, and is tried for ever", async () => {
  const { outbox, state, debts, owe, quiet } = bench();
  state.fails = true;
  owe("a");
  outbox.kick();
  await quiet();
  const waits: number[] = [];
  for (let i = 0; i < 15; i++) {
    state.now = outbox.nextAt() ?? 0;
    outbox.run(state.now);
    await quiet();
    waits.push((debts.get("a")?.dueAt ?? 0) - state.now);
  }
  expect(waits.slice(0, 4)).toEqual([10_000, 20_000, 40_000, 80_000]);
  expect(Math.max(...waits.slice(0, 11))).toBe(600_000);
  expect(waits.slice(11)).toEqual([3_600_000, 3_600_000, 3_600_000, 3_600_000]);
  expect(state.warned.filter((event) => event === "debt parked")).toHaveLength(1);
  state.fails = false;
  state.now = outbox.nextAt() ?? 0;
  outbox.run(state.now);
  await quiet();
  expect(state.settled).toEqual(["a"]);
});

test("[OB4] one debt that fails holds up no other", async () => {
  const { outbox, state, debts, owe, quiet } = bench();
  state.fails = true;
  owe("a");
  outbox.kick();
  await quiet();
  state.fails = false;
  owe("b");
  outbox.kick();
  await quiet();
  expect(state.settled).toEqual(["b"]);
  expect(debts.get("a")?.tries).toBe(0);
});

test("[OB5] of many debts at most a hundred are under way, and all are paid", async () => {
  const { outbox, state, owe, quiet } = bench();
  for (let i = 0; i < 250; i++) owe(`d${i}`);
  outbox.kick();
  expect(state.sent).toHaveLength(100);
  while (state.settled.length < 250) await quiet();
  expect(new Set(state.sent).size).toBe(250);
});

test("[OB6] a debt that its call says still stands is due again, and no failure", async () => {
  const { outbox, state, owe, quiet } = bench();
  state.answer = STILL_OWED;
  owe("a");
  outbox.kick();
  await quiet();
  expect(state).toMatchObject({ sent: ["a"], settled: [], warned: [] });
  state.answer = undefined;
  state.now = outbox.nextAt() ?? 0;
  outbox.run(state.now);
  await quiet();
  expect(state).toMatchObject({ sent: ["a", "a"], settled: ["a"] });
});

test("[OB8] of a debt that a newer word replaced nothing is remembered: owed anew, it is sent at once", async () => {
  for (const fails of [false, true]) {
    const { outbox, state, debts, owe, quiet } = bench();
    state.fails = fails;
    owe("a");
    outbox.kick();
    debts.delete("a"); // while it is under way
    await quiet();
    expect(state.settled).toEqual([]);
    owe("a");
    outbox.kick();
    await quiet();
    expect(state.sent).toEqual(["a", "a"]);
  }
});
