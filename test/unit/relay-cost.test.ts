import { expect, test } from "vitest";
import { RelayBench, type SocketEnd } from "../fixtures/relay-bench.ts";

/** What this relay writes from now on, by statement: each writes one row, for its table has no index. */
function written(bench: RelayBench): { statements: string[]; alarms: () => number } {
  const statements: string[] = [];
  const { storage } = bench.world;
  const run = storage.run.bind(storage);
  storage.run = (query, ...values) => {
    statements.push(query.trim().split(/\s+/).slice(0, 3).join(" "));
    run(query, ...values);
  };
  const before = bench.world.alarmsSet;
  return { statements, alarms: () => bench.world.alarmsSet - before };
}

/** A relay that was used before: its tables exist. */
async function used(): Promise<{ bench: RelayBench; ann: SocketEnd }> {
  const bench = new RelayBench({ RATE_BURST: "1000" });
  const ann = await bench.connect("ann");
  await bench.leave(await bench.connect("before"));
  await bench.pass(6000, 100);
  return { bench, ann };
}

test("[RY19] a session and its clean end write 3 rows and set at most two alarms", async () => {
  const { bench } = await used();
  const cost = written(bench);
  const ben = await bench.connect("ben");
  await bench.leave(ben);
  await bench.pass(6000, 100);
  expect(cost.statements).toEqual(["INSERT INTO session", "UPDATE session SET", "DELETE FROM session"]);
  expect(cost.alarms()).toBeLessThanOrEqual(2); // for the grace, and for the sweep that was put off for it
});

test("[RY19] what is said, asked, reported and remembered writes nothing; a sweep sets the alarm for the next", async () => {
  const { bench, ann } = await used();
  const cost = written(bench);
  for (let i = 0; i < 20; i++) {
    await bench.push(bench.channel.say("x"));
    await bench.push(bench.channel.changeRoster(`r${i}`));
    await bench.say(ann, { type: "publish", data: i }, { type: "history" }, { type: "signal", event: "e" });
  }
  await bench.pass(5000, 500);
  expect(cost.statements).toEqual([]);
  expect(cost.alarms()).toBe(0);
  const calls = bench.channel.calls.length;
  for (let i = 0; i < 3; i++) {
    ann.ping = bench.world.now + 50_000;
    await bench.pass(60_000, 500);
  }
  expect(bench.channel.calls.length).toBeGreaterThanOrEqual(calls + 3);
  expect(cost.statements).toEqual([]);
  expect(cost.alarms()).toBeLessThanOrEqual(4);
});

test("[RY19] who is refused costs no more than who comes and goes", async () => {
  const { bench } = await used();
  bench.channel.removed.add("ben");
  const cost = written(bench);
  await bench.connecting("ben").done;
  await bench.pass(6000, 100);
  expect(cost.statements).toEqual(["INSERT INTO session", "UPDATE session SET", "DELETE FROM session"]);
});
