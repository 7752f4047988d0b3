import fc from "fast-check";
import { expect, test } from "vitest";
import type { RosterSession } from "../../src/channel/roster/member.ts";
import { Roster, type RosterChange } from "../../src/channel/roster/roster.ts";
import { RosterNews } from "../../src/channel/roster/roster-news.ts";
import { SortedUsers } from "../../src/channel/roster/sorted-users.ts";
import { PLAIN } from "../../src/connections/kept/kept-members.ts";
import type { MemberState } from "../../src/objects/ports.ts";

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

const HIDDEN = { ...PLAIN, version: 1, isHidden: true };
const BUSY: MemberState = { version: 2, status: "busy", isHidden: false };
const UNSAID: MemberState = { version: 3, isHidden: false };

test("[RO12] a member shows its status from the first moment, and another one is a change", () => {
  const roster = new Roster();
  expect(roster.put(session("ann", "1"))).toMatchObject({ is: "joined", member: { status: "online" } });
  expect(roster.setState("ann", BUSY)).toMatchObject({ is: "changed", member: { status: "busy" } });
  expect(roster.setState("ann", { ...BUSY, version: 9 })).toEqual({ is: "nothing" });
  expect(roster.setState("ben", BUSY)).toEqual({ is: "nothing" });
  expect(roster.put(session("ben", "2"), BUSY)).toMatchObject({ is: "joined", member: { status: "busy" } });
});

test("[RO13] who turns invisible leaves, what it does meanwhile is no news, and it joins as of before", () => {
  const roster = new Roster();
  roster.put(session("ann", "1", { joinedAt: 7 }));
  expect(roster.setState("ann", HIDDEN)).toEqual({ is: "left", user: "ann" });
  expect(roster.put(session("ann", "2", { joinedAt: 7, device: { type: "tv" } }), HIDDEN)).toEqual({
    is: "nothing",
  });
  expect(roster.remove("ann", "1")).toEqual({ is: "nothing" });
  expect(roster.joinedAt("ann")).toBe(7);
  expect(roster.setState("ann", BUSY)).toMatchObject({
    is: "joined",
    member: { status: "busy", joinedAt: 7, devices: ["tv"] },
  });
  roster.setState("ann", HIDDEN);
  expect(roster.remove("ann", "2")).toEqual({ is: "nothing" });
});

test("[RO14] only back ends see who hides, marked, and have it counted", () => {
  const roster = new Roster();
  roster.put(session("ann", "1"));
  roster.put(session("ben", "2"), HIDDEN);
  roster.put(session("ben", "3"), HIDDEN);
  expect([roster.count, roster.shown]).toEqual([1, { members: 1, sessions: 1 }]);
  expect(roster.everybody).toEqual({ members: 2, sessions: 3 });
  expect(roster.page(undefined, 10).members.map(({ user }) => user)).toEqual(["ann"]);
  expect(roster.page(undefined, 1).next).toBeUndefined();
  const [ann, ben] = roster.pageOfAll(undefined, 10).members;
  expect([ann?.hidden, ben]).toMatchObject([undefined, { user: "ben", hidden: true, sessions: 2 }]);
});

test("[RO15] whose status is not shown shows no devices either, and a new one of them is no news", () => {
  const roster = new Roster();
  const joined = roster.put(session("ann", "1"), UNSAID);
  expect(joined).toEqual({ is: "joined", member: { user: "ann", sessions: 1, joinedAt: 1 } });
  expect(roster.put(session("ann", "2", { device: { type: "tv" } }), UNSAID)).toEqual({ is: "nothing" });
  expect(roster.setState("ann", BUSY)).toMatchObject({ is: "changed", member: { devices: ["tv", "web"] } });
});

