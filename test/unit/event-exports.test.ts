import fc from "fast-check";
import { expect, test } from "vitest";
import { ExportedMessages, forgetExported } from "../../src/channel/log/exported-messages.ts";
import { MessageLog } from "../../src/channel/log/message-log.ts";
import { MIGRATIONS } from "../../src/channel/schema.ts";
import { eventId } from "../../src/events/event-id.ts";
import { Exports, LOOK_AFTER_MS } from "../../src/events/exports.ts";
import { Outgoing } from "../../src/events/outgoing.ts";
import { batchesOf, MAX_EVENT_BYTES, type NewEvent, queueText } from "../../src/events/queue-text.ts";
import { DueTimes } from "../../src/objects/due-times.ts";
import { Database } from "../../src/objects/migrations.ts";
import type { EventQueue } from "../../src/objects/ports.ts";
import { utf8Length } from "../../src/protocol/utf8.ts";
import { ObjectBench } from "../fixtures/object-bench.ts";

const event = (id: string, data: object = {}): NewEvent => ({
  ...{ id, type: "session.started", at: 1, dataJson: JSON.stringify(data) },
});
const idIn = (text: string) => (JSON.parse(text) as { id: string }).id;

/** A queue that takes, refuses, or keeps a try waiting for an answer that may be lost. */
class Queue implements EventQueue {
  readonly taken: string[] = [];
  readonly batches: number[] = [];
  mode: "takes" | "refuses" | "hangs" | "takes, and fails" = "takes";
  calls = 0;

  async sendBatch(texts: readonly string[]): Promise<void> {
    this.calls += 1;
    if (this.mode === "refuses") throw new Error("queue overloaded");
    if (this.mode === "hangs") return new Promise(() => {});
    this.batches.push(texts.length);
    this.taken.push(...texts.map(idIn));
    if (this.mode === "takes, and fails") throw new Error("the answer was lost");
  }
}

/** One object that exports; its storage outlives it. */
class Exporter {
  readonly bench = new ObjectBench({});
  readonly queue = new Queue();
  readonly statements: string[] = [];
  outgoing!: Outgoing;
  due!: DueTimes;

  constructor() {
    this.wake();
  }

  get ports() {
    const { sql, ...ports } = this.bench.ports;
    const counted = {
      all: sql.all.bind(sql),
      transaction: sql.transaction.bind(sql),
      run: (query: string, ...values: (string | number | null)[]) => {
        this.statements.push(query.trim().split(/\s+/).slice(0, 3).join(" "));
        sql.run(query, ...values);
      },
    };
    return { ...ports, sql: new Database(counted, MIGRATIONS), events: this.queue };
  }

  wake(): void {
    this.outgoing = new Outgoing(this.ports, ["session.*"], () => this.due.arm());
    this.due = new DueTimes(this.bench.ports, [this.outgoing.exports]);
    this.due.fire();
  }

  /** As on the platform: memory goes, rows and alarm stay. */
  crash(): void {
    this.bench.crash();
    this.wake();
  }

  pass(ms: number): Promise<void> {
    return this.bench.pass(ms, () => this.due.fire());
  }
}

test("[EV3] what one change comes to is one row, sent at once and deleted by one statement; an event nobody wants is none", async () => {
  const object = new Exporter();
  object.outgoing.add([event("warm")]);
  await object.bench.quiet();
  object.statements.length = 0;
  object.outgoing.add([event("a"), event("b"), event("c")]);
  object.outgoing.add([event("d"), { ...event("e"), type: "member.joined" }]);
  object.outgoing.add([{ ...event("f"), type: "presence.changed" }]);
  await object.bench.quiet();
  expect(object.queue.taken).toEqual(["warm", "a", "b", "c", "d"]);
  const insert = "INSERT INTO outgoing_event";
  expect(object.statements).toEqual([insert, insert, "DELETE FROM outgoing_event"]);
});

