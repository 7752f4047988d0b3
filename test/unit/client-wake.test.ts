import { afterEach, expect, test, vi } from "vitest";
import { onWake } from "../../src/client/wake.ts";

afterEach(() => vi.unstubAllGlobals());

test("[CL104] a page that is shown again or online again makes sure at once, until it need not any more", () => {
  const page = Object.assign(new EventTarget(), { visibilityState: "hidden" });
  const scope = new EventTarget();
  vi.stubGlobal("document", page);
  vi.stubGlobal("addEventListener", scope.addEventListener.bind(scope));
  const checks = vi.fn();
  const stop = onWake(checks);
  page.dispatchEvent(new Event("visibilitychange"));
  expect(checks).toHaveBeenCalledTimes(0);
  page.visibilityState = "visible";
  page.dispatchEvent(new Event("visibilitychange"));
  expect(checks).toHaveBeenCalledTimes(1);
  scope.dispatchEvent(new Event("online"));
  expect(checks).toHaveBeenCalledTimes(2);
  stop();
  page.dispatchEvent(new Event("visibilitychange"));
  scope.dispatchEvent(new Event("online"));
  expect(checks).toHaveBeenCalledTimes(2);
});

test("[CL104] where there is no page nothing happens", () => {
  vi.stubGlobal("document", undefined);
  vi.stubGlobal("addEventListener", undefined);
  expect(() => onWake(() => undefined)()).not.toThrow();
});
