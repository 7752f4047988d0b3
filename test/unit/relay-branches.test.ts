import { expect, test } from "vitest";
import { Forwarding, type Targets } from "../../src/channel/subscribers/forwarding.ts";
import { PushDebtTable } from "../../src/channel/subscribers/push-debt-table.ts";
import type { Sql } from "../../src/objects/ports.ts";

/** A head and its branch, and a call that ends when the test says so. */
function branch(rest: string[]) {
  const state = { rest, isMoved: false, now: 1_000_000 };
  const calls: { rest: readonly string[]; fail(): void; answer(): void }[] = [];
  const targets: Targets = {
    isEmpty: () => false,
    has: () => true,
    heads: () => ["a"],
    rest: () => state.rest,
    takeMoved: () => {
      const { isMoved } = state;
      state.isMoved = false;
      return isMoved;
    },
    call: (_, to) =>
      new Promise((resolve, reject) => {
        calls.push({ rest: to, fail: () => reject(new Error("no answer")), answer: () => resolve([]) });
      }),
  };
  const noRows = { all: () => [], run: () => undefined } as unknown as Sql;
  const debts = new PushDebtTable(noRows, () => true);
  const ports = {
    clock: { now: () => state.now },
    background: { run: () => undefined },
    log: { warn: () => undefined },
  };
  const source = { channel: "c", epoch: () => "e", top: () => 0, roster: () => "r", isTelling: () => false };
  const forwarding = new Forwarding("relays", ports, { source, targets, debts }, () => undefined);
  return { state, calls, debts, forwarding };
}

const signal = { is: "signal", text: "x" } as const;
const message = { is: "message", text: "x", offset: 1, event: "message" } as const;

test("[RY91] where a call fails, who has joined its branch since is owed the word too: what waited for them is dropped", async () => {
  const { state, calls, debts, forwarding } = branch(["b"]);
  forwarding.tell(signal);
  state.rest = ["c"];
  forwarding.tell(signal);
  calls[0]?.fail();
  await new Promise(setImmediate);
  expect(["a", "b", "c"].map((relay) => debts.owes(relay))).toEqual([true, true, true]);
});

test("[RY91] once branches have changed everybody is told where the channel stands, within five seconds", async () => {
  const { state, calls, forwarding } = branch(["b"]);
  forwarding.tell(message);
  calls[0]?.answer();
  await new Promise(setImmediate);
  state.isMoved = true;
  state.now += 5000;
  forwarding.run(state.now);
  expect(calls).toHaveLength(2);
  calls[1]?.answer();
  await new Promise(setImmediate);
  state.now += 5000;
  forwarding.run(state.now);
  expect(calls).toHaveLength(2);
  expect(forwarding.nextAt()).toBeNull();
});
