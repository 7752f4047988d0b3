import { expect, test } from "vitest";
import { DebtIndex } from "../../src/objects/debt-index.ts";
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

/** An outbox that pays what is owed to one target together: an id is its target, a dash and a number. */
function grouped() {
  const debts = new Map<string, Debt>();
  const state = { now: 0, sent: [] as string[], settled: [] as string[], fails: false };
  const answers: (() => void)[] = [];
  const turns = async () => {
    for (let i = 0; i < 10; i++) await Promise.resolve();
  };
  const outbox = new Outbox<Debt>(
    {
      clock: { now: () => state.now },
      background: { run: () => {} },
      log: { warn: () => {} },
    },
    {
      owed: () => [...debts.values()],
      owes: (id) => debts.has(id),
      postpone: (id, tries, dueAt) => void debts.set(id, { id, tries, dueAt }),
    },
    {
      to: ({ id }) => id.split("-")[0] ?? "",
      async pay(paid) {
        state.sent.push(paid.map(({ id }) => id).join(" "));
        await new Promise<void>((resolve) => answers.push(resolve));
        if (state.fails) throw new Error("unreachable");
      },
    },
    (id) => {
      state.settled.push(id);
      debts.delete(id);
      outbox.forget(id);
    },
  );
  const owe = (...ids: string[]) => {
    for (const id of ids) debts.set(id, { id, tries: 0, dueAt: state.now + FIRST_RETRY_MS });
  };
  const answer = async (most = answers.length) => {
    for (const reply of answers.splice(0, most)) reply();
    await turns();
  };
  const last = async () => {
    answers.pop()?.();
    await turns();
  };
  return { outbox, state, owe, answer, last };
}

test("[LN4] what is owed to one target leaves together, one call at a time", async () => {
  const { outbox, state, owe, answer } = grouped();
  owe("a-1", "a-2", "b-1");
  outbox.kick();
  expect(state.sent).toEqual(["a-1 a-2", "b-1"]);
  owe("a-3");
  outbox.kick();
  owe("a-4");
  outbox.kick();
  expect(state.sent).toHaveLength(2);
  await answer();
  expect(state.sent.slice(2)).toEqual(["a-3 a-4"]);
  await answer();
  expect(state.settled.toSorted()).toEqual(["a-1", "a-2", "a-3", "a-4", "b-1"]);
});

test("[LN4] who has to be tried again is paid by itself, and holds up no other", async () => {
  const { outbox, state, owe, answer } = grouped();
  state.fails = true;
  owe("a-1", "a-2");
  outbox.kick();
  await answer();
  expect(state.settled).toEqual([]);
  state.fails = false;
  state.now = FIRST_RETRY_MS;
  outbox.run(state.now);
  owe("a-3");
  outbox.kick();
  expect(state.sent.slice(1)).toEqual(["a-1", "a-2", "a-3"]);
  await answer();
  expect(state.settled.toSorted()).toEqual(["a-1", "a-2", "a-3"]);
});

test("[LN4] what waits behind a call without an answer is paid by itself once it is due, and not twice at once", async () => {
  const { outbox, state, owe, answer } = grouped();
  owe("a-1");
  outbox.kick();
  owe("a-2");
  outbox.kick();
  state.now = FIRST_RETRY_MS;
  outbox.run(state.now);
  expect(state.sent).toEqual(["a-1", "a-2"]);
  await answer(1); // its turn comes, while it is under way
  await answer();
  expect(state.settled).toEqual(["a-1", "a-2"]);
  expect(state.sent).toHaveLength(2);
});

test("[LN4] what was paid while it waited is not paid again", async () => {
  const { outbox, state, owe, answer, last } = grouped();
  owe("a-1");
  outbox.kick();
  owe("a-2");
  outbox.kick();
  state.now = FIRST_RETRY_MS;
  outbox.run(state.now);
  await last(); // by itself, before its turn comes
  expect(state.settled).toEqual(["a-2"]);
  await answer();
  expect(state.sent).toEqual(["a-1", "a-2"]);
});

test("[MT7] a debt of an indexed ledger counts also between its tries", () => {
  const rows = new Map([["a", { id: "a", tries: 0, dueAt: FIRST_RETRY_MS }]]);
  const index = new DebtIndex((id: string) => rows.get(id));
  index.put("a", FIRST_RETRY_MS);
  const ledger = {
    owed: () => [...rows.values()],
    owes: (id: string) => rows.has(id),
    postpone: (id: string, tries: number, dueAt: number) => {
      rows.set(id, { id, tries, dueAt });
      index.put(id, dueAt);
    },
    index,
  };
  const ports = { clock: { now: () => 0 }, background: { run: () => {} }, log: { warn: () => {} } };
  const outbox = new Outbox(
    ports as never,
    ledger,
    () => new Promise(() => {}),
    () => {},
  );
  for (let tries = 0; tries < 5; tries++) {
    outbox.run(outbox.nextAt() ?? 0); // postponed in the turn in which it is tried
    expect(outbox.backlog()).toEqual({ debts: 1, oldestAt: 0 });
  }
});

test("[MT7] an outbox knows how much it owes, and since when the oldest by its tries", async () => {
  const { outbox, state, owe, quiet } = bench();
  state.now = 100_000;
  owe("old");
  state.fails = true;
  outbox.kick();
  await quiet();
  for (let tries = 0; tries < 3; tries++) {
    state.now = outbox.nextAt() ?? 0;
    outbox.run(state.now);
    await quiet();
  }
  owe("young");
  expect(outbox.backlog()).toEqual({ debts: 2, oldestAt: 100_000 });
  state.fails = false;
  state.now = outbox.nextAt() ?? 0;
  outbox.run(state.now);
  await quiet();
  expect(outbox.backlog().debts).toBe(1);
});
