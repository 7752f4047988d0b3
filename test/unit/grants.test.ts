import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matches, maySend, mayUseChannel, mayWatch } from "../../src/auth/grants.ts";
import { Capability, type Claims } from "../../src/protocol/claims.ts";

const ann: Claims = { sub: "ann", exp: 1 };
const using = (channels: Record<string, Capability[]>): Claims => ({ ...ann, channels });
const mayPublish = (channels: Record<string, Capability[]>, channel: string) =>
  mayUseChannel(using(channels), "publish", channel, "open");

describe("patterns", () => {
  it.each([
    ["news", "news", true],
    ["news", "newsroom", false],
    ["news", "xnews", false],
    ["News", "news", false],
    ["*", "", true],
    ["*", "anything:at.all", true],
    ["**", "a", true],
    ["room:*", "room:", true],
    ["room:*", "room:1:2", true],
    ["room:*", "room", false],
    ["*:1", "room:1", true],
    ["*:1", "room:12", false],
    ["a*b*c", "abc", true],
    ["a*b*c", "a-c-b", false],
    ["ab*ba", "aba", false],
    ["ab*ba", "abba", true],
    ["a*a", "a", false],
    ["*a*", "bab", true],
    ["a.c", "abc", false],
    ["a+", "aaa", false],
    ["", "", true],
    ["", "a", false],
  ])("[AU11] %j against %j: %j", (pattern, name, expected) => {
    expect(matches(pattern, name)).toBe(expected);
  });

  it("[AU11] agrees with the definition on short names", () => {
    const defined = (pattern: string, name: string): boolean => {
      if (pattern === "") return name === "";
      if (pattern[0] !== "*") return name[0] === pattern[0] && defined(pattern.slice(1), name.slice(1));
      return defined(pattern.slice(1), name) || (name !== "" && defined(pattern, name.slice(1)));
    };
    const text = (letters: string[]) => fc.array(fc.constantFrom(...letters), { maxLength: 7 });
    fc.assert(
      fc.property(text(["a", "b", "*"]), text(["a", "b"]), (pattern, name) => {
        const [p, n] = [pattern.join(""), name.join("")];
        expect(matches(p, n)).toBe(defined(p, n));
      }),
      { numRuns: 5000 },
    );
  });

  it("[A34] a hostile pattern on a long name ends at once", () => {
    const name = "a".repeat(100_000);
    const started = performance.now();
    expect(matches("a*a*a*a*b", name)).toBe(false);
    expect(matches(`${"a*".repeat(63)}b`, name)).toBe(false);
    expect(matches(`*${"a".repeat(126)}b`, name)).toBe(false);
    // A matcher that backtracks takes minutes here; a busy machine takes a tenth of this.
    expect(performance.now() - started).toBeLessThan(1000);
  });
});

describe("channels", () => {
  it("[AU10] a capability is given by name, and what several patterns give adds up", () => {
    const claims = using({ "room:*": ["subscribe"], "*:1": ["publish", "signal"], "room:2": [] });
    const given = (channel: string) =>
      Capability.options.filter((capability) => mayUseChannel(claims, capability, channel, "open"));
    expect(given("room:1")).toEqual(["subscribe", "publish", "signal"]);
    expect(given("room:2")).toEqual(["subscribe"]);
    expect(given("hall:1")).toEqual(["publish", "signal"]);
    expect(given("hall:2")).toEqual([]);
  });

  it("[AU12] a private channel opens only to a pattern that begins with private:", () => {
    for (const pattern of ["*", "**", "p*", "priv*", "private*", "*private:x", "*x", "*:x", "Private:*"]) {
      expect(mayPublish({ [pattern]: ["publish"] }, "private:x")).toBe(false);
    }
    for (const pattern of ["private:x", "private:*", "private:*x"]) {
      expect(mayPublish({ [pattern]: ["publish"] }, "private:x")).toBe(true);
      expect(mayPublish({ [pattern]: ["publish"] }, "private:y")).toBe(pattern === "private:*");
    }
    expect(mayPublish({ "private:*": ["publish"] }, "public")).toBe(false);
    expect(mayPublish({ "*": ["publish"] }, "not-private:x")).toBe(true);
  });

  it("[AU13] without the claim DEFAULT_GRANTS decides, and never opens a private channel", () => {
    for (const capability of Capability.options) {
      expect(mayUseChannel(ann, capability, "news", "open")).toBe(true);
      expect(mayUseChannel(ann, capability, "news", "closed")).toBe(false);
      expect(mayUseChannel(ann, capability, "private:x", "open")).toBe(false);
      expect(mayUseChannel(ann, capability, "private:x", "closed")).toBe(false);
    }
  });

  it("[AU13] a claim that is there decides alone, also when it is empty", () => {
    expect(mayUseChannel(using({}), "subscribe", "news", "open")).toBe(false);
    expect(mayUseChannel(using({ news: ["subscribe"] }), "subscribe", "news", "closed")).toBe(true);
  });

  it("[N10] names of Object.prototype are channels like any other", () => {
    for (const name of ["__proto__", "constructor", "toString", "hasOwnProperty"]) {
      expect(mayPublish({}, name)).toBe(false);
      expect(mayPublish({ news: ["publish"] }, name)).toBe(false);
    }
    const ownProto: Record<string, Capability[]> = JSON.parse('{"__proto__":["publish"]}');
    for (const name of ["news", "toString"]) expect(mayPublish(ownProto, name)).toBe(false);
    expect(mayPublish(Object.create({ news: ["publish"] }), "news")).toBe(false);
  });
});

describe("users", () => {
  it("[AU14] watch and send name users by patterns, each for itself", () => {
    const claims: Claims = { ...ann, watch: ["team:*", "bob"], send: ["bob"] };
    expect(["team:x", "bob", "eve"].map((user) => mayWatch(claims, user, "open"))).toEqual([
      true,
      true,
      false,
    ]);
    expect(["team:x", "bob", "eve"].map((user) => maySend(claims, user, "open"))).toEqual([
      false,
      true,
      false,
    ]);
  });

  it("[AU14] without the claim DEFAULT_GRANTS decides; an empty list gives nobody", () => {
    for (const may of [mayWatch, maySend]) {
      expect(may(ann, "bob", "open")).toBe(true);
      expect(may(ann, "bob", "closed")).toBe(false);
      expect(may({ ...ann, watch: [], send: [] }, "bob", "open")).toBe(false);
    }
  });

  it("[AU15] one's own presence is open whatever the claims say", () => {
    expect(mayWatch({ ...ann, watch: [] }, "ann", "closed")).toBe(true);
    expect(mayWatch({ ...ann, watch: [] }, "Ann", "closed")).toBe(false);
    expect(maySend({ ...ann, send: [] }, "ann", "closed")).toBe(false);
  });
});
