import { expect, test } from "vitest";
import type { SetStatus } from "../../src/protocol/presence.ts";
import {
  isVisibleTo,
  memberOf,
  neverSeen,
  offlineAt,
  presenceOf,
  shownOf,
  versionsAfter,
  versionsOf,
} from "../../src/user/presence/presence.ts";
import type { SessionRow } from "../../src/user/presence/session-table.ts";
import { NEVER_SEEN, type UserRow } from "../../src/user/presence/user-table.ts";

const ROW: UserRow = { ...NEVER_SEEN, version: 3, shownVersion: 3, lastActiveAt: 50, shownActiveAt: 50 };
const NONE: ReadonlySet<string> = new Set();
const GRACE = 5000;

const session = (id: string, over: Partial<SessionRow> = {}): SessionRow => ({
  session: id,
  keeper: { kind: "user" },
  device: { type: "web" },
  transport: "websocket",
  connectedAt: 100,
  version: 4,
  shownVersion: 4,
  setting: null,
  endedAt: null,
  ...over,
});
const mobile = { device: { type: "mobile" as const } };
const seen = (sessions: SessionRow[], silent = NONE) =>
  presenceOf({ user: "ann", row: ROW, sessions, silent, graceMs: GRACE });

test("[PR4] devices are those of live sessions; without one, those that ended last", () => {
  expect(seen([session("1"), session("2", { ...mobile, endedAt: 900 })]).devices).toEqual(["web"]);
  expect(seen([session("1", { endedAt: 900 }), session("2", { ...mobile, endedAt: 900 })]).devices).toEqual([
    "mobile",
    "web",
  ]);
  expect(
    seen([session("1", { endedAt: 90_000 }), session("2", { ...mobile, endedAt: 900 })]).devices,
  ).toEqual(["web"]);
});

test("[PR4] a silent session counts for nothing, and makes no grace either", () => {
  expect(seen([session("1")], new Set(["1"]))).toMatchObject({ status: "offline", devices: [] });
  expect(seen([session("1"), session("2", { endedAt: 900 })], new Set(["1"])).status).toBe("offline");
});

test("[PR4] the version is the highest that any row holds", () => {
  expect(seen([session("1", { version: 9 }), session("2")]).version).toBe(9);
  expect(seen([]).version).toBe(3);
});

test("[PR4] the grace runs from the last end, and not at all while a session lives", () => {
  expect(offlineAt([session("1", { endedAt: 10 }), session("2", { endedAt: 70 })], GRACE)).toBe(5070);
  expect(offlineAt([session("1", { endedAt: 10 }), session("2")], GRACE)).toBeNull();
  expect(offlineAt([], GRACE)).toBeNull();
});

type Said = SetStatus | null;
const said = (status: Said, saidAt = 1) => (status === null ? null : { status, saidAt });
const facts = (statuses: Said[], over: Partial<UserRow> = {}) => ({
  user: "ann",
  row: { ...ROW, ...over },
  sessions: statuses.map((status, i) => session(String(i), { setting: said(status) })),
  silent: NONE,
  graceMs: GRACE,
});
const IDLE = { awaySince: 100 };

test.each([
  { forAll: "invisible", each: [null], row: {}, is: "invisible", shown: "offline" },
  { forAll: "busy", each: ["online", "invisible"], row: {}, is: "busy", shown: "busy" },
  { forAll: "away", each: ["busy"], row: {}, is: "away", shown: "away" },
  { forAll: "online", each: ["away"], row: {}, is: "online", shown: "online" },
  { forAll: "online", each: ["away"], row: IDLE, is: "away", shown: "away" },
  { forAll: "busy", each: [null], row: IDLE, is: "busy", shown: "busy" },
  { forAll: null, each: ["busy", "invisible"], row: {}, is: "invisible", shown: "offline" },
  { forAll: null, each: [null, "busy", "away"], row: IDLE, is: "busy", shown: "busy" },
  { forAll: null, each: ["away", null], row: {}, is: "online", shown: "online" },
  { forAll: null, each: ["away", "online"], row: IDLE, is: "away", shown: "away" },
  { forAll: null, each: ["away", "away"], row: {}, is: "away", shown: "away" },
  { forAll: "busy", each: [], row: {}, is: "offline", shown: "offline" },
] as { forAll: Said; each: Said[]; row: Partial<UserRow>; is: string; shown: string }[])(
  "[PR5] $forAll for all, and $each: $is, and $shown to others",
  ({ forAll, each, row, is, shown }) => {
    const of = facts(each, { ...row, setting: said(forAll) });
    expect([presenceOf(of).status, shownOf(of).status]).toEqual([is, shown]);
  },
);

test("[PR5] a session that began after everybody fell idle is active", () => {
  const of = facts([null], { awaySince: 99 });
  expect(presenceOf(of).status).toBe("online");
});

test("[PR5] text and emoji are those said for all, else those said last beside the status that counts", () => {
  const busy = (text: string, saidAt: number) => session(text, { setting: { status: "busy", text, saidAt } });
  const sessions = [
    busy("early", 1),
    busy("late", 2),
    session("3", { setting: { text: "idle", saidAt: 9 } }),
  ];
  const of = { ...facts([]), sessions };
  expect(presenceOf(of)).toMatchObject({ status: "busy", text: "late" });
  const row = { ...ROW, setting: { text: "for all", saidAt: 0, expiresAt: 77 } };
  expect(presenceOf({ ...of, row })).toMatchObject({ status: "busy", text: "for all", expiresAt: 77 });
});

test("[PR11] what an invisible user changes brings others no new version, nor a later time", () => {
  const hidden = { setting: said("invisible"), shownActiveAt: 60_000, lastActiveAt: 500_000 };
  const before = facts([null], hidden);
  const after = { ...before, sessions: [session("0"), session("1", mobile)] };
  const { version, shownVersion } = versionsOf(before);
  expect(versionsAfter(before, after)).toEqual({ version: version + 1, shownVersion });
  expect(shownOf(after)).toEqual({ ...neverSeen("ann"), lastActiveAt: 60_000, version: 4 });
});

test("[PR11] an invisible user is in no roster that others see, and one who hides shows no status there", () => {
  expect(memberOf(facts(["invisible"]))).toEqual({ version: 4, isHidden: true });
  expect(memberOf(facts(["busy"], { visibility: { except: ["bob"] } }))).toEqual({
    version: 4,
    isHidden: false,
  });
  expect(memberOf(facts(["busy"]))).toEqual({ version: 4, isHidden: false, status: "busy" });
});

test("[PR12] visibility is for everyone, nobody, all but these, or these", () => {
  const seenBy = (user: string) =>
    (["everyone", "nobody", { except: ["bob"] }, { only: ["bob"] }] as const).map((visibility) =>
      isVisibleTo(visibility as Parameters<typeof isVisibleTo>[0], user),
    );
  expect(seenBy("bob")).toEqual([true, false, false, true]);
  expect(seenBy("cat")).toEqual([true, false, true, false]);
});
