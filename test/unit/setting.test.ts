import { expect, test } from "vitest";
import { changed, type Setting } from "../../src/user/presence/setting.ts";

const NOW = 1000;
const LUNCH: Setting = { status: "away", text: "lunch", emoji: "🥪", saidAt: 1, expiresAt: 5000 };

test("[PR6] what is left out stays", () => {
  expect(changed(LUNCH, { status: "busy", expiresInSeconds: 2 }, NOW)).toEqual({
    ...LUNCH,
    ...{ status: "busy", saidAt: NOW, expiresAt: 3000 },
  });
  expect(changed(null, { text: "hello" }, NOW)).toEqual({ text: "hello", saidAt: NOW });
});

test("[PR6] null and the empty text take back, and where nothing is left there is no setting", () => {
  expect(changed(LUNCH, { status: null, emoji: "" }, NOW)).toEqual({ text: "lunch", saidAt: NOW });
  expect(changed(LUNCH, { status: null, text: null, emoji: null, expiresInSeconds: 9 }, NOW)).toBeNull();
});

test("[PR6] without a time it holds until it is said anew", () => {
  expect(changed(LUNCH, { text: "long lunch" }, NOW)?.expiresAt).toBeUndefined();
});

test("[PR6] who says nothing of it changes nothing", () => {
  expect(changed(LUNCH, { visibility: "nobody" }, NOW)).toBe(LUNCH);
});
