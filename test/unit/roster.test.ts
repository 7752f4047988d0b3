import fc from "fast-check";
import { expect, test } from "vitest";
import type { RosterSession } from "../../src/channel/member.ts";
import { Roster } from "../../src/channel/roster.ts";
import { RosterNews } from "../../src/channel/roster-news.ts";

const session = (user: string, id: string, over: Partial<RosterSession> = {}): RosterSession => ({
  session: id,
  user,
  device: { type: "web" },
  joinedAt: 1,
  end: null,
  ...over,
});

test("[RO6] one member per user: the first session joins, the last one leaves", () => {
  const roster = new Roster();
  expect(roster.put(session("ann", "1"))).toMatchObject({
    is: "joined",
    member: { user: "ann", sessions: 1 },
  });
  expect(roster.put(session("ann", "2"))).toEqual({ is: "nothing" });
  expect(roster.remove("ann", "1")).toEqual({ is: "nothing" });
  expect(roster.remove("ann", "2")).toEqual({ is: "left", user: "ann" });
  expect(roster.remove("ann", "2")).toEqual({ is: "nothing" });
});

test("[RO6] an ended session counts until it is removed, and is no live one", () => {
  const roster = new Roster();
  roster.put(session("ann", "1"));
  expect(roster.put(session("ann", "1", { end: { at: 1 } }))).toEqual({ is: "nothing" });
  expect(roster.shown).toEqual({ members: 1, sessions: 0 });
});

test("[RO7] pages are complete and in order, whatever their size", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.stringMatching(/^[a-zA-Z0-9_]{1,5}$/), { maxLength: 40 }),
      fc.integer({ min: 1, max: 7 }),
      (users, limit) => {
        const roster = new Roster();
        for (const user of users) roster.put(session(user, user));
        const seen: string[] = [];
        let cursor: string | undefined;
        do {
          const page = roster.page(cursor, limit);
          seen.push(...page.members.map((member) => member.user));
          cursor = page.next;
        } while (cursor !== undefined);
        expect(seen).toEqual([...users].sort());
      },
    ),
  );
});

function newsBench(detailMax = 1000) {
  const state = {
    now: 1000,
    told: [] as { joined: unknown[]; left: unknown[]; changed: unknown[]; count: number }[],
  };
  let later: (() => void) | undefined;
  const roster = new Roster();
  const timers = {
    after: (_: number, run: () => void) => {
      later = run;
    },
  };
  const about = { channel: "c", roster, detailMax };
  const news = new RosterNews({ clock: { now: () => state.now }, timers }, about, (text) =>
    state.told.push(JSON.parse(text)),
  );
  return { state, roster, news, tick: () => later?.() };
}

test("[RO8] the first change leaves at once, what follows within a tick is merged into one frame", () => {
  const { state, roster, news, tick } = newsBench();
  for (const user of ["a", "b", "c", "d"]) {
    news.add(roster.put(session(user, user)));
    news.flush();
  }
  expect(state.told).toHaveLength(1);
  tick();
  expect(state.told).toHaveLength(2);
  expect(state.told[1]).toMatchObject({
    count: 4,
    joined: [{ user: "b" }, { user: "c" }, { user: "d" }],
    left: [],
  });
});

test("[RO8] who comes and goes within a tick is no news", () => {
  const { state, roster, news, tick } = newsBench();
  news.add(roster.put(session("a", "a")));
  news.flush();
  news.add(roster.put(session("b", "b")));
  news.flush();
  news.add(roster.remove("b", "b"));
  tick();
  expect(state.told).toHaveLength(1);
});

test("[RO8] who leaves and returns within a tick has changed at most", () => {
  const { state, roster, news, tick } = newsBench();
  news.add(roster.put(session("a", "a")));
  news.flush();
  news.add(roster.remove("a", "a"));
  news.add(roster.put(session("a", "a2", { device: { type: "tv" } })));
  news.flush();
  tick();
  expect(state.told[1]).toMatchObject({ joined: [], left: [], changed: [{ user: "a", devices: ["tv"] }] });
});

test("[RO9] above MEMBERS_DETAIL_MAX only the count is told", () => {
  const { state, roster, news, tick } = newsBench(1);
  news.add(roster.put(session("a", "a")));
  news.add(roster.put(session("b", "b")));
  news.flush();
  tick();
  expect(state.told).toEqual([{ type: "members", channel: "c", count: 2 }]);
});

test("[F31] a clock that goes back an hour holds no news up", () => {
  const { state, roster, news } = newsBench();
  news.add(roster.put(session("a", "a")));
  news.flush();
  state.now -= 3_600_000;
  news.add(roster.put(session("b", "b")));
  news.flush();
  expect(state.told).toHaveLength(2);
});
