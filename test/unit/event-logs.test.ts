import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Exports } from "../../src/events/exports.ts";
import { log, logBy } from "../../src/objects/log.ts";
import { EventWorld, SECRET } from "../fixtures/event-world.ts";
import { ObjectBench } from "../fixtures/object-bench.ts";

const HOUR_MS = 3_600_000;
const TARGET = "https://hooks.example.com/in?token=canary";
const written: string[] = [];

beforeEach(() => {
  written.length = 0;
  vi.spyOn(console, "warn").mockImplementation((line: string) => void written.push(line));
});
afterEach(() => void vi.restoreAllMocks());

const lines = () => written.map((line) => JSON.parse(line) as Record<string, unknown>);

/** As on the platform, with an address and an event that hold what no line may show. */
function loud(): EventWorld {
  const world = new EventWorld({ WEBHOOK_URL: TARGET, WEBHOOK_SECRET: SECRET });
  logBy(world.settings);
  world.log = log;
  return world;
}

test("[EV22] why an event was not delivered stands in a line, and in its dead letter; the address and the event do not", async () => {
  const world = loud();
  world.answer = () => 503;
  world.send("evt_1", { text: "canary" });
  await world.run(60 * HOUR_MS);
  const tried = { level: "warn", event: "event not delivered", letter: "evt_1", type: "session.started" };
  expect(lines()[0]).toEqual({ ...tried, tries: 1, reason: "status 503" });
  expect(lines()).toContainEqual({
    ...{ level: "warn", event: "events given up", events: 1 },
    ...{ type: "session.started", reason: "status 503" },
  });
  const [letter] = JSON.parse((await world.webhook.letters({ limit: 1 })).lettersJson);
  expect(letter).toMatchObject({ lastError: "status 503", attempts: world.mostAttempts });
  const [first, last] = [world.received[0], world.received.at(-1)].map((request) => request?.at ?? 0);
  expect((last ?? 0) - (first ?? 0)).toBeGreaterThan(25 * HOUR_MS); // and not sooner for it
  world.answer = () => "is away";
  world.send("evt_2");
  await world.run(HOUR_MS);
  expect(lines()).toContainEqual(expect.objectContaining({ letter: "evt_2", reason: "no connection" }));
  expect(written.join()).not.toMatch(/canary|hooks\.example/);
});

test("[EV22] what the circuit does stands in a line", async () => {
  const world = loud();
  world.answer = () => 500;
  for (let i = 0; i < 10; i++) world.send(`evt_${i}`);
  await world.run(1000);
  expect(lines()).toContainEqual({ level: "warn", event: "webhook", state: "open" });
  world.answer = () => 204;
  await world.run(HOUR_MS);
  expect(lines().at(-1)).toEqual({ level: "warn", event: "webhook", state: "closed" });
});

test("[EV7] [EV22] that no queue is bound is said in words", () => {
  const bench = new ObjectBench({});
  logBy(bench.settings);
  new Exports({ ...bench.ports, log }, [], () => {}).kick();
  const reason = "WEBHOOK_URL is set, but EVENT_QUEUE is not bound";
  expect(lines()).toEqual([{ level: "warn", event: "no queue for events", reason }]);
});
