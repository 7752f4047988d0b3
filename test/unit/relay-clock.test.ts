import { expect, test } from "vitest";
import { RelayBench } from "../fixtures/relay-bench.ts";
import { RelayedChannel } from "../fixtures/relayed-channel.ts";

test("[RY87] a channel says which report of a relay it has heard last, and wants everybody after a late one", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  const late = relay.report({ users: ["ann"] });
  relay.keep("ben");
  const last = relay.report({ isWhole: true });
  expect(await relay.say(last)).toMatchObject({ isWholeWanted: false, number: last.number });
  expect(await relay.say(late)).toMatchObject({ isWholeWanted: true, number: last.number });
  expect(await relay.say(last)).toMatchObject({ isWholeWanted: false, number: last.number });
});

test("[RY87] a relay that wakes with an earlier clock is heard all the same", async () => {
  const bench = new RelayBench();
  const relayed = bench.channel.relayed.bind(bench.channel);
  let number = 0;
  bench.channel.relayed = async (call) => {
    const { report, ...rest } = call;
    if (report === undefined || report.number <= number) return { ...(await relayed(rest)), number };
    number = report.number;
    return { ...(await relayed(call)), number };
  };
  const [ann, ben] = [await bench.connect("ann"), await bench.connect("ben")];
  await bench.push(bench.channel.say("one"));
  await bench.pass(30_000, 1000);
  await bench.leave(ben);
  bench.world.now -= 20_000;
  await bench.sleep();
  expect(bench.channel.members.get("ben")).toMatchObject({ live: 0 });
  await bench.connect("cat");
  expect(bench.channel.members.get("cat")).toMatchObject({ live: 1 });
  expect(ann.closedWith).toBeUndefined();
});
