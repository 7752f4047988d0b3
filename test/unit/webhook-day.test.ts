import { Webhook as Verifier } from "standardwebhooks";
import { expect, test } from "vitest";
import { EventWorld, idsOf, OTHER_SECRET, type Received, SECRET } from "../fixtures/event-world.ts";

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
const ids = (count: number) => Array.from({ length: count }, (_, i) => `evt_${i}`);

/** Verifies as of the time of the request: the library compares with the clock of this machine. */
function verified(
  { headers, body }: Received,
  secret = SECRET,
): { type: string; timestamp: number; data: unknown } {
  const isSigned = headers["webhook-signature"]
    ?.split(" ")
    .includes(
      new Verifier(secret).sign(
        headers["webhook-id"] ?? "",
        new Date(Number(headers["webhook-timestamp"]) * 1000),
        body,
      ),
    );
  if (isSigned !== true) throw new Error("not signed with this secret");
  return JSON.parse(body) as ReturnType<typeof verified>;
}

test("[EV13] a receiver that fails twice, hangs once and is away for a day gets every event at last, each under one id", async () => {
  const world = new EventWorld();
  let calls = 0;
  world.answer = () => {
    calls++;
    if (calls <= 2) return 500;
    if (calls === 3) return "hangs";
    return world.elapsed < DAY_MS ? "is away" : 204;
  };
  const sent = ids(50);
  for (const id of sent) world.send(id, { id });
  await world.run(26 * HOUR_MS);
  const taken = world.received.filter(({ at }) => at - (world.received[0]?.at ?? 0) >= DAY_MS);
  expect(idsOf(taken).sort()).toEqual([...sent].sort());
  for (const request of world.received) {
    const { data } = verified(request);
    expect(data).toEqual({ id: request.headers["webhook-id"] });
  }
  expect(world.waiting).toBe(0);
  expect(await world.webhook.stats()).toMatchObject({
    delivered: 50,
    letters: 0,
    parked: 0,
    state: "closed",
  });
  expect(world.mostAttempts).toBeLessThan(90); // of the hundred that the platform grants
});

test("[Q9] a receiver that stays away is tried for more than a day with growing pauses, then the event is a dead letter and replayed", async () => {
  const world = new EventWorld();
  world.answer = () => "is away";
  world.send("evt_1", { n: 1 });
  await world.run(3 * DAY_MS);
  const tries = world.received.map(({ at }) => at);
  const pauses = tries.slice(1).map((at, i) => at - (tries[i] ?? 0));
  expect((tries.at(-1) ?? 0) - (tries[0] ?? 0)).toBeGreaterThanOrEqual(DAY_MS);
  expect((tries.at(-1) ?? 0) - (tries[0] ?? 0)).toBeLessThan(27 * HOUR_MS);
  expect(pauses[0]).toBeLessThan(10_000);
  expect(Math.max(...pauses)).toBeLessThanOrEqual(40 * 60_000);
  expect(world.mostAttempts).toBeLessThan(90);
  expect(world.waiting + world.deadLetters.length).toBe(0);
  const { lettersJson } = await world.webhook.letters({ limit: 10 });
  expect(JSON.parse(lettersJson)).toEqual([
    {
      id: "evt_1",
      type: "session.started",
      at: expect.any(Number),
      attempts: expect.any(Number),
      lastError: "no connection",
      data: { n: 1 },
    },
  ]);
  world.answer = () => 204;
  expect(await world.webhook.replay("evt_1")).toBe(true);
  expect(await world.webhook.replay("evt_1")).toBe(false);
  await world.run(HOUR_MS);
  const last = world.received.at(-1);
  expect(last?.headers).toMatchObject({ "webhook-id": "evt_1", "Rollcall-Redriven": "true" });
  expect(last && verified(last).data).toEqual({ n: 1 });
  expect(await world.webhook.stats()).toMatchObject({
    parked: 1,
    redriven: 1,
    letters: 0,
    oldestLetterAt: null,
  });
});

