import { describe, expect, test } from "vitest";
import { networkOf, sourceOf } from "../../src/http/network.ts";
import { type LocationCounter, Rates } from "../../src/http/rates.ts";
import { HeldOff } from "../../src/objects/held-off.ts";
import { Recent } from "../../src/objects/recent.ts";

/** A limit of one isolate at a time of the test's choosing, and the counter of its location. */
function ratesAt({
  perSecond = 10,
  burst = 100,
  lot = 10,
  untold = 0,
  most = Number.POSITIVE_INFINITY,
} = {}) {
  const clock = { time: 1_000_000, now: () => clock.time };
  const told: string[] = [];
  const counter: LocationCounter = {
    limit: async ({ key }) => ({ success: told.push(key) <= most }),
  };
  const work: Promise<void>[] = [];
  const location = { counter, background: (done: Promise<void>) => void work.push(done) };
  const rates = new Rates({ perSecond, burst, lot }, { now: clock.now, random: () => untold / lot });
  return { rates, clock, told, location, settled: () => Promise.all(work) };
}

describe("[LM5] what one isolate admits", () => {
  test("is told to the location in lots, with what is left over kept", async () => {
    const { rates, told, location, settled } = ratesAt();
    for (const weight of [1, 6, 7]) expect(rates.take("ann", weight, location)).toBe(0);
    await settled();
    expect(told).toEqual(["ann"]);
    expect(rates.take("ann", 36, location)).toBe(0);
    await settled();
    expect(told).toHaveLength(5);
  });

  test("begins anywhere in its first lot: of many isolates that admit little the sum is right", async () => {
    const { rates, told, location, settled } = ratesAt({ untold: 9 });
    rates.take("ann", 1, location);
    await settled();
    expect(told).toEqual(["ann"]);
  });

  test("is not told where it was refused", async () => {
    const { rates, told, location, settled } = ratesAt({ burst: 5, lot: 1 });
    for (let i = 0; i < 20; i++) rates.take("ann", 1, location);
    await settled();
    expect(told).toHaveLength(5);
  });

  test("ends for a second where the location has had too much of it, for that name alone", async () => {
    const { rates, clock, location, settled } = ratesAt({ lot: 1, most: 3 });
    for (let i = 0; i < 4; i++) expect(rates.take("ann", 1, location)).toBe(0);
    await settled();
    expect(rates.take("ann", 1, location)).toBe(1000);
    expect(rates.waitMs("ann")).toBe(1000);
    expect(rates.take("ben", 1, { ...location, counter: undefined })).toBe(0);
    clock.time += 1000;
    expect(rates.waitMs("ann")).toBe(0);
  });

  test("goes on where there is no counter, and where it fails", async () => {
    const { rates, location, settled } = ratesAt({ lot: 1 });
    const failing = { limit: () => Promise.reject(new Error("down")) };
    for (const counter of [undefined, failing])
      for (let i = 0; i < 10; i++) expect(rates.take("ann", 1, { ...location, counter })).toBe(0);
    await settled();
    expect(rates.waitMs("ann")).toBe(0);
  });
});

test("[LM5] weights count, and a name has the burst at once and the rate in the long run", () => {
  const { rates, clock, location } = ratesAt({ perSecond: 10, burst: 100 });
  expect(rates.take("key", 60, location)).toBe(0);
  expect(rates.take("key", 60, location)).toBe(2000);
  expect(rates.waitMs("key", 60)).toBe(2000);
  expect(rates.waitMs("key", 40)).toBe(0);
  expect(rates.take("other", 100, location)).toBe(0);
  clock.time += 2000;
  expect(rates.waitMs("key", 60)).toBe(0);
  expect(rates.take("key", 60, location)).toBe(0);
});

test("[LM5] to look counts nothing, and remembers nobody", () => {
  const { rates, location } = ratesAt({ burst: 1 });
  for (let i = 0; i < 10; i++) expect(rates.waitMs("ann")).toBe(0);
  expect(rates.take("ann", 1, location)).toBe(0);
  expect(rates.waitMs("ann")).toBe(100);
});

test("[LM13] at most twice so many names are known, and the newest are among them", () => {
  const recent = new Recent<number>(100);
  for (let i = 0; i < 100_000; i++) recent.set(`n${i}`, i);
  const known = Array.from({ length: 100_000 }, (_, i) => i).filter((i) => recent.get(`n${i}`) !== undefined);
  expect(known.length).toBeLessThanOrEqual(200);
  expect(known.at(-1)).toBe(99_999);
});

test("[LM13] who is asked for stays known beside any number of others", () => {
  const recent = new Recent<number>(100);
  recent.set("ann", 1);
  for (let i = 0; i < 10_000; i++) {
    recent.set(`n${i}`, i);
    if (i % 50 === 0) expect(recent.get("ann")).toBe(1);
  }
});

test("[LM9] who was held off is held until then, and nobody else", () => {
  const held = new HeldOff();
  held.hold("ann", 5000);
  expect([held.waitMs("ann", 4000), held.waitMs("ann", 5000), held.waitMs("ben", 0)]).toEqual([1000, 0, 0]);
});

test.each([
  ["203.0.113.7", "203.0.113.7"],
  ["2001:db8:1:2:3:4:5:6", "2001:db8:1:2"],
  ["2001:DB8:1:2::9", "2001:db8:1:2"],
  ["2001:db8::9", "2001:db8:0:0"],
  ["::1", "0:0:0:0"],
  ["::ffff:203.0.113.7", "::ffff:203.0.113.7"],
])("[LM2] the address %s counts as %s", (address, network) => {
  expect(networkOf(address)).toBe(network);
});

test("[LM2] Workers of other zones, who all have one address, count by the zone that owns them", () => {
  const address = "2a06:98c0:3600::103";
  expect(sourceOf(address, "a.example")).not.toBe(sourceOf(address, "b.example"));
  expect(sourceOf(address, undefined)).not.toBe(sourceOf(address, "b.example"));
  expect(sourceOf("203.0.113.7", "a.example")).toBe("203.0.113.7");
  expect(sourceOf(undefined, "a.example")).toBeUndefined();
});
