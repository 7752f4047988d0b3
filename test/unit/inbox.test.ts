import fc from "fast-check";
import { expect, test } from "vitest";
import { givesWay } from "../../src/user/inbox/share.ts";
import { InboxBench, type InboxSocket } from "../fixtures/inbox-bench.ts";

const TTL_SECONDS = 1000;
const SIZE = 150;
const IN_FLIGHT = 100;

interface Known {
  seq: number;
  sender: string;
  data: number;
  endsAt: number;
}

/** What the contract says of one inbox, in sets and searches: nothing of how it is kept. */
class Model {
  readonly stored: Known[] = [];
  /** Of all that there ever was. */
  readonly dataOf = new Map<number, number>();
  readonly acked = new Map<string, number>();
  readonly keys = new Map<string, number>();
  latest = 0;

  waiting(now: number): Known[] {
    const isDone = ({ seq }: Known) =>
      this.acked.size > 0 && [...this.acked.values()].every((acked) => acked >= seq);
    const left = this.stored.filter((message) => message.endsAt > now && !isDone(message));
    this.stored.splice(0, this.stored.length, ...left);
    return left;
  }

  send(sender: string, data: number, now: number, ttlSeconds: number, key?: string): number {
    const known = key === undefined ? undefined : this.keys.get(`${sender} ${key}`);
    if (known !== undefined) return known;
    const seq = ++this.latest;
    const waiting = this.waiting(now);
    if (waiting.length >= SIZE) this.#pushOut(waiting, sender);
    this.dataOf.set(seq, data);
    this.stored.push({ seq, sender, data, endsAt: now + Math.min(ttlSeconds, TTL_SECONDS) * 1000 });
    if (key !== undefined) this.keys.set(`${sender} ${key}`, seq);
    return seq;
  }

  #pushOut(waiting: readonly Known[], sender: string): void {
    const count = (who: string) => waiting.filter((m) => m.sender === who).length + (who === sender ? 1 : 0);
    const most = Math.max(...waiting.map((m) => count(m.sender)));
    const own = waiting.find((m) => m.sender === sender);
    const gone =
      own !== undefined && count(sender) === most ? own : waiting.find((m) => count(m.sender) === most);
    this.stored.splice(this.stored.indexOf(gone as Known), 1);
  }
}

const DEVICES = ["phone", "desk", ""];
const Step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      is: fc.constant("send" as const),
      sender: fc.constantFrom("user:ben", "user:cho", "key:app"),
      count: fc.oneof({ weight: 4, arbitrary: fc.integer({ min: 1, max: 4 }) }, fc.constant(60)),
      ttlSeconds: fc.option(fc.integer({ min: 1, max: 400 }), { nil: undefined, freq: 2 }),
      key: fc.option(fc.constantFrom("k1", "k2", "k3"), { nil: undefined, freq: 2 }),
    }),
  },
  { weight: 4, arbitrary: fc.record({ is: fc.constant("connect" as const), device: fc.nat(2) }) },
  { weight: 2, arbitrary: fc.record({ is: fc.constant("close" as const), which: fc.nat(9) }) },
  {
    weight: 6,
    arbitrary: fc.record({
      is: fc.constant("ack" as const),
      which: fc.nat(9),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("wait" as const), seconds: fc.nat(300) }) },
  { weight: 3, arbitrary: fc.record({ is: fc.constant("sleep" as const) }) },
  { weight: 1, arbitrary: fc.record({ is: fc.constant("crash" as const) }) },
);
type Step = typeof Step extends fc.Arbitrary<infer T> ? T : never;

function take(step: Step, bench: InboxBench, model: Model): void {
  const sockets = [...bench.sockets];
  const socket = "which" in step ? sockets[step.which % Math.max(1, sockets.length)] : undefined;
  switch (step.is) {
    case "send":
      for (let i = 0; i < (step.key === undefined ? step.count : 1); i++) {
        const { sender, key, ttlSeconds } = step;
        // The same key always stands for the same body.
        const isKeyed = key !== undefined;
        const data = isKeyed ? 0 : model.latest + 1;
        const seq = model.send(
          sender,
          data,
          bench.now,
          (isKeyed ? undefined : ttlSeconds) ?? TTL_SECONDS,
          key,
        );
        const more = isKeyed ? { key } : ttlSeconds === undefined ? {} : { ttlSeconds };
        expect(bench.send(sender, data, more)).toMatchObject({ seq });
      }
      return;
    case "connect": {
      const device = DEVICES[step.device] ?? "";
      if (!model.acked.has(device)) model.acked.set(device, Math.max(0, ...model.acked.values()));
      bench.connect(device);
      return;
    }
    case "close":
      if (socket !== undefined) bench.close(socket);
      return;
    case "ack": {
      const seq = socket?.told[Math.floor(step.part * (socket.told.length - 1))]?.seq;
      if (socket === undefined || seq === undefined) return;
      const { device } = socket;
      model.acked.set(device, Math.max(seq, model.acked.get(device) ?? 0));
      bench.ack(socket, seq);
      return;
    }
    case "wait":
      return bench.pass(step.seconds * 1000);
    case "sleep":
      return bench.wake();
    case "crash":
      return bench.crash();
  }
}

/** Each in order, only what is to be told, all that may be in flight, and never more. */
function check(socket: InboxSocket, told: number, bench: InboxBench, model: Model): void {
  const seqs = socket.told.map(({ seq }) => seq);
  expect(seqs).toEqual([...new Set(seqs)].sort((a, b) => a - b));
  const acked = model.acked.get(socket.device) ?? 0;
  const waiting = model.waiting(bench.now).filter(({ seq }) => seq > acked);
  for (const { seq, data } of socket.told.slice(told)) {
    expect([seq > acked, data]).toEqual([true, model.dataOf.get(seq)]);
  }
  const inFlight = waiting.filter(({ seq }) => seqs.includes(seq)).length;
  expect(inFlight).toBeLessThanOrEqual(IN_FLIGHT);
  if (inFlight < IN_FLIGHT) expect(inFlight).toBe(waiting.length);
}

