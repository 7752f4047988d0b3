import { describe, expect, test } from "vitest";
import { ChannelRecord, wordsOfTold } from "../../src/console/channel-record.ts";
import { Provenance } from "../../src/console/provenance.ts";
import { RoundTrips } from "../../src/console/round-trips.ts";
import type { Message } from "../../src/protocol/bodies.ts";

const message = (offset: number): Message => ({
  id: `m-${offset}`,
  channel: "lobby",
  offset,
  event: "message",
  data: offset,
  at: offset * 1_000,
});

describe("the console's log", () => {
  test("[CO40] what a welcome recovers is recovered, also where it follows later; what comes after it is live", () => {
    const provenance = new Provenance();
    expect(provenance.welcomed({ epoch: "e", offset: 3, recovered: false })).toBeUndefined();
    expect(provenance.heard(4)).toBe("live");
    const told = provenance.welcomed({ epoch: "e", offset: 7, recovered: true });
    expect(told).toEqual({ kind: "recovered", after: 4, upTo: 7, isNewEpoch: false });
    expect([5, 6, 7, 8].map((offset) => provenance.heard(offset))).toEqual([
      "recovered",
      "recovered",
      "recovered",
      "live",
    ]);
    expect(provenance.welcomed({ epoch: "e", offset: 8, recovered: true })).toBeUndefined();
  });

  test("[CO37] a welcome that does not go on is a gap, in the same epoch and in another", () => {
    const provenance = new Provenance();
    provenance.welcomed({ epoch: "e", offset: 3, recovered: false });
    const lost = provenance.welcomed({ epoch: "e", offset: 9, recovered: false });
    expect(lost).toEqual({ kind: "gap", after: 3, upTo: 9, isNewEpoch: false });
    expect(lost && wordsOfTold(lost)).toBe("gap: offsets 4 to 9 could not be recovered");
    const anew = provenance.welcomed({ epoch: "f", offset: 1, recovered: false });
    expect(anew && wordsOfTold(anew)).toContain("new epoch");
    expect(provenance.heard(2)).toBe("live");
  });

  test("[CO40] a row holds the way to each card, and what is read of earlier stands before what came since", () => {
    const record = new ChannelRecord();
    record.heard(message(3), "ann", "live");
    record.heard(message(3), "ben", "recovered");
    record.heard(message(3), "ben", "live");
    record.heard(message(1), "ben", "earlier");
    record.heard(message(4), "ann", "live");
    const rows = record.rows.map((row) => row.kind === "message" && [row.message.offset, ...row.ways]);
    expect(rows).toEqual([
      [1, ["ben", "earlier"]],
      [3, ["ann", "live"], ["ben", "recovered"]],
      [4, ["ann", "live"]],
    ]);
  });

  test("[CO40] two hundred rows are kept, the newest", () => {
    const record = new ChannelRecord();
    for (let i = 1; i <= 205; i++) record.heard(message(i), "ann", "live");
    const [oldest] = record.rows;
    expect(record.rows).toHaveLength(200);
    expect(oldest?.kind === "message" && oldest.message.offset).toBe(6);
  });

  test("[CO42] the way of a message is measured, whether its answer or the message itself comes first", () => {
    const told: number[] = [];
    const trips = new RoundTrips((ms) => told.push(ms));
    trips.heard("a", 30);
    trips.answered("a", 10);
    trips.answered("b", 40);
    trips.heard("b", 45);
    trips.heard("somebody else's", 50);
    expect(told).toEqual([20, 5]);
  });
});
