import { expect, test } from "vitest";
import { BadSettings, settingsOf } from "../../src/config.ts";

const base = { JWT_SECRET: "a-secret-of-thirty-two-characters" };

test("[CF1] without settings there is no way to sign tokens, and that stops the Worker", () => {
  expect(() => settingsOf({})).toThrow(BadSettings);
  expect(() => settingsOf({})).toThrow(/JWT_SECRET/);
});

test("[CF1] defaults are those of a deployment: closed, no console, no token in a query", () => {
  expect(settingsOf({ ...base })).toMatchObject({
    DEFAULT_GRANTS: "closed",
    ALLOWED_ORIGINS: [],
    ALLOW_QUERY_TOKEN: false,
    CONSOLE: false,
    API_KEYS: [],
    HEARTBEAT_INTERVAL_SECONDS: 25,
    SESSION_TTL_SECONDS: 60,
    OFFLINE_GRACE_SECONDS: 5,
    MAX_SESSIONS_PER_USER: 20,
  });
});

test.each([
  ["JWT_SECRET", "too-short"],
  ["TICKET_SECRET", "a-secret-of-31-characters-short"],
  ["JWKS_URL", "id.example.com/keys"],
  ["JWKS_URL", "http://id.example.com/keys"],
  ["JWKS_URL", "http://localhost.example.com/keys"],
  ["JWKS_URL", "http://127.0.0.1.example.com/keys"],
  ["JWKS_URL", "http://10.0.0.1/keys"],
  ["JWKS_URL", "ftp://id.example.com/keys"],
  ["JWKS_URL", "https://user:password@id.example.com/keys"],
  ["API_KEYS", "nameonly"],
  ["API_KEYS", "name:fly=a-secret-of-many-characters"],
  ["SESSION_TTL_SECONDS", "-1"],
  ["SESSION_TTL_SECONDS", "soon"],
  ["HEARTBEAT_INTERVAL_SECONDS", "60"],
  ["DEFAULT_GRANTS", "ajar"],
  ["CONSOLE", "yes"],
  ["MAX_FRAME_BYTES", "1e3"],
  ["MAX_WATCHES", "10001"],
  ["COST_SAMPLE", "1.5"],
])("[CF2] %s=%s is named in the message, its value is not", (name, value) => {
  const fault = () => settingsOf({ ...base, [name]: value });
  expect(fault).toThrow(new RegExp(name));
  if (value.length > 4) expect(fault).not.toThrow(new RegExp(value));
});

test.each([
  "https://id.example.com/.well-known/jwks.json",
  "http://localhost:8080/keys",
  "http://127.0.0.1:8080/keys",
  "http://[::1]/keys",
])("[JK8] JWKS_URL may be %s", (url) => {
  expect(settingsOf({ JWKS_URL: url })).toMatchObject({ JWKS_URL: url });
});

test("[TK1] TICKET_SECRET may be left out, or empty", () => {
  expect(settingsOf({ ...base, TICKET_SECRET: "" }).TICKET_SECRET).toBeUndefined();
});

test("[CM7] a hundredth of what objects cost is counted, unless told otherwise", () => {
  expect(settingsOf({ ...base }).COST_SAMPLE).toBe(0.01);
  for (const [text, share] of [
    ["0", 0],
    ["1", 1],
    ["0.05", 0.05],
    [".5", 0.5],
  ] as const) {
    expect(settingsOf({ ...base, COST_SAMPLE: text }).COST_SAMPLE).toBe(share);
  }
  for (const text of ["-1", "1.01", "1%", "", "NaN", "Infinity"]) {
    expect(() => settingsOf({ ...base, COST_SAMPLE: text })).toThrow(/COST_SAMPLE/);
  }
});