test("[RO18] devices are those of live sessions, or without one of those that ended last", () => {
  const roster = new Roster();
  roster.put(session("ann", "1"));
  roster.put(session("ann", "2", { device: { type: "mobile" } }));
  const devices = () => roster.page(undefined, 1).members[0]?.devices;
  expect(roster.put(session("ann", "1", { end: { at: 5 } }))).toMatchObject({
    is: "changed",
    member: { devices: ["mobile"] },
  });
  const mobile = { device: { type: "mobile" as const }, end: { at: 6 } };
  expect(roster.put(session("ann", "2", mobile))).toEqual({ is: "nothing" });
  expect(roster.remove("ann", "1")).toEqual({ is: "nothing" });
  expect(roster.put(session("ann", "3", { device: { type: "mobile" } }))).toEqual({ is: "nothing" });
  expect(devices()).toEqual(["mobile"]);
  roster.put(session("ann", "3", { device: { type: "tv" }, end: { at: 9 } }));
  roster.put(session("ann", "4", { end: { at: 9 } }));
  expect(devices()).toEqual(["tv", "web"]); // both ended in the same moment
});

/** Any course of events, and what users and back ends see of it counted anew each time. */
test("[RO14] counts and pages agree with the members, and the changes told lead to what is shown", () => {
  const user = fc.constantFrom("a", "b", "c");
  const step = fc.oneof(
    fc.record({ is: fc.constant("put" as const), user, id: fc.constantFrom("1", "2"), isLive: fc.boolean() }),
    fc.record({ is: fc.constant("remove" as const), user, id: fc.constantFrom("1", "2") }),
    fc.record({
      is: fc.constant("state" as const),
      user,
      state: fc.constantFrom(PLAIN, HIDDEN, BUSY, UNSAID),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const roster = new Roster();
      const states = new Map<string, MemberState>();
      const told = new Map<string, unknown>();
      for (const taken of steps) {
        if (taken.is === "state") states.set(taken.user, taken.state);
        const state = states.get(taken.user) ?? PLAIN;
        const end = taken.is === "put" && !taken.isLive ? { at: 1 } : null;
        let change: RosterChange;
        if (taken.is === "state") change = roster.setState(taken.user, state);
        else if (taken.is === "put")
          change = roster.put(session(taken.user, taken.user + taken.id, { end }), state);
        else change = roster.remove(taken.user, taken.user + taken.id);
        if (change.is === "left") expect(told.delete(change.user)).toBe(true);
        else if (change.is !== "nothing") told.set(change.member.user, change.member.status);
        const shown = roster.page(undefined, 10).members;
        const all = roster.pageOfAll(undefined, 10).members;
        expect(shown).toEqual(all.filter(({ hidden }) => hidden === undefined));
        expect(new Map(shown.map((member) => [member.user, member.status]))).toEqual(told);
        expect([roster.shown.members, roster.everybody.members]).toEqual([shown.length, all.length]);
      }
    }),
  );
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
  const news = new RosterNews({ clock: { now: () => state.now }, timers }, about, {
    tell: (text) => state.told.push(JSON.parse(text)),
    waits: () => undefined,
  });
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

test("[RO22] who comes and goes within a tick has left for whoever was shown the roster in between", () => {
  const { state, roster, news, tick } = newsBench();
  news.add(roster.put(session("a", "a")));
  news.flush();
  news.add(roster.put(session("b", "b")));
  news.flush();
  news.shown();
  news.add(roster.remove("b", "b"));
  tick();
  expect(state.told[1]).toMatchObject({ count: 1, joined: [], left: [{ user: "b" }] });
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

test("[RO7] a roster of thousands stays in order, whoever comes and goes", () => {
  const sorted = new SortedUsers();
  const expected = new Set<string>();
  let seed = 7;
  const next = (below: number) => {
    seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
    return Math.floor((seed / 2 ** 32) * below);
  };
  for (let i = 0; i < 20_000; i++) {
    const user = `u${next(4000)}`;
    if (expected.delete(user)) sorted.remove(user);
    else {
      expected.add(user);
      sorted.add(user);
    }
  }
  const users = [...expected].sort();
  expect([sorted.size, sorted.all()]).toEqual([users.length, users]);
  for (let i = 0; i < 200; i++) {
    const cursor = `u${next(4000)}`;
    const limit = 1 + next(1500);
    const after = users.filter((user) => user > cursor);
    const page = sorted.page(cursor, limit);
    expect(page.users).toEqual(after.slice(0, limit));
    expect(page.next).toBe(after.length > limit ? after[limit - 1] : undefined);
  }
  for (const user of users) sorted.remove(user);
  expect([sorted.size, sorted.all(), sorted.page(undefined, 5)]).toEqual([0, [], { users: [] }]);
});
