import { expect, it } from "vitest";
import { originAllowed } from "../../src/auth/origin.ts";
import { settings } from "../fixtures/odd-tokens.ts";

const listed = (ALLOWED_ORIGINS: string) => settings({ ALLOWED_ORIGINS });
const ours = listed("https://app.example.com, http://localhost:5173");

it("[A18] [AU18] lets pass the origins on the list and requests without one", () => {
  expect(originAllowed("https://app.example.com", ours)).toBe(true);
  expect(originAllowed("http://localhost:5173", ours)).toBe(true);
  expect(originAllowed(null, ours)).toBe(true);
  expect(originAllowed(null, settings())).toBe(true);
});

it.each([
  "https://evil.example",
  "https://app.example.com.evil.io",
  "https://evilapp.example.com",
  "https://evil.example/https://app.example.com",
  "https://app.example.com@evil.example",
  "https://sub.app.example.com",
  "https://example.com",
  "http://app.example.com",
  "https://app.example.com:8443",
  "https://app.example.com:443",
  "https://app.example.com/",
  "https://APP.example.com",
  "HTTPS://app.example.com",
  "https://app.example.com.",
  "https://app.example.com, https://evil.example",
  "http://localhost",
  "http://127.0.0.1:5173",
  "//app.example.com",
  "app.example.com",
  "null",
  "*",
  "",
  " ",
])("[A18] [AU18] refuses the origin %j", (origin) => {
  expect(originAllowed(origin, ours)).toBe(false);
});

it("[A18] [AU18] refuses every origin where the list is empty", () => {
  for (const origin of ["https://app.example.com", "null", "", "*"]) {
    expect(originAllowed(origin, settings())).toBe(false);
  }
});

it("[A18] [AU18] lets every origin pass where the list holds *", () => {
  const open = listed("https://app.example.com,*");
  for (const origin of ["https://evil.example", "null"]) expect(originAllowed(origin, open)).toBe(true);
});

it("[A18] [AU18] lets the opaque origin null pass only where it is listed", () => {
  expect(originAllowed("null", listed("null"))).toBe(true);
  expect(originAllowed("https://evil.example", listed("null"))).toBe(false);
  expect(originAllowed("null", listed("capacitor://localhost"))).toBe(false);
});

it("[A18] [AU18] reads entries of the list as origins: case, default port and final slash are no difference", () => {
  const spelt = listed("HTTPS://App.Example.COM:443/, http://[::1]:8080, https://bücher.example");
  expect(originAllowed("https://app.example.com", spelt)).toBe(true);
  expect(originAllowed("http://[::1]:8080", spelt)).toBe(true);
  expect(originAllowed("https://xn--bcher-kva.example", spelt)).toBe(true);
  expect(originAllowed("https://app.example.com:80", spelt)).toBe(false);
});

it("[A18] [AU18] knows the origins of web views, each for itself", () => {
  const app = listed("capacitor://Localhost");
  expect(originAllowed("capacitor://localhost", app)).toBe(true);
  expect(originAllowed("ionic://localhost", app)).toBe(false);
  expect(originAllowed("capacitor://evil", app)).toBe(false);
});

it.each([
  "app.example.com",
  "https://*.example.com",
  "https://app.example.com/path",
  "https://user@app.example.com",
  "https://app.example.com?x",
  "https://",
  "https://a:99999",
  "Null",
  "**",
])("[A18] [AU18] the entry %j stops the Worker", (entry) => {
  expect(() => listed(`https://ok.example,${entry}`)).toThrow(/ALLOWED_ORIGINS/);
});