test("[Q7] what is replayed goes out under its old id, marked, and in the order in which it is replayed", async () => {
  const world = new EventWorld();
  world.answer = () => 410;
  for (const id of ids(3)) world.send(id);
  await world.run(HOUR_MS);
  expect(await world.webhook.stats()).toMatchObject({ state: "disabled", letters: 3 });
  world.answer = () => 204;
  world.received.length = 0;
  for (const id of ids(3)) await world.webhook.replay(id);
  await world.run(HOUR_MS);
  expect(idsOf(world.received)).toEqual(ids(3));
  for (const { headers } of world.received) expect(headers["Rollcall-Redriven"]).toBe("true");
});

test("[Q12] while a secret takes another's place each try is signed with both: an old and a new verifier pass", async () => {
  const world = new EventWorld({ WEBHOOK_SECRET: `${SECRET} ${OTHER_SECRET}` });
  let calls = 0;
  world.answer = () => (++calls === 1 ? 500 : 204);
  world.send("evt_1");
  await world.run(HOUR_MS);
  expect(world.received).toHaveLength(2);
  for (const request of world.received) {
    verified(request, SECRET);
    verified(request, OTHER_SECRET);
    expect(request.headers["webhook-signature"]).toMatch(/^v1,\S+ v1,\S+$/);
  }
});

test("[Q11] two deliveries of one event have one id, each its own time, and both verify", async () => {
  const world = new EventWorld();
  let calls = 0;
  world.answer = () => (++calls === 1 ? "hangs" : 204);
  world.send("evt_1", { x: "ü" });
  await world.run(HOUR_MS);
  const [first, second] = world.received;
  expect(idsOf(world.received)).toEqual(["evt_1", "evt_1"]);
  expect(first?.body).toBe(second?.body);
  expect(first?.headers["webhook-timestamp"]).not.toBe(second?.headers["webhook-timestamp"]);
  for (const request of world.received) verified(request);
});

test("[Q6] a message that the queue hands over twice is one event to whoever goes by its id", async () => {
  const world = new EventWorld();
  world.send("evt_1", { n: 1 });
  world.send("evt_1", { n: 1 });
  await world.run(HOUR_MS);
  expect(new Set(idsOf(world.received)).size).toBe(1);
  expect(new Set(world.received.map(({ body }) => body)).size).toBe(1);
});

test("[Q2] one of a batch that is always refused holds up no other, and is a dead letter at last", async () => {
  const world = new EventWorld();
  world.answer = ({ headers }) => (headers["webhook-id"] === "evt_4" ? 400 : 204);
  for (const id of ids(10)) world.send(id);
  await world.run(1000);
  const count = (id: string) => idsOf(world.received).filter((other) => other === id).length;
  expect(ids(10).map(count)).toEqual(Array(10).fill(1));
  await world.run(2 * DAY_MS);
  expect(
    ids(10)
      .filter((id) => id !== "evt_4")
      .map(count),
  ).toEqual(Array(9).fill(1));
  expect(await world.webhook.stats()).toMatchObject({ delivered: 9, letters: 1 });
});

test("[Q2] what is no event at all is a dead letter at once, and holds up no other", async () => {
  const world = new EventWorld();
  for (const body of ["{", 7, { id: "x" }, '{"id":"x"}', null]) world.put(body);
  world.send("evt_1");
  await world.run(1000);
  expect(idsOf(world.received)).toEqual(["evt_1"]);
  const letters = JSON.parse((await world.webhook.letters({ limit: 10 })).lettersJson) as { type: string }[];
  expect(letters.map(({ type }) => type)).toEqual(Array(5).fill("unreadable"));
});

test("[Q10] while one delivery hangs the others of its batch arrive", async () => {
  const world = new EventWorld();
  let open: (status: number) => void = () => {};
  const hangs = new Promise<number>((resolve) => {
    open = resolve;
  });
  world.answer = ({ headers }) => (headers["webhook-id"] === "evt_0" ? hangs : 204);
  for (const id of ids(20)) world.send(id);
  const running = world.run(1000);
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(idsOf(world.received).sort()).toEqual(ids(20).sort());
  open(204);
  await running;
  expect(world.waiting).toBe(0);
});

