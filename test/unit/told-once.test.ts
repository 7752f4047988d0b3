import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { tellOnce } from "../../src/connections/broadcasts.ts";
import { Connections } from "../../src/connections/connections.ts";
import type { Socket } from "../../src/objects/ports.ts";
import { NO_CUTS, NO_TALLY } from "../fixtures/direct-outlet.ts";

const settings = settingsOf({ JWT_SECRET: "a-secret-of-thirty-two-characters" });
/** Nothing that is told here waits. */
const timers = { after: () => undefined };
const broadcast = (id: string) => ({ id, frame: `frame of ${id}`, expiresAt: 1000 });

/** Sockets as they come out of sleep, with what each was sent; `failing` throw. */
function keeperOf(sessions: string[], failing: Set<string>) {
  const sent: string[] = [];
  const sockets = sessions.map((session): Socket => {
    const times = { connectedAt: 0, heardAt: 0 };
    let attachment = JSON.stringify({ session, device: {}, claims: { sub: "ann", exp: 100 }, ...times });
    return {
      get attachment() {
        return attachment;
      },
      attach: (text) => {
        attachment = text;
      },
      send: (text) => {
        if (failing.has(session)) throw new Error("as the test asked");
        sent.push(`${session}: ${text}`);
      },
      close: () => {},
      pingedAt: () => null,
    };
  });
  const wake = () =>
    new Connections(
      { sockets: { open: () => sockets }, clock: { now: () => 0 }, timers, tally: NO_TALLY },
      settings,
      NO_CUTS,
    );
  return { sent, wake };
}

test("[BC4] a socket that fails holds up no other, and is the only one to be told again", () => {
  const failing = new Set(["b"]);
  const { sent, wake } = keeperOf(["a", "b", "c"], failing);
  const tell = () => tellOnce(wake(), ["a", "b", "c", "not here"], broadcast("x"));
  expect(tell).toThrow("as the test asked");
  expect(sent).toEqual(["a: frame of x", "c: frame of x"]);
  failing.clear();
  tell();
  tell();
  expect(sent).toEqual(["a: frame of x", "c: frame of x", "b: frame of x"]);
});

test("[BC7] the last 32 broadcasts are remembered in at most 1 KB, and the one before them is not", () => {
  const { sent, wake } = keeperOf(["a"], new Set());
  const id = (i: number) => String(i).padStart(22, "0");
  const tell = (i: number) => tellOnce(wake(), ["a"], broadcast(id(i)));
  const before = wake().find("a");
  for (let i = 0; i < 33; i++) tell(i);
  for (let i = 1; i < 33; i++) tell(i);
  expect(sent).toHaveLength(33);
  const grown = JSON.stringify(wake().find("a")?.state).length - JSON.stringify(before?.state).length;
  expect(grown).toBeLessThanOrEqual(1024);
  tell(0);
  expect(sent).toHaveLength(34);
});
