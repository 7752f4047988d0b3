import { expect, test, vi } from "vitest";
import { LetterTable } from "../../src/events/letter-table.ts";
import { WebhookTable } from "../../src/events/webhook-table.ts";
import { EventWorld } from "../fixtures/event-world.ts";

const letter = (id: string, lastError = "e") => ({
  ...{ id, type: "t", at: 1, attempts: 1, lastError, dataJson: '{"a":1}' },
});

test("[EV18] dead letters are counted once after a wake-up, and then kept up, whatever comes and goes", async () => {
  const world = new EventWorld();
  const count = vi.spyOn(LetterTable.prototype, "count");
  try {
    for (let i = 0; i < 50; i++) await world.webhook.park([letter(`l${i}`), letter(`l${i + 1}`)]);
    await world.webhook.replay("l3");
    await world.webhook.replay("l3");
    await world.webhook.park([letter("l4"), letter("l3"), letter("l3")]);
    await world.webhook.replay("l7");
    expect(count).toHaveBeenCalledTimes(1);
    expect((await world.webhook.stats()).letters).toBe(50);
    world.evict();
    expect((await world.webhook.stats()).letters).toBe(50);
  } finally {
    count.mockRestore();
  }
});

test("[EV18] what could not be kept is not counted", async () => {
  const world = new EventWorld();
  await world.webhook.park([letter("a")]);
  const write = vi.spyOn(WebhookTable.prototype, "write").mockImplementation(() => {
    throw new Error("full");
  });
  await expect(world.webhook.park([letter("b")])).rejects.toThrow("full");
  write.mockRestore();
  expect(await world.webhook.stats()).toMatchObject({ letters: 1, parked: 1 });
});

test("[EV19] a letter that is given up again while it is sent again is kept", async () => {
  const world = new EventWorld();
  await world.webhook.park([letter("a"), letter("b")]);
  let answer = () => {};
  vi.spyOn(world, "sendBatch").mockImplementation(() => new Promise((resolve) => (answer = resolve)));
  const replayed = world.webhook.replay("a");
  await world.webhook.park([letter("a", "again")]);
  answer();
  expect(await replayed).toBe(true);
  const { lettersJson } = await world.webhook.letters({ limit: 10 });
  const kept = (JSON.parse(lettersJson) as { id: string; lastError: string }[]).map(
    ({ id, lastError }) => `${id} ${lastError}`,
  );
  expect(kept).toEqual(["b e", "a again"]);
  expect(await world.webhook.stats()).toMatchObject({ letters: 2, parked: 2, redriven: 1 });
});

test("[EV18] of a page that is full at a megabyte no more letters are read than about fill it", async () => {
  const world = new EventWorld();
  const large = JSON.stringify("x".repeat(110_000));
  const letters = Array.from({ length: 100 }, (_, i) => ({ ...letter(`l${i}`), dataJson: large }));
  await world.webhook.park(letters);
  const after = vi.spyOn(LetterTable.prototype, "after");
  const { lettersJson, cursor } = await world.webhook.letters({ limit: 1000 });
  const read = after.mock.results.reduce((sum, { value }) => sum + (value as object[]).length, 0);
  after.mockRestore();
  expect(JSON.parse(lettersJson)).toHaveLength(9);
  expect(cursor).toBe("9");
  expect(read).toBeLessThanOrEqual(20);
});
