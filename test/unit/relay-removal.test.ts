import { expect, test } from "vitest";
import { RelayBench } from "../fixtures/relay-bench.ts";
import { RelayedChannel } from "../fixtures/relayed-channel.ts";

test("[RY60] who was sent away and is back with a newer token stays, when the relay is told once more", async () => {
  const bench = new RelayBench();
  const claims = { sub: "ann", exp: 1e9 };
  const [old, none] = [
    await bench.connect("ann", { claims: { ...claims, iat: 900 } }),
    await bench.connect("ann", { claims: { ...claims, iat: undefined } as never }),
  ];
  const back = await bench.connect("ann", { claims: { ...claims, iat: 1001 } });
  await bench.relay.remove("ann", 1000);
  await bench.world.quiet();
  expect([old.closedWith, none.closedWith, back.closedWith]).toEqual([4502, 4502, undefined]);
  expect(bench.channel.members.get("ann")).toMatchObject({ live: 1 });
  await bench.relay.remove("ann"); // a channel of an older version
  expect(back.closedWith).toBe(4502);
});

test("[RY60] a channel says up to when tokens of a user who was sent away count no more", async () => {
  const world = new RelayedChannel();
  const relay = world.relay("c/1");
  relay.keep("ann");
  await relay.say(relay.report({ users: ["ann"] }));
  relay.isAway = true;
  await world.channel.removeMember("ann");
  const second = Math.floor(world.bench.now / 1000);
  await world.pass(10_000);
  relay.isAway = false;
  await world.pass(60_000);
  expect(relay.removedUpTo).toBe(second);
  expect(world.rows("relay_debt")).toEqual([]);
});

test("[RY93] who comes again with a token that was refused costs nothing; a newer one is asked for", async () => {
  const bench = new RelayBench();
  await bench.connect("ann");
  const coming = (iat: number) => bench.connecting("ben", { claims: { sub: "ben", exp: 1e9, iat } }).done;
  bench.channel.removed.add("ben");
  expect(await coming(900)).toMatchObject({ code: "forbidden" });
  await bench.pass(6000, 500);
  const [calls, admitted] = [bench.channel.calls.length, bench.admitted.length];
  for (const iat of [900, 899]) expect(await coming(iat)).toMatchObject({ code: "forbidden" });
  expect([bench.channel.calls.length, bench.admitted.length, bench.rows]).toEqual([calls, admitted, 1]);
  bench.channel.removed.clear();
  expect(await coming(901)).toBeUndefined();
  expect(await coming(900)).toMatchObject({ code: "forbidden" });
  await bench.pass(61_000, 1000);
  expect(await coming(900)).toBeUndefined(); // the stand-in has forgotten that it refused it
});
