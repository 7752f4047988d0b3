import { expect, test } from "vitest";
import { RelayBench } from "../fixtures/relay-bench.ts";
import { RelayedChannel } from "../fixtures/relayed-channel.ts";

test("[RY80] the first members travel to a relay only for who shows them to a client, the count always", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  const brief = await relay.say(undefined, { isBrief: true });
  expect(brief.standing.members).toBeUndefined();
  expect(brief.standing).toMatchObject({ count: 1, roster: expect.any(String) });
  const ofOlderVersion = await relay.say(undefined);
  expect(ofOlderVersion.standing).toMatchObject({ count: 1, members: [{ user: "ann" }] });
});

test("[RY80] a relay asks for the first members where a session enters or stands, and for all to be shown anew", async () => {
  const bench = new RelayBench();
  const ann = await bench.connect("ann");
  expect(ann.welcome.members).toMatchObject([{ user: "ann" }]);
  await bench.say(ann, { type: "publish", data: 1 }, { type: "history" }, { type: "signal", event: "e" });
  await bench.say(ann, { type: "subscribe", channel: "c" });
  expect(ann.of("subscribed")).toMatchObject([{ members: [{ user: "ann" }] }]);
  bench.channel.changeRoster("lost");
  await bench.push(bench.channel.changeRoster("r2"));
  expect(ann.of("subscribed")).toHaveLength(2);
  expect(ann.of("subscribed")[1]).toMatchObject({ members: [{ user: "ann" }] });
  await bench.leave(ann);
  const isBrief = bench.channel.calls.map((call) => call.isBrief);
  // The first and the last of four that were brief: what was asked, and the end; between them what was not pushed.
  expect(isBrief).toEqual([false, true, true, false, true, false, true]);
});