test("[EV5] what happens while a try is under way leaves with the next, in order", async () => {
  const object = new Exporter();
  for (let i = 0; i < 250; i++) object.outgoing.add([event(String(i))]);
  await object.bench.quiet();
  expect(object.queue.taken).toEqual(Array.from({ length: 250 }, (_, i) => String(i)));
  expect(object.queue.calls).toBeLessThan(20);
});

test("[Q4] a queue that refuses keeps nothing from going on: rows stay, an alarm is set, pauses grow, no row is written for a failure", async () => {
  const object = new Exporter();
  object.queue.mode = "refuses";
  object.outgoing.add([event("a")]);
  await object.bench.quiet();
  object.statements.length = 0;
  expect(object.bench.alarmAt).not.toBeNull();
  for (let i = 0; i < 40; i++) object.outgoing.add([event(`${i}`)]);
  await object.bench.quiet();
  expect(object.queue.calls).toBe(1); // who waits for a retry is not tried again for each event
  object.statements.length = 0;
  const hour = 3_600_000;
  for (let t = 0; t < 6 * hour; t += 1000) await object.pass(1000);
  expect(object.queue.calls).toBeLessThan(50);
  expect(object.queue.calls).toBeGreaterThan(35); // at most ten minutes apart
  expect(object.outgoing.exports.backlog()).toEqual({ debts: 1, oldestAt: 1_000_000 });
  expect(object.statements).toEqual([]);
  object.queue.mode = "takes";
  for (let t = 0; t < 700_000; t += 1000) await object.pass(1000);
  expect(object.queue.taken).toEqual(["a", ...Array.from({ length: 40 }, (_, i) => String(i))]);
  expect(object.outgoing.exports.nextAt()).toBeNull();
});

test("[Q3] a crash between the row and the queue, or before its answer, sends it again under the same id", async () => {
  const object = new Exporter();
  object.queue.mode = "hangs";
  object.outgoing.add([event("a", { n: 1 })]);
  await new Promise((resolve) => setTimeout(resolve)); // the try has begun
  expect(object.bench.alarmAt).toBe(object.bench.now + LOOK_AFTER_MS);
  object.queue.mode = "takes, and fails";
  object.crash();
  await object.bench.quiet();
  object.queue.mode = "takes";
  object.crash();
  await object.bench.quiet();
  expect(object.queue.taken).toEqual(["a", "a"]);
  object.crash();
  await object.bench.quiet();
  expect(object.queue.taken).toEqual(["a", "a"]);
});

test("[EV6] a try without an answer is given up after a minute, and what it left is sent again", async () => {
  const object = new Exporter();
  object.queue.mode = "hangs";
  object.outgoing.add([event("a")]);
  await new Promise((resolve) => setTimeout(resolve));
  object.queue.mode = "takes";
  object.bench.crash(); // of what hangs nobody waits for the end
  await object.pass(LOOK_AFTER_MS);
  expect(object.queue.taken).toEqual(["a"]);
});

test("[EV7] without a queue events stay where they are, and the log says so once", async () => {
  const object = new Exporter();
  const { events: _, ...ports } = object.ports;
  const outgoing = new Outgoing(ports, ["*"], () => {});
  for (let i = 0; i < 3; i++) outgoing.add([event(String(i))]);
  await object.bench.quiet();
  expect(object.bench.warned).toEqual(["no queue for events"]);
  expect(outgoing.exports.nextAt()).toBeNull();
  object.crash();
  await object.bench.quiet();
  expect(object.queue.taken).toEqual(["0", "1", "2"]);
});

test("[EV5] an event of a change that was taken back is never sent", async () => {
  const object = new Exporter();
  const { sql } = object.ports;
  const outgoing = new Outgoing({ ...object.ports, sql }, ["*"], () => {});
  expect(() =>
    sql.transaction(() => {
      outgoing.add([event("a")]);
      throw new Error("taken back");
    }),
  ).toThrow("taken back");
  await object.bench.quiet();
  expect(object.queue.taken).toEqual([]);
});

