import { expect, test } from "vitest";
import { Database } from "../../src/objects/migrations.ts";
import { FIRST_RETRY_MS } from "../../src/objects/outbox.ts";
import { MIGRATIONS } from "../../src/user/schema.ts";
import { Subscriptions } from "../../src/user/subscriptions/subscriptions.ts";
import { Storage } from "../sim/storage.ts";

/** The ledger of one session, `s`, that lives until the test says otherwise. */
function bench() {
  const state = { now: 1_000_000, isLive: true };
  const sql = new Database(new Storage(), MIGRATIONS);
  const ledger = () => new Subscriptions(sql, { now: () => state.now }, () => state.isLive);
  return { state, ledger };
}

test("[SU24] who has heard of a device has not heard that the session is over", () => {
  const { state, ledger } = bench();
  const subscriptions = ledger();
  subscriptions.put("s", "c", undefined);
  subscriptions.deviceChanged("s", () => false);
  const [device] = subscriptions.owed();
  state.isLive = false;
  expect(subscriptions.owes(device?.id ?? "")).toBe(false);
  subscriptions.settle(device?.id ?? "");
  const [over] = subscriptions.owed();
  expect(over).toMatchObject({ owes: "closed", tries: 0 });
  subscriptions.settle(over?.id ?? "");
  expect([subscriptions.owed(), ledger().owed()]).toEqual([[], []]);
});

test("[SU24] that a session is over waits for no device that could not be told, also after sleep", () => {
  const { state, ledger } = bench();
  const subscriptions = ledger();
  subscriptions.put("s", "c", undefined);
  subscriptions.deviceChanged("s", () => false);
  subscriptions.postpone(subscriptions.owed()[0]?.id ?? "", 12, state.now + 3_600_000);
  state.isLive = false;
  const soon = { owes: "closed", tries: 0, dueAt: state.now + FIRST_RETRY_MS };
  expect(subscriptions.owed()).toMatchObject([soon]);
  const awake = ledger();
  expect(awake.owed()).toMatchObject([soon]);
  awake.postpone(awake.owed()[0]?.id ?? "", 1, state.now + 10_000);
  const later = { owes: "closed", tries: 1, dueAt: state.now + 10_000 };
  expect([...awake.owed(), ...ledger().owed()]).toMatchObject([later, later]);
});
