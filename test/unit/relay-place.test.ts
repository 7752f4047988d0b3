import { expect, test } from "vitest";
import { RelayBench, type SocketEnd } from "../fixtures/relay-bench.ts";

test("[RY85] sockets that held the position are followed by others also where the relay itself has ended them", async () => {
  const bench = new RelayBench();
  const all: SocketEnd[] = [];
  for (let i = 0; i < 8; i++) all.push(await bench.connect("ann"));
  const ben = await bench.connect("ben");
  await bench.push(bench.channel.say("one"));
  await bench.pass(5000, 500);
  await bench.relay.remove("ann");
  await bench.pass(5000, 500);
  await bench.sleep();
  await bench.push(bench.channel.say("two"));
  expect(ben.closedWith).toBeUndefined();
  expect(ben.offsets).toEqual([1, 2]);
});

test("[RY85] a position that others remember better is forgotten: nothing is told twice", async () => {
  const bench = new RelayBench();
  const first = await bench.connect("ann");
  await bench.push(bench.channel.say("one"));
  await bench.pass(5000, 500);
  const others: SocketEnd[] = [];
  for (let i = 0; i < 8; i++) others.push(await bench.connect(`u${i}`));
  bench.world.sockets.push(...bench.world.sockets.splice(0, 1)); // the platform promises no order
  await bench.sleep();
  await bench.push(bench.channel.say("two"));
  await bench.pass(5000, 500);
  for (const socket of others) {
    const at = bench.world.sockets.indexOf(socket);
    bench.world.sockets.splice(at, 1);
  }
  await bench.sleep(); // all others went in its sleep
  await bench.push(bench.channel.say("three"));
  expect(first.offsets).toEqual(first.closedWith === undefined ? [1, 2, 3] : [1, 2]);
});

test("[RY86] who returns is told nothing that is older than HISTORY_TTL_SECONDS, though the relay still has it", async () => {
  const bench = new RelayBench({ HISTORY_TTL_SECONDS: "60" });
  const ann = await bench.connect("ann");
  await bench.push(bench.channel.say("old"));
  for (let i = 0; i < 2; i++) {
    ann.ping = bench.world.now + 60_000;
    await bench.pass(60_000, 500);
  }
  bench.channel.forgotten = 1;
  await bench.push(bench.channel.say("new"));
  const ben = await bench.connect("ben", { recover: { epoch: "e1", offset: 0 } });
  expect(ben.welcome).toMatchObject({ recovered: false, offset: 2, messages: [] });
  const cat = await bench.connect("cat", { recover: { epoch: "e1", offset: 1 } });
  expect(cat.welcome).toMatchObject({ recovered: true, messages: [{ offset: 2 }] });
});