test("[Q5] batches hold at most a hundred events and 240,000 bytes, in order and none left out", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: MAX_EVENT_BYTES }), { maxLength: 300 }), (sizes) => {
      const texts = sizes.map((size, i) => String(i).padEnd(size, "x"));
      const batches = batchesOf(texts);
      expect(batches.flat()).toEqual(texts);
      for (const batch of batches) {
        expect(batch.length).toBeLessThanOrEqual(100);
        expect(batch.reduce((sum, text) => sum + utf8Length(text), 0)).toBeLessThanOrEqual(240_000);
      }
      for (const [i, batch] of batches.slice(1).entries()) {
        const before = batches[i] ?? [];
        const bytes = before.reduce((sum, text) => sum + utf8Length(text), 0) + utf8Length(batch[0] ?? "");
        expect(before.length === 100 || bytes > 240_000).toBe(true); // no batch more than it takes
      }
    }),
  );
});

test("[Q5] however small they are, a batch holds a hundred", () => {
  expect(batchesOf(Array.from({ length: 250 }, String)).map(({ length }) => length)).toEqual([100, 100, 50]);
});

test("[Q5] an event that the queue would not carry is a pointer to itself, never left out", () => {
  const data = {
    id: "m-1",
    channel: "c",
    offset: 1,
    event: "e",
    data: "ü".repeat(80_000),
    from: { user: "u" },
    at: 1,
  };
  const text = queueText({
    id: "evt_1",
    type: "message.published",
    at: 1,
    dataJson: JSON.stringify(data),
    hop: 2,
  });
  const { data: _, ...rest } = data;
  expect(JSON.parse(text)).toEqual({
    ...{ id: "evt_1", type: "message.published", at: 1, hop: 2 },
    data: { ...rest, truncated: true },
  });
  const fits = queueText({
    id: "evt_1",
    type: "message.published",
    at: 1,
    dataJson: JSON.stringify({ data: "ü".repeat(50_000) }),
  });
  expect(JSON.parse(fits).data.data).toHaveLength(50_000);
});

test("[EV4] an id follows from what happened alone, has no dot, and differs where anything else does", () => {
  expect(eventId("session.started", "abc")).toBe("evt_2b88729666d6284c2789528a092a2fa6"); // stored with consumers: it must never change
  const what = fc.array(fc.oneof(fc.string({ maxLength: 4 }), fc.integer()), { maxLength: 4 });
  fc.assert(
    fc.property(what, what, (one, other) => {
      expect(eventId(...one)).toMatch(/^evt_[0-9a-f]{32}$/);
      expect(eventId(...one) === eventId(...other)).toBe(JSON.stringify(one) === JSON.stringify(other));
    }),
    { numRuns: 5000 },
  );
});

/** A log of ten messages of which messages are exported. */
function exportedLog() {
  const object = new Exporter();
  const settings = { ...object.bench.settings, HISTORY_SIZE: 10 };
  const open = () => {
    const { ports } = object;
    const log = new MessageLog("c", ports, settings);
    const holder: { exports?: Exports } = {};
    const messages = new ExportedMessages(ports, log, () => holder.exports?.kick());
    holder.exports = new Exports(ports, [messages], () => {});
    return { log, messages, exports: holder.exports };
  };
  const say = ({ log, messages }: ReturnType<typeof open>, data: unknown, hop?: number) => {
    const { published } = log.append({ event: "e", dataJson: JSON.stringify(data), ...(hop && { hop }) });
    messages.stored(published.offset);
    log.retention.stored(published.offset);
  };
  return { object, open, say };
}

