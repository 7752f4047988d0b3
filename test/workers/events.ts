import type { Costs } from "../../src/protocol/costs.ts";

export type Events = NonNullable<Costs["user"]>["events"];

const CAUSES: Record<string, keyof Events> = {
  fetch: "connect",
  webSocketMessage: "frame",
  webSocketClose: "close",
  webSocketError: "close",
  alarm: "alarm",
};

/** What comes to objects of this class from now on, by cause, whatever the rules do about it; the meter's calls apart. */
export function eventsOf(Class: { prototype: object }): Events {
  const events = { call: 0, connect: 0, frame: 0, close: 0, alarm: 0 };
  const methods = Class.prototype as Record<string, (...args: unknown[]) => unknown>;
  for (const name of Object.getOwnPropertyNames(methods)) {
    const original = methods[name];
    if (name === "constructor" || name === "addCosts" || original === undefined) continue;
    const cause = CAUSES[name] ?? "call";
    methods[name] = function (this: unknown, ...args: unknown[]) {
      events[cause] += 1;
      return original.apply(this, args);
    };
  }
  return events;
}
