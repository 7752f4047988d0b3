import { expect, test } from "vitest";
import { RelayBench } from "../fixtures/relay-bench.ts";

test("[RY81] while its channel does not answer a relay that missed something asks ever more seldom, and may sleep", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  await bench.push(bench.channel.say("one"));
  bench.channel.isGone = true;
  bench.channel.say("lost");
  bench.channel.changeRoster("lost");
  const after = bench.channel.say("after");
  await bench.push({ ...after, said: [...after.said, ...bench.channel.changeRoster("r2").said] });
  await bench.pass(3000, 100);
  expect(bench.world.maySleep).toBe(true);
  const calls = bench.channel.calls.length;
  for (let i = 0; i < 20; i++) await bench.push(bench.channel.changeRoster(`r${i + 3}`));
  for (let minute = 0; minute < 10; minute++) {
    ann.ping = bench.world.now + 60_000;
    await bench.pass(60_000, 500);
  }
  // Ten leases, and what is asked for after 5, 10, 20 ... seconds: messages and roster, together at first.
  expect(bench.channel.calls.length - calls).toBeLessThan(30);
  bench.channel.isGone = false;
  ann.ping = bench.world.now + 60_000;
  await bench.pass(62_000, 500);
  expect(ann.offsets).toEqual([1, 2, 3]);
  expect(ann.of("subscribed").at(-1)).toMatchObject({ recovered: true, cursor: bench.channel.roster });
});