test("[EV8] a message that is exported costs one row for each batch of the queue, and none of its own", async () => {
  const { object, open, say } = exportedLog();
  const log = open();
  say(log, 0);
  await object.bench.quiet();
  object.statements.length = 0;
  for (let i = 1; i <= 50; i++) say(log, i);
  await object.bench.quiet();
  const others = object.statements.filter((statement) => !/message/.test(statement));
  expect(object.queue.taken).toHaveLength(51);
  expect(others.every((statement) => statement === "INSERT INTO exported")).toBe(true);
  expect(others.length).toBeLessThanOrEqual(5);
});

test("[EV8] what was said before messages were exported is not, and what a crash cut off is", async () => {
  const { object, open, say } = exportedLog();
  const first = open();
  first.log.append({ event: "e", dataJson: '"before"' });
  say(first, "a");
  await object.bench.quiet();
  object.queue.mode = "hangs";
  say(first, "b");
  await new Promise((resolve) => setTimeout(resolve)); // the try has begun
  object.bench.crash();
  object.queue.mode = "takes";
  const second = open();
  expect(second.exports.nextAt()).not.toBeNull();
  second.exports.run();
  await object.bench.quiet();
  expect(object.queue.taken).toHaveLength(2);
  expect(new Set(object.queue.taken).size).toBe(2);
});

test("[EV9] while the queue takes nothing, messages that retention would delete stay, and are exported at last", async () => {
  const { object, open, say } = exportedLog();
  const log = open();
  object.queue.mode = "refuses";
  for (let i = 0; i < 500; i++) {
    say(log, i);
    if (i % 50 === 0) await object.bench.quiet();
  }
  expect(log.log.page({ limit: 1000, order: "asc" }, undefined).messagesJson.match(/"offset"/g)).toHaveLength(
    10,
  ); // readers see what they would
  object.queue.mode = "takes";
  log.exports.run();
  await object.bench.quiet();
  expect(object.queue.taken).toHaveLength(500);
  object.bench.now += 100_000;
  log.log.retention.run(object.bench.now);
  say(log, "after");
  expect(log.log.whole(0, 1000).length).toBeLessThan(120);
});

test("[EV9] a channel that is deleted takes with it what was not exported, and its next message is", async () => {
  const { object, open, say } = exportedLog();
  const log = open();
  object.queue.mode = "refuses";
  say(log, 1);
  await object.bench.quiet();
  log.log.forget();
  log.messages.forget();
  object.queue.mode = "takes";
  say(log, 2);
  log.exports.run();
  await object.bench.quiet();
  expect(object.queue.taken).toHaveLength(1);
});

test("[EV9] what the queue took of a log that was deleted meanwhile says nothing of the next one", async () => {
  const { open, say } = exportedLog();
  const log = open();
  for (let i = 0; i < 5; i++) say(log, i);
  const { sent } = log.messages.next(10);
  log.log.forget();
  log.messages.forget();
  say(log, "first of the next");
  sent();
  expect(log.messages.waitingSince()).not.toBeNull();
});

test("[EV8] what waits when messages are exported no longer is not sent once they are again, and that costs one row at most", async () => {
  const { object, open, say } = exportedLog();
  const first = open();
  object.queue.mode = "refuses";
  say(first, "waits");
  await object.bench.quiet();
  object.crash();
  object.statements.length = 0;
  for (let i = 0; i < 3; i++) forgetExported(object.ports.sql); // each wake-up without the setting
  expect(object.statements).toEqual(["DELETE FROM exported"]);
  open().log.append({ event: "e", dataJson: '"meanwhile"' });
  object.queue.mode = "takes";
  const again = open();
  expect(again.messages.waitingSince()).toBeNull();
  say(again, "exported");
  await object.bench.quiet();
  expect(object.queue.taken).toHaveLength(1);
});

test("[A34] an exported message says how often it went round, once more than what it was published with", () => {
  const { open, say } = exportedLog();
  const log = open();
  say(log, 1);
  say(log, 2, 3);
  const { texts } = log.messages.next(10);
  expect(texts.map((text) => (JSON.parse(text) as { hop?: number }).hop)).toEqual([undefined, 4]);
});
