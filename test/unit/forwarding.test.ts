import { expect, test } from "vitest";
import { Forwarding } from "../../src/channel/subscribers/forwarding.ts";
import { PushDebtTable } from "../../src/channel/subscribers/push-debt-table.ts";
import { SubscribedUsers } from "../../src/channel/subscribers/subscribed-users.ts";
import type { Objects, Sql } from "../../src/objects/ports.ts";
import type { Delivery } from "../../src/objects/subscribing.ts";

const START = 1_000_000;

/** A channel that tells all these users, on a clock that stands. */
function channelOf(users: string[], now = START) {
  const state = {
    now,
    isTelling: false,
    subscribed: new Map(users.map((user) => [user, new Map([["s", 1]])])),
  };
  const numbers = new Map<string, number[]>();
  const work: Promise<void>[] = [];
  const noRows: Sql = { all: () => [], run: () => undefined } as unknown as Sql;
  const take = (user: string, { number }: Delivery) => {
    numbers.set(user, [...(numbers.get(user) ?? []), number]);
    return Promise.resolve({ gone: [] });
  };
  const objects = { user: (user: string) => ({ deliver: (delivery: Delivery) => take(user, delivery) }) };
  const source = {
    channel: "c",
    epoch: () => "e",
    top: () => 0,
    roster: () => "r",
    isTelling: () => state.isTelling,
  };
  const targets = new SubscribedUsers(
    objects as unknown as Objects,
    () => state.subscribed,
    () => undefined,
  );
  const forwarding = new Forwarding(
    "users",
    {
      clock: { now: () => state.now },
      background: { run: (promise) => void work.push(promise) },
      log: { warn: () => undefined },
    },
    { source, targets, debts: new PushDebtTable(noRows, () => true) },
    () => undefined,
  );
  /** Until everybody has it. */
  const signal = async () => {
    forwarding.tell({ is: "signal", text: "x" });
    for (let next = work.shift(); next !== undefined; next = work.shift()) await next;
  };
  return { state, forwarding, signal, of: (user: string) => numbers.get(user) ?? [] };
}

test("[SU26] the number of a delivery runs ahead of the clock by those of one user, not of all", async () => {
  const users = Array.from({ length: 500 }, (_, i) => `u${i}`);
  const before = channelOf(users);
  for (let i = 0; i < 20; i++) await before.signal();
  for (const user of users) expect(before.of(user)).toEqual(Array.from({ length: 20 }, (_, i) => START + i));
  const after = channelOf(users, START + 100); // it restarts a moment later
  await after.signal();
  for (const user of users) expect(after.of(user)[0]).toBeGreaterThan(before.of(user).at(-1) ?? 0);
});

test("[SU26] who left and comes back is told higher numbers than before, however quiet it was", async () => {
  const { state, forwarding, signal, of } = channelOf(["ann"]);
  for (let i = 0; i < 10; i++) await signal();
  const [ann] = state.subscribed;
  for (const later of [0, 5, 1]) {
    state.subscribed.clear();
    state.now += later;
    forwarding.run(state.now);
    if (ann !== undefined) state.subscribed.set(...ann);
    await signal();
  }
  const numbers = of("ann");
  expect(numbers).toHaveLength(13);
  expect(numbers).toEqual([...new Set(numbers)].sort((a, b) => a - b));
});

test("[SU13] an alarm that fires while a change of the roster waits for its tick is followed by another", () => {
  const { state, forwarding } = channelOf(["ann"]);
  const fires = () => {
    state.now += 5000;
    forwarding.run(state.now);
    return forwarding.nextAt();
  };
  expect(forwarding.nextAt()).toBeNull();
  forwarding.expect();
  expect(forwarding.nextAt()).toBe(START + 5000);
  state.isTelling = true;
  expect(fires()).toBe(START + 10_000);
  state.isTelling = false;
  expect(fires()).toBeNull();
  state.subscribed.clear();
  forwarding.expect(); // nobody is there to be told
  expect(forwarding.nextAt()).toBeNull();
});
