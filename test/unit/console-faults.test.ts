import { describe, expect, test } from "vitest";
import {
  beginStory,
  type Fault,
  goOn,
  type Story,
  type StoryEvent,
  standing,
} from "../../src/console/fault-story.ts";
import { arrow, distinct, layOut, watchesByUser } from "../../src/console/graph-layout.ts";

/** A story of these events, a second apart. */
function storyOf(fault: Fault, ...events: StoryEvent[]): Story {
  return events.reduce((story, event, i) => goOn(story, event, (i + 1) * 1_000), beginStory(fault, 0, true));
}

const words = (story: Story) => story.steps.map((step) => step.words).slice(1);

describe("the story of a fault", () => {
  test("[CO41] while others still see somebody who is cut, that is the grace; while silent, nobody knows", () => {
    expect(standing(storyOf("cut"), "ben")).toBe("Still there for ben: that is the grace");
    expect(standing(storyOf("cut"), undefined)).toBe("");
    expect(standing(storyOf("silent", { type: "probed" }), "ben")).toContain("nobody knows yet");
    expect(standing(storyOf("silent", { type: "ended", code: 4002 }), "ben")).toContain("the grace");
    expect(standing(storyOf("cut", { type: "gone", by: "ben" }), "cid")).toBe("");
    expect(standing(storyOf("cut", { type: "back", recovered: 0 }), "ben")).toBe("");
  });

  test("[CO41] who came back was noticed or not, and cannot be gone because of it", () => {
    const unnoticed = storyOf("cut", { type: "back", recovered: 2 }, { type: "gone", by: "ben" });
    expect(words(unnoticed)).toEqual(["Back within the grace, unnoticed; 2 messages recovered"]);
    const unknown = storyOf("silent", { type: "back", recovered: 0 });
    expect(words(unknown)).toEqual(["Back before anybody noticed; nothing was missed"]);
    const alone = goOn(beginStory("cut", 0, false), { type: "back", recovered: 1 }, 500);
    expect(words(alone)).toEqual(["Back; 1 message recovered"]);
    const noticed = storyOf("cut", { type: "gone", by: "ben" }, { type: "back", recovered: undefined });
    expect(words(noticed)).toEqual(["Gone for ben", "Back; what was missed is lost, and that was told"]);
    expect(noticed.steps.map(({ afterMs }) => afterMs)).toEqual([0, 1_000, 2_000]);
  });

  test("[CO41] somebody is gone once, however many see it; and the evicted can still go after the end", () => {
    const twice = storyOf(
      "evicted",
      { type: "closed", code: 4502 },
      { type: "gone", by: "ben" },
      { type: "gone", by: "cid" },
    );
    expect(words(twice)).toEqual(["Closed (4502): stays away", "Gone for ben"]);
    expect(twice.isOver && twice.isGone).toBe(true);
  });
});

describe("the watch graph", () => {
  test("[CO43] each watch is one arrow, between the rims, and two who watch each other have two apart", () => {
    const watches = distinct([
      { from: "ann", to: "ben" },
      { from: "ben", to: "ann" },
      { from: "ann", to: "ben" },
    ]);
    expect(watches).toHaveLength(2);
    const points = layOut(["ann", "ben", "cid"], 100);
    expect(new Set([...points.values()].map(({ x, y }) => Math.round(Math.hypot(x, y))))).toEqual(
      new Set([100]),
    );
    const [ann = { x: 0, y: 0 }, ben = { x: 0, y: 0 }] = [points.get("ann"), points.get("ben")];
    const bend = (path: string) => /Q(\S+ \S+) /.exec(path)?.[1];
    expect(bend(arrow(ann, ben, 20))).toMatch(/^-?\d/);
    expect(bend(arrow(ann, ben, 20))).not.toBe(bend(arrow(ben, ann, 20)));
    const [x = 0, y = 0] = (arrow(ann, ben, 20).match(/-?[\d.]+/g) ?? []).map(Number);
    expect(Math.hypot(x - ann.x, y - ann.y)).toBeCloseTo(23, 0);
  });

  test("[CO43] in words each who watches stands once, with all names in order", () => {
    const watches = ["cid", "ben"].map((to) => ({ from: "ann", to }));
    expect(watchesByUser([{ from: "ben", to: "ann" }, ...watches])).toEqual([
      ["ann", ["ben", "cid"]],
      ["ben", ["ann"]],
    ]);
  });
});
