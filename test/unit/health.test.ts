import { expect, test, vi } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { healthOf } from "../../src/maintenance/checks.ts";
import { noDifferences, type Sample, type ShardHealth } from "../../src/objects/auditing.ts";
import type { DirectoryPort } from "../../src/objects/directory-port.ts";
import { FIRST_RETRY_MS, Outbox, retryDelay } from "../../src/objects/outbox.ts";
import type { Objects } from "../../src/objects/ports.ts";
import { portWith } from "../fixtures/object-bench.ts";

const settings = settingsOf({
  JWT_SECRET: "a secret that only this test knows, at length",
  DIRECTORY_SHARDS: "2",
});
const NOW = 1_800_000_000_000;
const HOUR_MS = 3_600_000;

const sample = (more: Partial<Sample> = {}): Sample => ({
  ...{ at: NOW - 60_000, asked: 10, unanswered: 0, owedSince: null },
  ...{ differences: noDifferences(), total: noDifferences() },
  ...more,
});
const shard = (more: Partial<ShardHealth> = {}): ShardHealth => ({
  listed: 1,
  sample: sample(),
  isLate: false,
  ...more,
});

interface Parts {
  health?: (shard: string) => Promise<ShardHealth>;
  probe?: () => Promise<number>;
  env?: object;
}

function ask({ health = async () => shard(), probe = async () => NOW - 2000, env = {} }: Parts = {}) {
  const directory = (name: string) => portWith<DirectoryPort>({ health: () => health(name), probe });
  const log = { warn: vi.fn() };
  return healthOf({ objects: { directory } as unknown as Objects, settings, env, now: () => NOW, log });
}

test("[HL3] every part is checked, and says what it found in a sentence without names", async () => {
  expect(await ask()).toEqual({
    status: "ok",
    checks: {
      object: { ok: true, ms: 0, detail: "read what was written 2 s ago" },
      queue: { ok: true, ms: 0, detail: "no webhook is set" },
      directory: { ok: true, ms: 0, detail: "2 of 2 shards answered" },
      outbox: { ok: true, ms: 0, ageMs: null, detail: "nothing was owed at the last look" },
      consistency: {
        ...{ ok: true, ms: 0, ageMs: 60_000, asked: 20, unanswered: 0 },
        ...{ differences: noDifferences(), total: noDifferences() },
        detail: "0 differences among 20 asked",
      },
    },
  });
});

test("[HL4] a part that throws fails by itself, and shows nothing of why", async () => {
  const probe = async () => {
    throw new Error("SELECT secret FROM user");
  };
  const { status, checks } = await ask({ probe });
  expect([status, checks.object.ok, checks.directory.ok]).toEqual(["failing", false, true]);
  expect(JSON.stringify(checks)).not.toContain("SELECT");
});

test("[HL4] a part that keeps silent fails after two seconds, and the others do not wait for it", async () => {
  vi.useFakeTimers();
  const silent = (name: string) =>
    name === "0-of-2" ? new Promise<never>(() => {}) : Promise.resolve(shard());
  const asked = ask({ health: silent, probe: () => new Promise(() => {}) });
  let answered = false;
  void asked.then(() => (answered = true));
  await vi.advanceTimersByTimeAsync(1990);
  expect(answered).toBe(false);
  await vi.advanceTimersByTimeAsync(20);
  vi.useRealTimers();
  const { status, checks } = await asked;
  expect(status).toBe("failing");
  expect(checks.object.ok).toBe(false);
  expect(checks.directory).toMatchObject({ ok: false, detail: "1 of 2 shards answered" });
  expect(checks.consistency.ok).toBe(true);
});

test("[HL5] the queue is needed where a webhook is set, and nowhere else", async () => {
  const WEBHOOK_URL = "https://hooks.example.com";
  expect((await ask({ env: { WEBHOOK_URL } })).checks.queue).toMatchObject({ ok: false });
  expect((await ask({ env: { WEBHOOK_URL, EVENT_QUEUE: { send() {} } } })).checks.queue).toMatchObject({
    ok: true,
  });
  expect((await ask({ env: { WEBHOOK_URL: "" } })).checks.queue).toMatchObject({ ok: true });
});

test("[HL12] the oldest debt is shown with its age at the last look, and fails the check after an hour", async () => {
  const owing = (ageMs: number) => async (name: string) =>
    shard({ sample: sample({ owedSince: name === "0-of-2" ? NOW - 60_000 - ageMs : NOW - 61_000 }) });
  expect((await ask({ health: owing(90_000) })).checks.outbox).toMatchObject({ ok: true, ageMs: 90_000 });
  expect((await ask({ health: owing(HOUR_MS) })).checks.outbox).toMatchObject({ ok: false, ageMs: HOUR_MS });
});

test("[HL12] how long a debt has waited follows from its tries", () => {
  const log = { warn: () => {} };
  const background = { run: () => {} };
  const madeAt = 1000;
  let debt = { id: "a", tries: 0, dueAt: madeAt + FIRST_RETRY_MS };
  const ledger = {
    owed: () => [debt],
    owes: () => true,
    postpone: (id: string, tries: number, dueAt: number) => {
      debt = { id, tries, dueAt };
    },
  };
  const outbox = new Outbox(
    { clock: { now: () => 0 }, background, log },
    ledger,
    async () => {},
    () => {},
  );
  for (let tries = 0; tries < 20; tries++) {
    expect(outbox.backlog().oldestAt).toBe(madeAt);
    outbox.run(debt.dueAt);
  }
  expect(debt.dueAt).toBeGreaterThan(retryDelay(20) * 8);
  outbox.confirm("a");
  expect(outbox.backlog().oldestAt).toBeNull();
});

test("[HL13] differences that were put right fail nothing; a shard that compares no more does", async () => {
  const differences = { ...noDifferences(), watches: 3 };
  const found = await ask({
    health: async () => shard({ sample: sample({ differences, total: differences }) }),
  });
  expect(found.status).toBe("ok");
  expect(found.checks.consistency).toMatchObject({
    differences: { watches: 6 },
    detail: "6 differences among 20 asked",
  });
  const late = await ask({ health: async (name) => shard({ isLate: name === "1-of-2" }) });
  expect(late.checks.consistency).toMatchObject({ ok: false });
  const fresh = await ask({ health: async () => shard({ sample: null }) });
  expect(fresh.checks.consistency).toMatchObject({ ok: true, ageMs: null, detail: "no sample yet" });
});
