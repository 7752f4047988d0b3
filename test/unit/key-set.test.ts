import { describe, expect, it, vi } from "vitest";
import { KeySet, type Outside } from "../../src/auth/key-set.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import { keyPair } from "../fixtures/key-pairs.ts";
import { NOW_MS } from "../fixtures/odd-tokens.ts";

const one = keyPair("ES256", "one");
const two = keyPair("ES256", "two");

/** An issuer that answers at once, or when it is told to, and counts who asked. */
class Issuer {
  keys: unknown[] = [one.jwk];
  asked = 0;
  answer: () => Promise<Response> = async () => Response.json({ keys: this.keys });
  readonly warned: string[] = [];
  readonly outlived: Promise<void>[] = [];
  readonly outside: Partial<Outside> = {
    fetch: () => {
      this.asked++;
      return this.answer();
    },
    background: (work) => void this.outlived.push(work),
    warn: (event, _, cause) =>
      void this.warned.push(`${event}: ${cause instanceof Error ? cause.message : ""}`),
  };
  readonly #set = new KeySet("https://id.example.com/jwks.json");

  /** `key`, or the code of the refusal. */
  async find(kid: string | undefined, atSeconds = 0): Promise<string> {
    const found = await this.#set.key({ alg: "ES256", kid }, NOW_MS + atSeconds * 1000, this.outside);
    return isRefusal(found) ? found.code : "key";
  }

  unreachable(): void {
    this.answer = () => Promise.reject(new TypeError("connection refused"));
  }
}

describe("fetches", () => {
  it("[JK4] the first token fetches the set, and what is known fetches nothing", async () => {
    const issuer = new Issuer();
    expect(await issuer.find("one")).toBe("key");
    for (let second = 0; second < 599; second += 7) expect(await issuer.find("one", second)).toBe("key");
    expect(issuer.asked).toBe(1);
  });

  it("[A4] [JK4] a flood of unknown kids fetches once in 30 s, side by side and one after another", async () => {
    const issuer = new Issuer();
    const flood = (second: number) =>
      Promise.all(Array.from({ length: 200 }, (_, i) => issuer.find(`no-${i}`, second)));
    expect(new Set(await flood(0))).toEqual(new Set(["token_invalid"]));
    expect(issuer.asked).toBe(1);
    for (let second = 1; second < 30; second++) await flood(second);
    expect(issuer.asked).toBe(1);
    await flood(30);
    expect(issuer.asked).toBe(2);
    expect(await issuer.find("one", 31)).toBe("key");
    expect(issuer.asked).toBe(2);
  });

  it("[JK4] all who wait share the fetch under way", async () => {
    const issuer = new Issuer();
    let open = () => {};
    const opened = new Promise<void>((resolve) => {
      open = resolve;
    });
    issuer.answer = async () => {
      await opened;
      return Response.json({ keys: [one.jwk] });
    };
    const waiting = ["one", "one", "nobody", undefined].map((kid) => issuer.find(kid));
    open();
    expect(await Promise.all(waiting)).toEqual(["key", "key", "token_invalid", "key"]);
    expect(issuer.asked).toBe(1);
  });

  it("[JK4] a new kid is found with one fetch, right after the first and once more", async () => {
    const issuer = new Issuer();
    await issuer.find("one");
    issuer.keys = [two.jwk];
    expect(await issuer.find("two", 1)).toBe("key");
    issuer.keys = [keyPair("ES256", "three").jwk];
    expect(await issuer.find("three", 2)).toBe("key");
    expect(issuer.asked).toBe(3);
  });

  it("[JK4] a fetch outlives the request that began it", async () => {
    const issuer = new Issuer();
    await issuer.find("one");
    expect(issuer.outlived).toHaveLength(1);
    await expect(issuer.outlived[0]).resolves.toBeUndefined();
  });

  it("[JK4] a clock that goes back an hour ends neither the pause nor the fetches", async () => {
    const issuer = new Issuer();
    await issuer.find("nobody");
    await issuer.find("nobody", -29);
    expect(issuer.asked).toBe(1);
    await issuer.find("nobody", -3600);
    expect(issuer.asked).toBe(2);
  });
});