test("[EV16] ten failures in a row open the circuit, one event finds out, and its success closes it", async () => {
  const world = new EventWorld();
  world.answer = () => 500;
  for (const id of ids(10)) world.send(id);
  await world.run(1000);
  expect(world.received).toHaveLength(10);
  expect((await world.webhook.stats()).state).toBe("open");
  world.evict(); // what was known of the target is stored
  world.send("evt_late");
  await world.run(20_000);
  expect(world.received).toHaveLength(10); // nobody is asked while it is open
  await world.run(40_000);
  const probes = world.received.length - 10;
  expect(probes).toBeGreaterThanOrEqual(1);
  expect(probes).toBeLessThanOrEqual(2);
  world.answer = () => 204;
  await world.run(HOUR_MS);
  expect(await world.webhook.stats()).toMatchObject({ state: "closed", delivered: 11 });
  expect(world.waiting).toBe(0);
});

test("[EV17] a webhook that says it is gone is asked no more: what comes is a dead letter until one is replayed", async () => {
  const world = new EventWorld();
  world.answer = () => 410;
  world.send("evt_1");
  await world.run(1000);
  world.send("evt_2");
  await world.run(HOUR_MS);
  expect(world.received).toHaveLength(1);
  expect(await world.webhook.stats()).toMatchObject({ state: "disabled", letters: 2 });
  expect(world.warned.concat(world.bench.warned)).toContain("webhook");
  world.answer = () => 204;
  await world.webhook.replay("evt_2");
  world.send("evt_3");
  await world.run(HOUR_MS);
  expect(idsOf(world.received).slice(1)).toEqual(["evt_2", "evt_3"]);
});

test("[EV15] Retry-After is waited for, in seconds or until a date, and for six hours at most", async () => {
  for (const [value, least, most] of [
    ["120", 120, 150],
    [new Date(Date.UTC(2026, 10, 21, 9) + 600_000).toUTCString(), 600, 750],
    ["864000", 6 * 3600, 7.3 * 3600],
    ["1", 5, 7],
    ["soon", 5, 7],
  ] as const) {
    const world = new EventWorld();
    let calls = 0;
    const busy = () => new Response(null, { status: 429, headers: { "Retry-After": value } });
    world.answer = () => (++calls === 1 ? busy() : 204);
    world.send("evt_1");
    await world.run(DAY_MS);
    const [first, second] = world.received.map(({ at }) => at);
    const seconds = ((second ?? 0) - (first ?? 0)) / 1000;
    expect(seconds, value).toBeGreaterThanOrEqual(least);
    expect(seconds, value).toBeLessThanOrEqual(most);
  }
});

test("[Q8] 3xx is a failure and not followed; a body that never ends is not read", async () => {
  const world = new EventWorld();
  let calls = 0;
  let isCancelled = false;
  const endless = new ReadableStream({
    pull: (controller) => controller.enqueue(new Uint8Array(65_536)),
    cancel: () => {
      isCancelled = true;
    },
  });
  world.answer = () => {
    calls++;
    if (calls === 1) return new Response(null, { status: 302, headers: { Location: "http://127.0.0.1/" } });
    return calls === 2 ? new Response(endless, { status: 500 }) : 204;
  };
  world.send("evt_1");
  await world.run(HOUR_MS);
  expect(world.received.map(({ redirect }) => redirect)).toEqual(["manual", "manual", "manual"]);
  expect(isCancelled).toBe(true);
  expect(await world.webhook.stats()).toMatchObject({ delivered: 1, failed: 2 });
});

test("[EV18] dead letters come in pages, the oldest first, and beyond ten thousand the oldest go and are counted", async () => {
  const world = new EventWorld();
  const letter = (id: string) => ({ id, type: "t", at: 1, attempts: 1, lastError: "e", dataJson: '{"a":1}' });
  for (let from = 0; from < 10_000; from += 1000) {
    await world.webhook.park(Array.from({ length: 1000 }, (_, i) => letter(`l${from + i}`)));
  }
  await world.webhook.park([letter("l5"), letter("new")]);
  expect(await world.webhook.stats()).toMatchObject({ letters: 10_000, dropped: 1, parked: 10_001 });
  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await world.webhook.letters({ limit: 999, ...(cursor !== undefined && { cursor }) });
    seen.push(...(JSON.parse(page.lettersJson) as { id: string }[]).map(({ id }) => id));
    cursor = page.cursor;
  } while (cursor !== undefined);
  expect(seen).toHaveLength(10_000);
  expect([seen[0], seen.at(-1)]).toEqual(["l1", "new"]);
});
