import { afterEach, beforeEach, expect, it, vi } from "vitest";
import * as z from "zod";
import { type Settings, settingsOf } from "../../src/config.ts";
import { log, logBy, pseudonym } from "../../src/objects/log.ts";

const SECRET = "a-secret-of-thirty-two-characters";
const settings = (more: Record<string, string> = {}): Settings => settingsOf({ JWT_SECRET: SECRET, ...more });

const lines: string[] = [];
const METHODS = ["debug", "info", "warn", "error"] as const;

beforeEach(() => {
  lines.length = 0;
  for (const method of METHODS) {
    vi.spyOn(console, method).mockImplementation((line: string) => void lines.push(`${method} ${line}`));
  }
  logBy(settings());
});
afterEach(() => void vi.restoreAllMocks());

const last = () => JSON.parse(lines.at(-1)?.replace(/^\w+ /, "") ?? "null") as Record<string, unknown>;

it("[LG1] a line is one JSON object with its level and event, at its level's console method", () => {
  log.warn("debt parked", { duty: "outbox", tries: 3 }, new TypeError("no answer"));
  expect(lines).toEqual([
    'warn {"level":"warn","event":"debt parked","duty":"outbox","tries":3,"cause":"TypeError: no answer"}',
  ]);
  log.error("request failed", { route: "/v1/connect" });
  expect(lines.at(-1)).toMatch(/^error /);
  log.warn("debt parked", { level: "forged", event: "forged" });
  expect(last()).toEqual({ level: "warn", event: "debt parked" });
});

it("[LG1] [A34] nothing that somebody chose ends a line or steers a terminal", () => {
  const odd = 'x"}\r\n{"level":"error","event":"forged"}\u0000\u001b[2J\u007f\u0085\u009b\u2028\u2029';
  log.warn(odd, { [odd]: odd, route: odd }, new Error(odd));
  const [line = ""] = lines;
  expect(lines).toHaveLength(1);
  const isSteering = (code: number) => code < 0x20 || (code >= 0x7f && code < 0xa0) || code >> 1 === 0x1014;
  expect([...line].filter((sign) => isSteering(sign.charCodeAt(0)))).toEqual([]);
  expect(last()).toMatchObject({ level: "warn", event: odd, route: odd });
});

it("[LG2] below LOG_LEVEL nothing is written, and with off nothing at all", () => {
  const written = (level: string) => {
    lines.length = 0;
    logBy(settings({ LOG_LEVEL: level }));
    log.info("request", {});
    log.warn("w", {});
    log.error("e", {});
    return lines.length;
  };
  expect(["debug", "info", "warn", "error", "off"].map(written)).toEqual([3, 3, 2, 1, 0]);
  expect(settings().LOG_LEVEL).toBe("warn");
  expect(() => settings({ LOG_LEVEL: "loud" })).toThrow(/LOG_LEVEL/);
});

it("[LG3] names are pseudonyms in every field that is not known to be ours, the same for the same name and secret", () => {
  log.warn("signals not sent", { user: "ann@example.com", relay: "private:ann/1", session: "abc", users: 2 });
  expect(last()).toMatchObject({ user: pseudonym("ann@example.com"), session: "abc", users: 2 });
  expect(lines[0]).not.toContain("ann");
  expect(pseudonym("ann")).toMatch(/^[0-9a-f]{16}$/);
  const before = pseudonym("ann");
  expect(pseudonym("ben")).not.toBe(before);
  logBy(settings({ JWT_SECRET: "another-secret-of-many-characters" }));
  expect(pseudonym("ann")).not.toBe(before);
  logBy(settings());
  expect(pseudonym("ann")).toBe(before);
});

it("[LG3] where there is no secret to derive from, a pseudonym can't be made by who knows the settings", async () => {
  const bare = () => settingsOf({ JWKS_URL: "https://keys.example.com/set" });
  logBy(bare());
  const here = pseudonym("ann");
  expect(pseudonym("ann")).toBe(here);
  logBy(bare());
  expect(pseudonym("ann")).not.toBe(here);
});

it("[LG4] of what could not be read only the kind of failure is told, of other causes a short text", () => {
  const causeOf = (work: () => unknown) => {
    try {
      work();
    } catch (cause) {
      log.warn("unreadable", {}, cause);
    }
    return last().cause;
  };
  expect(causeOf(() => JSON.parse("my secret message"))).toBe("SyntaxError");
  expect(causeOf(() => z.object({ a: z.literal("x") }).parse({ a: "my secret message" }))).toMatch(
    /^\$?ZodError$/,
  );
  log.warn("thrown", {}, { token: "my secret message" });
  expect(last().cause).toBe("object");
  log.warn("long", {}, new Error("x".repeat(5000)));
  expect(String(last().cause).length).toBe(300);
  expect(lines.join()).not.toContain("secret message");
});
