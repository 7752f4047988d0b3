import { describe, expect, test } from "vitest";
import { Feed, type Happening, passes } from "../../src/console/feed.ts";

const said = (id: number, by: string): Happening => ({
  kind: "message",
  who: "ann",
  words: `says: ${id}`,
  by,
  key: `message:${id}`,
});

describe("events of the console", () => {
  test("[CO38] what two cards see of the same is one event, seen by both", () => {
    const feed = new Feed();
    expect(feed.add(said(1, "ann"), 0)?.isNew).toBe(true);
    expect(feed.add(said(1, "ben"), 40)?.isNew).toBe(false);
    expect(feed.add(said(1, "ben"), 50)).toBeUndefined();
    expect(feed.entries.map(({ words, seenBy, at }) => ({ words, seenBy, at }))).toEqual([
      { words: "says: 1", seenBy: ["ann", "ben"], at: 0 },
    ]);
  });

  test("[CO38] what looks the same later, or has no key, is another event", () => {
    const feed = new Feed();
    const joined = (by: string): Happening => ({ kind: "people", who: "ann", words: "joined", by, key: "j" });
    feed.add(joined("ben"), 0);
    feed.add(joined("ben"), 60_000);
    const { key: _key, ...own } = joined("ben");
    feed.add(own, 60_001);
    feed.add(own, 60_002);
    expect(feed.entries).toHaveLength(4);
  });

  test("[CO39] three hundred are kept, and the oldest go", () => {
    const feed = new Feed();
    for (let i = 1; i <= 310; i++) feed.add(said(i, "ann"), 1_000);
    expect(feed.entries).toHaveLength(300);
    expect(feed.entries[0]?.words).toBe("says: 11");
    // Forgotten, it is no longer known by its key either.
    expect(feed.add(said(1, "ben"), 1_001)?.isNew).toBe(true);
  });

  test("[CO39] a filter takes whom it is about and who saw it, and one kind", () => {
    const feed = new Feed();
    feed.add(said(1, "ben"), 0);
    const [entry] = feed.entries;
    if (entry === undefined) throw new Error("nothing was added");
    const isShown = (who: string, kind: string) => passes(entry, { who, kind });
    expect([isShown("", ""), isShown("ann", ""), isShown("ben", "message")]).toEqual([true, true, true]);
    expect([isShown("cid", ""), isShown("ann", "fault")]).toEqual([false, false]);
  });
});
