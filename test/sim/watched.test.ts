import { expect, test } from "vitest";
import { HttpWatches } from "./http-watches.ts";
import type { PresenceTruth } from "./presence-truth.ts";
import { Watched } from "./watched.ts";

const presence = { user: "bob", status: "online", lastActiveAt: 0, devices: [], version: 1 } as const;
const answer = { user: "bob", expiresAt: 1, presence: { ...presence, devices: [] } };

/** A connection whose every word is true. */
const watchedBy = (user: string) =>
  new Watched(user, { whyWrong: () => undefined } as unknown as PresenceTruth, (sentence) => {
    throw new Error(sentence);
  });
const refOf = (frame: object) => (frame as { ref: string }).ref;

test("[SIM17] what a refused frame asked for is as sure as it was before", () => {
  const ann = watchedBy("ann");
  ann.answered(refOf(ann.ask({ is: "watch", users: ["bob"], only: ["online"] })), { presence: [] });
  const refused = refOf(ann.ask({ is: "watch", users: ["bob", "cho"] }));
  expect([...ann.held]).toEqual([]);
  ann.refused(refused);
  expect([...ann.held]).toEqual([["bob", ["online"]]]);
  const [first, second] = [
    refOf(ann.ask({ is: "unwatch", users: ["bob"] })),
    refOf(ann.ask({ is: "watch", users: ["bob", "cho"] })),
  ];
  ann.answered(first, {});
  expect([...ann.held]).toEqual([]);
  ann.answered(second, { presence: [presence] });
  expect([...ann.held.keys()]).toEqual(["bob", "cho"]);
  const late = refOf(ann.ask({ is: "watch", users: ["bob", "cho"] }));
  ann.forget("bob"); // erased: what was under way may have come to nothing
  ann.answered(late, { presence: [] });
  expect([...ann.held.keys()]).toEqual(["cho"]);
});

test("[SIM17] a pair over HTTP is sure again after an unwatch, and after a call that crashed", () => {
  const watches = new HttpWatches();
  for (let round = 0; round < 2; round++) {
    watches.done(watches.asked("ann", "bob")); // an unwatch that was answered, or anything that was lost
    expect([...watches.of("ann")]).toEqual([]);
    watches.watched(watches.asked("ann", "bob"), answer);
    expect([...watches.of("ann")]).toEqual(["bob"]);
  }
  const [one, two] = [watches.asked("ann", "bob"), watches.asked("ann", "bob")];
  watches.watched(two, answer);
  watches.watched(one, answer);
  expect([...watches.of("ann")]).toEqual([]); // which of the two was carried out last nobody knows
  const asked = watches.asked("ann", "bob");
  watches.forget("bob");
  watches.watched(asked, answer);
  expect([...watches.of("ann")]).toEqual([]);
});