describe("an address that does not answer", () => {
  it("[JK5] is unavailable to who needs it, and says when to come back", async () => {
    const issuer = new Issuer();
    issuer.unreachable();
    expect(await issuer.find("one")).toBe("unavailable");
    const set = new KeySet("https://id.example.com/jwks.json");
    expect(await set.key({ alg: "ES256", kid: "one" }, NOW_MS, issuer.outside)).toMatchObject({
      code: "unavailable",
      retryAfterMs: 30_000,
    });
    expect(await set.key({ alg: "ES256", kid: "one" }, NOW_MS + 20_000, issuer.outside)).toMatchObject({
      retryAfterMs: 10_000,
    });
    expect(issuer.asked).toBe(2);
    expect(issuer.warned[0]).toBe("key set not fetched: connection refused");
  });

  it("[JK5] is asked again after 30 s, and then all is well", async () => {
    const issuer = new Issuer();
    issuer.unreachable();
    for (let second = 0; second < 30; second++) expect(await issuer.find("one", second)).toBe("unavailable");
    expect(issuer.asked).toBe(1);
    issuer.answer = async () => Response.json({ keys: [one.jwk] });
    expect(await issuer.find("one", 30)).toBe("key");
    expect(await issuer.find("two", 31)).toBe("token_invalid");
  });

  it("[JK6] leaves known keys, however old, and a new kid is unavailable", async () => {
    const issuer = new Issuer();
    await issuer.find("one");
    issuer.unreachable();
    for (const second of [1, 700, 4000, 86_400]) {
      expect(await issuer.find("two", second)).toBe("unavailable");
      expect(await issuer.find("one", second)).toBe("key");
    }
    for (const status of [404, 500, 204, 302]) {
      issuer.answer = async () => new Response(null, { status });
      expect(await issuer.find("one", 90_000 + status)).toBe("key");
    }
  });

  it("[JK6] keeps nobody with a known key waiting, once it has failed", async () => {
    const issuer = new Issuer();
    await issuer.find("one");
    issuer.unreachable();
    for (let second = 600; second < 630; second++) expect(await issuer.find("one", second)).toBe("key");
    expect(issuer.asked).toBe(2);
    issuer.answer = () => new Promise(() => {}); // never
    vi.useFakeTimers(); // so that no patience ever ends
    try {
      expect(await issuer.find("one", 700)).toBe("key");
    } finally {
      vi.useRealTimers();
    }
    expect(issuer.asked).toBe(3);
  });
});

it("[JK5] a fetch that died with its request keeps nobody waiting, and is replaced after the pause", async () => {
  vi.useFakeTimers();
  try {
    const issuer = new Issuer();
    issuer.answer = () => new Promise(() => {}); // never: the platform drops what an ended request awaits
    const waiting = issuer.find("one");
    await vi.advanceTimersByTimeAsync(6000);
    expect(await waiting).toBe("unavailable");
    issuer.answer = async () => Response.json({ keys: [one.jwk] });
    expect(await issuer.find("one", 30)).toBe("key");
  } finally {
    vi.useRealTimers();
  }
});

describe("a key that is taken out of the set", () => {
  it("[JK6] stops to count after 10 min", async () => {
    const issuer = new Issuer();
    await issuer.find("one");
    issuer.keys = [two.jwk];
    expect(await issuer.find("one", 599)).toBe("key");
    expect(await issuer.find("one", 600)).toBe("token_invalid");
    expect(await issuer.find("two", 601)).toBe("key");
    expect(issuer.asked).toBe(2);
  });

  it("[JK6] stops to count at once when another kid brought the new set, also an empty one", async () => {
    const issuer = new Issuer();
    await issuer.find("one");
    issuer.keys = [];
    expect(await issuer.find("two", 5)).toBe("token_invalid");
    expect(await issuer.find("one", 6)).toBe("token_invalid");
    expect(issuer.warned).toEqual(["key set without a usable key: "]);
  });
});

describe("which key", () => {
  it("[JK3] without kid the only one that fits the algorithm, and none where two do", async () => {
    const issuer = new Issuer();
    issuer.keys = [one.jwk, keyPair("RS256", "rsa").jwk, keyPair("EdDSA", "ed").jwk];
    expect(await issuer.find(undefined)).toBe("key");
    issuer.keys = [one.jwk, two.jwk];
    expect(await issuer.find(undefined, 600)).toBe("token_invalid");
  });

  it("[JK3] the kid is compared whole, and a kid of two keys stands for none", async () => {
    const issuer = new Issuer();
    const nameless = keyPair("ES256", "").jwk;
    issuer.keys = [one.jwk, { ...nameless, kid: undefined }, { ...two.jwk, kid: "__proto__" }];
    for (const kid of ["", "ONE", "one ", "on", "undefined", "constructor"]) {
      expect(await issuer.find(kid)).toBe("token_invalid");
    }
    expect(await issuer.find("__proto__")).toBe("key");
    issuer.keys = [one.jwk, { ...two.jwk, kid: "one" }];
    expect(await issuer.find("one", 600)).toBe("token_invalid");
  });
});
