import { expect, test, vi } from "vitest";
import { Database } from "../../src/objects/migrations.ts";
import {
  INBOX_MESSAGE_MIGRATION,
  InboxMessageTable,
  type QueuedMessage,
} from "../../src/user/inbox/inbox-message-table.ts";
import { Retention } from "../../src/user/inbox/retention.ts";
import { ObjectBench } from "../fixtures/object-bench.ts";

/** An inbox of so many messages: what is shown before it goes, and how many rows were read for it. */
function shown(messages: number, settings: Record<string, string>, endOf: (seq: number) => number | null) {
  const bench = new ObjectBench({}, settings);
  const table = new InboxMessageTable(new Database(bench.storage, [INBOX_MESSAGE_MIGRATION]));
  for (let seq = 1; seq <= messages; seq++) {
    table.insert(seq, bench.now, endOf(seq), { sender: "s", event: "e", dataJson: String(seq) });
  }
  const calls: number[][] = [];
  const note = (going: readonly QueuedMessage[]) => void calls.push(going.map(({ seq }) => seq));
  const after = vi.spyOn(table, "after");
  const rowsRead = () =>
    after.mock.results.reduce((sum, { value }) => sum + (value as QueuedMessage[]).length, 0);
  return { now: bench.now, table, retention: new Retention(table, bench.settings, note), calls, rowsRead };
}

const upTo = (last: number, from = 1) => Array.from({ length: last - from + 1 }, (_, i) => from + i);

test("[EV12] of what is over each row is read once to be told, however it ends, and fifty are told together", () => {
  const { now, retention, calls, rowsRead, table } = shown(400, {}, (seq) => (seq <= 120 ? 1 : null));
  expect(retention.deleteEnded(now, 20)).toMatchObject({ deleted: 120, unfetched: 100 });
  expect(calls).toEqual([upTo(70, 21), upTo(120, 71)]);
  expect(rowsRead()).toBe(100);
  const later = now + 10 ** 12;
  expect(retention.deleteEnded(later, 150)).toMatchObject({ deleted: 280, unfetched: 250, isDone: true });
  expect(calls.slice(2).flat()).toEqual(upTo(400, 151));
  expect(rowsRead()).toBe(350);
  expect(table.top()).toBe(0);
});

test("[EV12] one that is pushed out of a full inbox is read alone", () => {
  const { retention, calls, rowsRead } = shown(100, { INBOX_SIZE: "100" }, () => null);
  expect(retention.makeRoom("s", 0)).toBe(1);
  expect(calls).toEqual([[1]]);
  expect(rowsRead()).toBe(1);
});
