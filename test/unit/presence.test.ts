import { expect, test } from "vitest";
import { offlineAt, presenceOf } from "../../src/user/presence.ts";
import type { SessionRow } from "../../src/user/session-table.ts";
import { NEVER_SEEN, type UserRow } from "../../src/user/user-table.ts";

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
