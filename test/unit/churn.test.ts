import { expect, test } from "vitest";
import { Members } from "../../src/channel/roster/members.ts";
import { MIGRATIONS } from "../../src/channel/schema.ts";
import { settingsOf } from "../../src/config.ts";
import { KeptSessions } from "../../src/connections/kept/kept-sessions.ts";
import { MemberStates } from "../../src/connections/kept/member-states.ts";
import { Database } from "../../src/objects/migrations.ts";
import { messagesIn, SenderBench } from "../fixtures/sender-bench.ts";
import { Storage } from "../sim/storage.ts";

const settings = settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters" });
const MEMBERS = 200;
const TICK_MS = 50;

test("[A27] two hundred members who change all the time are told of in frames that grow with members and ticks", async () => {
  const bench = new SenderBench(MEMBERS);
  const { timers } = bench;
  const sql = new Database(new Storage(), MIGRATIONS);
  const sessions = new KeptSessions(sql, () => undefined);
  const clock = { now: () => timers.now() };
  const states = new MemberStates(sql, clock);
  const about = {
    channel: "c",
    sessions,
    states,
    settings,
    relays: { parts: () => [], isAnywhere: () => false },
  };
  const members = new Members({ clock, timers }, about, {
    tell: (text) => bench.sender.tellAll(text),
    waits: () => undefined,
  });
  const users = Array.from({ length: MEMBERS }, (_, i) => `u${i}`);
  for (const user of users) {
    const row = {
      session: `s-${user}`,
      user,
      device: { type: "web" as const },
      connectedAt: 0,
      joinedAt: 0,
      end: null,
    };
    sessions.begin(row);
    members.put(row);
  }
  await timers.pass(200);
  for (const { texts } of bench.listeners) texts.length = 0;
  const FLAPS = 20;
  const since = timers.now();
  for (let flap = 1; flap <= FLAPS; flap++) {
    for (const user of users) {
      const status = flap % 2 === 0 ? ("online" as const) : ("busy" as const);
      members.told(user, [`s-${user}`], { version: flap, status, isHidden: false });
    }
    await timers.pass(10);
  }
  await timers.pass(200);
  const ticks = Math.ceil((timers.now() - since) / TICK_MS);
  const frames = bench.listeners.reduce((sum, { texts }) => sum + messagesIn(texts).length, 0);
  expect(frames).toBeLessThanOrEqual(MEMBERS * (ticks + 1)); // of 800,000
  expect(frames).toBeGreaterThan(MEMBERS);
  const seen = new Map<string, string>();
  for (const frame of messagesIn(bench.listeners[0]?.texts ?? []) as {
    changed: { user: string; status: string }[];
  }[])
    for (const { user, status } of frame.changed) seen.set(user, status);
  expect([...new Set(seen.values())]).toEqual(["online"]); // the last word
  expect(seen.size).toBe(MEMBERS);
});
