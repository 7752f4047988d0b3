import { expect, test } from "vitest";
import type { ConnectionEvents } from "../../src/client/index.ts";
import { clientBench, ownBench } from "../fixtures/client-bench.ts";

const broadcast = (id: string) => ({ type: "broadcast", id, event: "notice", data: { n: id }, at: 5 });

test.each([
  ["a user's own connection", ownBench],
  ["a channel connection", clientBench],
])("[BC11] on %s a broadcast is told once, also where a new session hears it again", async (_, bench) => {
  const { connection, timers, welcome } = bench();
  const told: ConnectionEvents["broadcast"][] = [];
  connection.on("broadcast", (one) => told.push(one));
  const first = await welcome();
  first.say(broadcast("a"));
  first.say([broadcast("a"), broadcast("b")]);
  first.end(1006);
  await timers.pass(250);
  const second = await welcome();
  second.say(broadcast("a"));
  second.say(broadcast("c"));
  expect(told.map(({ id }) => id)).toEqual(["a", "b", "c"]);
  expect(told[0]).toEqual({ id: "a", event: "notice", data: { n: "a" }, at: 5 });
  for (let i = 0; i < 32; i++) second.say(broadcast(`more-${i}`));
  second.say(broadcast("c"));
  expect(told.at(-1)?.id).toBe("c"); // 32 later it is forgotten
  expect(told).toHaveLength(3 + 32 + 1);
});
