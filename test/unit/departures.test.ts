import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { Members } from "../../src/channel/roster/members.ts";
import { MIGRATIONS } from "../../src/channel/schema.ts";
import { settingsOf } from "../../src/config.ts";
import { Departures } from "../../src/connections/kept/departures.ts";
import { KeptSessions } from "../../src/connections/kept/kept-sessions.ts";
import { MemberStates } from "../../src/connections/kept/member-states.ts";
import { ByTime } from "../../src/objects/by-time.ts";
import { Database } from "../../src/objects/migrations.ts";
import type { Objects } from "../../src/objects/ports.ts";
import { Storage } from "../sim/storage.ts";

const settings = settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters", OFFLINE_GRACE_SECONDS: "5" });

/** A channel's sessions and what follows their ends; users' objects answer when the test says so. */
function bench(answersAtOnce: boolean) {
  const state = { now: 1_000_000, told: 0, isVacancyOwed: false, answers: [] as (() => void)[] };
  const clock = { now: () => state.now };
  const sql = new Database(new Storage(), MIGRATIONS);
  const sessions = new KeptSessions(sql, () => undefined);
  const states = new MemberStates(sql, clock);
  const timers = { after: () => undefined };
  const relays = { parts: () => [], isAnywhere: () => false };
  const about = { channel: "c", sessions, states, settings, relays };
  const members = new Members({ clock, timers }, about, { tell: () => undefined, waits: () => undefined });
  const ended = () => {
    state.told++;
    return answersAtOnce ? Promise.resolve() : new Promise<void>((resolve) => state.answers.push(resolve));
  };
  const ports = {
    clock,
    background: { run: () => undefined },
    log: { warn: () => undefined },
    objects: { user: () => ({ ended, endedTogether: ended }) } as unknown as Objects,
  };
  const departures = new Departures(
    ports,
    { channel: "c", sessions, members },
    { isOwed: () => state.isVacancyOwed, tell: () => undefined, holdMs: () => 0 },
  );
  const begin = (session: string, user: string) => {
    const row = { session, user, device: { type: "web" as const }, connectedAt: 0, joinedAt: 0, end: null };
    sessions.begin(row);
    members.put(row);
  };
  const end = (session: string) => {
    const row = sessions.end(session, state.now, "timeout");
    if (row !== undefined) members.put(row);
    departures.nextAt();
    departures.outbox.nextAt();
    departures.outbox.kick();
  };
  const settled = () => new Promise((resolve) => setImmediate(resolve));
  return { state, sessions, members, departures, begin, end, settled };
}

const Step = fc.oneof(
  fc.record({ is: fc.constant("set" as const), id: fc.nat(9), at: fc.nat(50) }),
  fc.record({ is: fc.constant("delete" as const), id: fc.nat(9) }),
  fc.record({ is: fc.constant("take" as const), now: fc.nat(50) }),
  fc.record({ is: fc.constant("until" as const), now: fc.nat(50) }),
);

test("[SN12] what is ordered by time is found by time, whatever was set again, deleted or taken", () => {
  fc.assert(
    fc.property(fc.array(Step, { maxLength: 200 }), (steps) => {
      const byTime = new ByTime();
      const model = new Map<string, number>();
      for (const step of steps) {
        const due = "now" in step ? [...model].filter(([, at]) => at <= step.now) : [];
        if (step.is === "set") byTime.set(`${step.id}`, step.at);
        if (step.is === "set") model.set(`${step.id}`, step.at);
        if (step.is === "delete") byTime.delete(`${step.id}`);
        if (step.is === "delete") model.delete(`${step.id}`);
        if (step.is === "until") expect(byTime.until(step.now).sort()).toEqual(due.map(([id]) => id).sort());
        if (step.is === "take") {
          const taken = byTime.take(step.now);
          expect(taken.map(({ at }) => at)).toEqual(due.map(([, at]) => at).sort((a, b) => a - b));
          for (const { id } of taken) expect(model.delete(id)).toBe(true);
        }
        expect(byTime.size).toBe(model.size);
        expect(byTime.earliest()).toBe(model.size === 0 ? null : Math.min(...model.values()));
      }
    }),
  );
});

/** How often a session was looked at while so many ended, one by one, and their users' objects answered. */
async function looksFor(count: number): Promise<number> {
  const { state, sessions, members, departures, begin, end, settled } = bench(true);
  const users = Array.from({ length: count }, (_, i) => `u${String((i * 7919) % count).padStart(5, "0")}`);
  for (const user of users) begin(`s-${user}`, user);
  const looks = [
    vi.spyOn(sessions, "findEnded"),
    vi.spyOn(members, "expiryOf"),
    vi.spyOn(members, "isCounted"),
    vi.spyOn(departures.outbox, "isSettled"),
    vi.spyOn(sessions, "owes"),
    vi.spyOn(sessions, "owed"),
  ];
  for (const user of users) end(`s-${user}`);
  state.now += 4_000; // answers come before the grace is over
  await settled();
  state.now += 2_000;
  for (let i = 0; i < 10; i++) {
    departures.run();
    departures.outbox.run(state.now);
    await settled();
  }
  expect(state.told).toBe(count);
  expect([...sessions.all()]).toEqual([]);
  expect(departures.nextAt()).toBeNull();
  expect(looks.at(-1)?.mock.calls).toEqual([]); // it would be all of them each time
  return looks.reduce((sum, { mock }) => sum + mock.calls.length, 0);
}

test("[SN12] ten times as many sessions that end at once are ten times the work", async () => {
  const [few, many] = [await looksFor(500), await looksFor(5000)];
  expect(many).toBeLessThanOrEqual(10.5 * few);
  expect(many).toBeLessThanOrEqual(20 * 5000);
});

test("[SN12] a row stays until its grace is over and its debt paid, whichever comes last", async () => {
  const { state, sessions, departures, begin, end, settled } = bench(false);
  begin("paid first", "ann");
  begin("paid last", "ben");
  end("paid first");
  end("paid last");
  expect(departures.nextAt()).toBe(state.now + 5_000);
  state.answers[0]?.();
  await settled();
  state.now += 5_000;
  departures.run();
  expect([...sessions.all()].map(({ session }) => session)).toEqual(["paid last"]);
  expect(departures.nextAt()).toBeNull(); // the debt has its own time
  expect(departures.outbox.nextAt()).toBe(state.now);
  departures.outbox.run(state.now);
  expect(departures.nextAt()).toBeNull();
  expect(departures.outbox.nextAt()).toBeGreaterThan(state.now);
  state.answers[1]?.();
  await settled();
  expect([...sessions.all()]).toEqual([]);
});

test("[SN12] the rows of the last members stay while the directory does not know, and go at once then", async () => {
  const { state, sessions, departures, begin, end, settled } = bench(true);
  begin("s", "ann");
  end("s");
  await settled();
  expect(departures.outbox.nextAt()).toBeNull(); // paid
  state.isVacancyOwed = true;
  state.now += 5_000;
  departures.run();
  expect([...sessions.all()]).toHaveLength(1);
  expect(departures.nextAt()).toBeNull();
  state.isVacancyOwed = false;
  expect(departures.nextAt()).toBe(state.now);
  departures.run();
  expect([...sessions.all()]).toEqual([]);
});