test("[IN19] two devices and sessions without one see all that they have not acknowledged, in order, through sleep, crash and expiry", () => {
  let windows = 0;
  let expired = 0;
  const run = fc.property(fc.array(Step, { minLength: 20, maxLength: 60 }), (steps) => {
    const bench = new InboxBench({ INBOX_SIZE: String(SIZE), INBOX_TTL_SECONDS: String(TTL_SECONDS) });
    const model = new Model();
    const ids = new Map<number, string>();
    try {
      for (const step of steps) {
        const told = new Map([...bench.sockets].map((socket) => [socket, socket.told.length]));
        take(step, bench, model);
        const waiting = model.waiting(bench.now).map(({ seq }) => seq);
        expect(bench.queued()).toEqual(waiting);
        for (const socket of bench.sockets) {
          check(socket, told.get(socket) ?? 0, bench, model);
          for (const { seq, id } of socket.told) {
            expect(ids.get(seq) ?? id).toBe(id);
            ids.set(seq, id);
          }
        }
        if (waiting.length > IN_FLIGHT) windows++;
      }
      expired += bench.expired;
    } finally {
      bench.storage.close();
    }
  });
  fc.assert(run, { numRuns: 80 });
  expect(windows).toBeGreaterThan(0); // what never came up would have been kept by chance
  expect(expired).toBeGreaterThan(0);
}, 120_000);

test("[IN8] of a full inbox the oldest of whoever has most goes, among equals the sender's own", () => {
  const share = (sender: string, messages: number, oldest: number) => ({ sender, messages, oldest });
  expect(givesWay([share("a", 6, 1), share("b", 4, 2)], "b")).toBe(1);
  expect(givesWay([share("a", 4, 1), share("b", 6, 2)], "c")).toBe(2);
  expect(givesWay([share("a", 5, 1), share("b", 5, 2)], "b")).toBe(2); // its share is full: nobody else pays
  expect(givesWay([share("a", 5, 1), share("b", 4, 2)], "b")).toBe(2);
  expect(givesWay([share("a", 1, 1), share("b", 1, 2)], "c")).toBe(1);
  expect(givesWay([], "a")).toBeUndefined();
});

test("[IN8] however one sender floods, what others have in the inbox up to their share stays", () => {
  const Sends = fc.array(fc.constantFrom("user:flooder", "user:flooder", "user:flooder", "user:friend"), {
    minLength: 20,
    maxLength: 60,
  });
  fc.assert(
    fc.property(Sends, (senders) => {
      const bench = new InboxBench({ INBOX_SIZE: "10" });
      for (const sender of senders) bench.send(sender, sender);
      const friend = bench.storage.all<{ n: number }>(
        "SELECT count(*) AS n FROM inbox_message WHERE sender = 'user:friend'",
      );
      const sent = senders.filter((sender) => sender === "user:friend").length;
      expect(bench.queued()).toHaveLength(10);
      expect(friend[0]?.n).toBeGreaterThanOrEqual(Math.min(sent, 5));
      bench.storage.close();
    }),
    { numRuns: 50 },
  );
});

test("[IN14] a stream that says what it has seen is told what comes after it, and has acknowledged nothing", () => {
  const bench = new InboxBench();
  const first = bench.connect("tv");
  for (let i = 1; i <= 4; i++) bench.send("key:app", i);
  bench.close(first);
  expect(bench.connect("tv", 2).told.map(({ seq }) => seq)).toEqual([3, 4]);
  expect(bench.connect("tv").told.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]);
  expect(bench.connect("tv", 5).told.map(({ seq }) => seq)).toEqual([1, 2, 3, 4]); // of another inbox: as if absent
  bench.storage.close();
});

test("[IN5] a device that is connected holds messages however long, one that left for DEVICE_TTL_SECONDS", () => {
  const bench = new InboxBench({ DEVICE_TTL_SECONDS: "1000", INBOX_TTL_SECONDS: "1000000" });
  const here = bench.connect("here");
  bench.close(bench.connect("away"));
  bench.send("key:app", 1);
  bench.pass(1_001_000);
  const other = bench.connect("other");
  bench.ack(other, 1);
  expect(bench.queued()).toEqual([1]); // for the one that is here
  bench.close(here);
  bench.pass(999_000);
  expect(bench.queued()).toEqual([1]);
  bench.pass(2_000);
  expect(bench.queued()).toEqual([]);
  bench.storage.close();
});

test("[IN5] what a forgotten device acknowledged counts on, and what only it held goes", () => {
  const bench = new InboxBench({ DEVICE_TTL_SECONDS: "1000", INBOX_TTL_SECONDS: "1000000" });
  bench.connect("b");
  const a = bench.connect("a");
  for (let i = 1; i <= 3; i++) bench.send("key:app", i);
  bench.ack(a, 2);
  bench.close(a);
  bench.pass(1_001_000);
  expect(bench.connect("new").told.map(({ seq }) => seq)).toEqual([3]);
  expect(bench.queued()).toEqual([1, 2, 3]); // b has not acknowledged them
  bench.storage.close();
  const few = new InboxBench({ MAX_DEVICES: "2" });
  few.close(few.connect("a"));
  const b = few.connect("b");
  few.send("key:app", 1);
  few.ack(b, 1);
  expect(few.queued()).toEqual([1]);
  few.connect("c"); // a gives way
  expect(few.queued()).toEqual([]);
  few.storage.close();
});
