import type { Timers } from "../client/index.ts";

/** The time of the page. */
export const pageTimers: Timers = {
  now: () => Date.now(),
  after(delayMs, run) {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
