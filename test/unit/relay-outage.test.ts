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

test("[RY82] clients who ask in vain do not put off what the channel has to know", async () => {
  const bench = new RelayBench({ RATE_BURST: "1000" });
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  bench.channel.isGone = true;
  await bench.leave(ben);
  for (let i = 0; i < 30; i++) await bench.say(ann, { type: "publish", data: i });
  await bench.leave(ann);
  await bench.pass(6000, 500);
  bench.channel.isGone = false;
  await bench.pass(20_000, 500);
  expect([...bench.channel.members]).toEqual([]);
  expect(bench.rows).toBe(0);
});

test("[RY61] a relay that has emptied out has an alarm until its channel has heard so, also while it is being told", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  await bench.leave(ann);
  bench.channel.close();
  bench.world.alarmAt = null;
  bench.world.now += 5001;
  bench.relay.alarm();
  expect(bench.channel.waiting).toBe(1);
  expect(bench.world.alarmAt).toBeLessThanOrEqual(bench.world.now + 10_000);
  bench.channel.open();
  await bench.pass(120_000, 1000);
  expect(bench.rows).toBe(0);
  expect(bench.world.alarmAt).toBeNull();
});

test("[RY81] a channel that speaks again is asked within five seconds, however long it was silent", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  bench.channel.isGone = true;
  bench.channel.say("lost");
  await bench.push(bench.channel.say("after"));
  for (let minute = 0; minute < 6; minute++) {
    ann.ping = bench.world.now + 60_000;
    await bench.pass(60_000, 500);
  }
  await bench.pass(1000, 500);
  bench.channel.isGone = false;
  await bench.push(bench.channel.say("more"));
  await bench.pass(5500, 500);
  expect(ann.offsets).toEqual([1, 2, 3]);
});
