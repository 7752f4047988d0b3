import fc from "fast-check";
import { expect, test } from "vitest";
import { type House, type OpenRelay, place } from "../../src/channel/relays/placing.ts";
import { type LocationHint, relayOf } from "../../src/objects/placement.ts";

const hints = fc.constantFrom<LocationHint[]>("weur", "enam", "apac");

const textOf = ({ number, region }: { number: number; region?: string }) => `${region ?? ""}-${number}`;

/** A channel that counts on its own whom it sent where. */
class Counted {
  own = 0;
  readonly relays = new Map<string, OpenRelay>();
  readonly sessions: { user: string; at: string }[] = [];

  readonly capacity: number;
  readonly home: LocationHint | undefined;

  constructor(capacity: number, home: LocationHint | undefined) {
    this.capacity = capacity;
    this.home = home;
  }

  get house(): House {
    const { own, capacity, home } = this;
    return { own, capacity, ...(home && { home }), relays: [...this.relays.values()] };
  }

  /** Where this newcomer went: `here`, or a relay. */
  take(user: string, hint: LocationHint, avoided: ReadonlySet<string> = new Set()): string {
    const placed = place(this.house, { user, hint, isAvoided: (at) => avoided.has(textOf(at)) });
    let at = "here";
    if (placed.is === "here") this.own += 1;
    else {
      at = relayOf(user, placed.places.map(textOf)) ?? "nowhere";
      const found = placed.places.find((other) => textOf(other) === at);
      if (found === undefined) throw new Error("nobody is left without a place");
      const known = this.relays.get(at) ?? { ...found, sessions: 0 };
      this.relays.set(at, { ...known, sessions: known.sessions + 1 });
    }
    this.sessions.push({ user, at });
    return at;
  }

  leave(): void {
    const gone = this.sessions.shift();
    if (gone === undefined) return;
    const relay = this.relays.get(gone.at);
    if (relay === undefined) this.own -= 1;
    else if (relay.sessions === 1) this.relays.delete(gone.at);
    else this.relays.set(gone.at, { ...relay, sessions: relay.sessions - 1 });
  }
}

const courses = fc.record({
  capacity: fc.integer({ min: 1, max: 12 }),
  home: fc.option(hints, { nil: undefined }),
  course: fc.array(
    fc.record({
      user: fc.integer({ min: 0, max: 30 }).map((i) => `u${i}`),
      hint: hints,
      joins: fc.integer({ min: 0, max: 9 }).map((i) => i < 7),
    }),
    { maxLength: 200 },
  ),
});

test("[RY32] everybody finds a place, no relay is filled above its capacity, and a channel with room takes newcomers itself", () => {
  fc.assert(
    fc.property(courses, ({ capacity, home, course }) => {
      const channel = new Counted(capacity, home);
      for (const { user, hint, joins } of course) {
        if (!joins) {
          channel.leave();
          continue;
        }
        const hadRoom = channel.own < capacity;
        const at = channel.take(user, hint);
        const isForeign = home !== undefined && hint !== home;
        if (!isForeign) expect(at === "here").toBe(hadRoom);
        else expect(at).toMatch(new RegExp(`^${hint}-`));
        expect(channel.own).toBeLessThanOrEqual(capacity);
        for (const { sessions } of channel.relays.values()) expect(sessions).toBeLessThanOrEqual(capacity);
      }
    }),
  );
});

test("[RY33] a user's sessions meet at one relay while it has room", () => {
  fc.assert(
    fc.property(courses, ({ capacity, course }) => {
      const channel = new Counted(capacity, undefined);
      channel.own = capacity;
      for (const { user, hint } of course) {
        const before = channel.house;
        const open = place(before, { user, hint, isAvoided: () => false });
        const at = channel.take(user, hint);
        const after = place(channel.house, { user, hint, isAvoided: () => false });
        // As long as the relays that have room are the same, the next session of the user goes where this one went.
        if (JSON.stringify(open) === JSON.stringify(after)) expect(channel.take(user, hint)).toBe(at);
      }
    }),
  );
});

test("[RY33] of a relay that is added or taken away, only those move whom it takes or had", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 40 }), fc.string({ maxLength: 10 }), (count, user) => {
      const relays = Array.from({ length: count }, (_, i) => `c/${i + 1}`);
      const before = relayOf(user, relays);
      expect([before, `c/${count + 1}`]).toContain(relayOf(user, [...relays, `c/${count + 1}`]));
      const without = relays.filter((relay) => relay !== relays[0]);
      if (before !== relays[0]) expect(relayOf(user, without)).toBe(before);
    }),
  );
});

test("[RY33] users spread over relays evenly", () => {
  const relays = Array.from({ length: 10 }, (_, i) => `c/${i + 1}`);
  const counts = new Map<string, number>();
  for (let i = 0; i < 10_000; i++) {
    const relay = relayOf(`user-${i}`, relays) ?? "";
    counts.set(relay, (counts.get(relay) ?? 0) + 1);
  }
  expect(Math.min(...relays.map((relay) => counts.get(relay) ?? 0))).toBeGreaterThan(850);
  expect(Math.max(...counts.values())).toBeLessThan(1150);
});

test("[RY34] no more relays are open than leave a third of them empty, so that the others drain", () => {
  fc.assert(
    fc.property(courses, ({ capacity, course }) => {
      const channel = new Counted(capacity, undefined);
      channel.own = capacity;
      for (const { user, hint, joins } of course) {
        if (!joins) {
          channel.leave();
          continue;
        }
        const total = [...channel.relays.values()].reduce((sum, { sessions }) => sum + sessions, 0);
        const needed = Math.floor((total * 3) / (2 * capacity)) + 1;
        const number = Number(channel.take(user, hint).slice(1));
        expect(number).toBeLessThanOrEqual(needed);
      }
    }),
  );
});

test("[RY35] a relay that had no room is avoided, and there is still a place", () => {
  fc.assert(
    fc.property(courses, fc.integer({ min: 1, max: 3 }), ({ capacity, course }, most) => {
      const channel = new Counted(capacity, undefined);
      channel.own = capacity;
      for (const { user, hint } of course) {
        const avoided = new Set(Array.from({ length: most }, (_, i) => textOf({ number: i + 1 })));
        expect(avoided.has(channel.take(user, hint, avoided))).toBe(false);
      }
    }),
  );
});
