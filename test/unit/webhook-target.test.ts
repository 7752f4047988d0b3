import fc from "fast-check";
import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { deliver } from "../../src/events/delivery.ts";
import { targetFault } from "../../src/protocol/webhook-target.ts";
import { SECRET } from "../fixtures/event-world.ts";

const INSIDE = [
  "https://127.1/",
  "https://0x7f000001/",
  "https://2130706433/",
  "https://017700000001/",
  "https://①②⑦.⓪.⓪.①/",
  "https://[::1]/",
  "https://[::ffff:7f00:1]/",
  "https://[fd00::1]/",
  "https://localhost/",
  "https://localhost./",
  "https://LOCALHOST/",
  "https://hooks.localhost/",
  "https://169.254.169.254/latest/meta-data/",
  "https://metadata.google.internal/",
  "https://metadata/",
  "https://hooks.example.com./",
  "https://127.0.0.1.nip.io/",
  "https://10-0-0-1.sslip.io/",
  "https://a.localtest.me/",
  "https://printer.local/",
  "https://user@hooks.example.com/",
  "https://user:password@hooks.example.com/",
  "https://hooks.example.com:22/",
  "https://hooks.example.com:8443/",
  "http://hooks.example.com/",
  "file:///etc/passwd",
  "ftp://hooks.example.com/",
  "javascript:alert(1)",
  "//hooks.example.com/",
  "hooks.example.com",
  "",
];

test.each(INSIDE)("[A31] %s is refused as a setting, and again at send", async (address) => {
  expect(targetFault(address, false)).toEqual(expect.any(String));
  const settings = { JWT_SECRET: "x".repeat(32), WEBHOOK_SECRET: SECRET, WEBHOOK_URL: address };
  if (address !== "") expect(() => settingsOf(settings)).toThrow(/WEBHOOK_URL/);
  let isCalled = false;
  const fetch = async () => {
    isCalled = true;
    return new Response();
  };
  const target = { url: address, secrets: [SECRET], isInsecureAllowed: false };
  const outcome = await deliver({ id: "e", type: "t", at: 1, data: {} }, target, { now: () => 1, fetch });
  expect(outcome.is).toBe("failed");
  expect(isCalled).toBe(false);
});

test("[A31] however an address that is a number is spelled, it is refused; and so is every port but 443", () => {
  const address = fc.oneof(
    fc.ipV4(),
    fc.ipV4Extended(),
    fc.ipV6().map((text) => `[${text}]`),
    fc.integer({ min: 0, max: 0xffffffff }).map(String),
    fc.integer({ min: 0, max: 0xffffffff }).map((n) => `0x${n.toString(16)}`),
    fc.integer({ min: 0, max: 0xffffffff }).map((n) => `0${n.toString(8)}`),
  );
  fc.assert(
    fc.property(address, fc.constantFrom("", "."), fc.webPath(), (host, dot, path) => {
      expect(targetFault(`https://${host}${host.startsWith("[") ? "" : dot}${path}`, false)).toBeDefined();
    }),
    { numRuns: 500 },
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 65_535 }), (port) => {
      const isRefused = targetFault(`https://hooks.example.com:${port}/`, false) !== undefined;
      expect(isRefused).toBe(port !== 443);
    }),
  );
});

test("[EV20] a public name over https is taken, whatever its path and query", () => {
  fc.assert(
    fc.property(fc.domain(), fc.webPath(), fc.webQueryParameters(), (domain, path, query) => {
      fc.pre(!/(^|\.)(localhost|local|internal|intranet|lan|home|corp|private|onion|arpa)$/.test(domain));
      expect(targetFault(`https://${domain}${path}?${query}`, false)).toBeUndefined();
    }),
  );
  expect(targetFault("https://hooks.example.com/a?b=c#d", false)).toBeUndefined();
  expect(targetFault("https://xn--bcher-kva.example.com:443/", false)).toBeUndefined();
});

test("[EV20] where insecure targets are allowed, http and loopback pass, and nothing else that is refused", () => {
  for (const address of [
    "http://127.0.0.1:4000/",
    "http://localhost:4000/x",
    "https://[::1]:4000/",
    "http://hooks.example.com:81/",
  ]) {
    expect(targetFault(address, true), address).toBeUndefined();
  }
  for (const address of [
    "http://169.254.169.254/",
    "http://10.0.0.1/",
    "http://user@localhost/",
    "file:///x",
    "http://a.nip.io/",
    "http://metadata/",
  ]) {
    expect(targetFault(address, true), address).toBeDefined();
  }
});
