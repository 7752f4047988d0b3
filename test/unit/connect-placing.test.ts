import { expect, test, vi } from "vitest";
import { hintOf } from "../../src/http/location.ts";
import { connectPlaced, KnownRelays } from "../../src/http/placing.ts";
import { Problem } from "../../src/http/problem.ts";
import { type LocationHint, relayOf } from "../../src/objects/placement.ts";
import type { ConnectRequest, TicketUse } from "../../src/objects/ports.ts";
import { elsewhereResponse } from "../../src/objects/sealed.ts";

/** A Worker before one channel: what it asked of whom, and who has room. */
function bench() {
  const state = {
    now: 1000,
    offers: null as string[] | null,
    full: new Set<string>(),
    broken: new Set<string>(),
  };
  const asked: { who: string; near?: LocationHint; avoid?: string[] }[] = [];
  const known = new KnownRelays(() => state.now);
  const answer = (isFull: boolean, relays: string[]) =>
    isFull ? elsewhereResponse({ relays }) : new Response("welcome");
  const keepers = {
    channel: async ({ avoid }: ConnectRequest) => {
      asked.push({ who: "channel", ...(avoid && { avoid }) });
      const relays = (state.offers ?? []).filter((relay) => avoid?.includes(relay) !== true);
      return answer(state.offers !== null, relays);
    },
    relay: async (name: string, near: LocationHint | undefined, { avoid }: ConnectRequest) => {
      asked.push({ who: name, ...(near && { near }), ...(avoid && { avoid }) });
      if (state.broken.has(name)) throw new Error("broken");
      return answer(state.full.has(name), []);
    },
  };
  const connect = async (user: string, hint?: LocationHint, channel = "c", ticket?: TicketUse) => {
    const request: ConnectRequest = {
      user,
      device: { type: "web" },
      transport: "websocket",
      claims: { sub: user, exp: 1 },
      ...(hint && { hint }),
      ...(ticket && { ticket }),
    };
    const response = await connectPlaced(channel, request, { keepers, known });
    expect(await response.text()).toBe("welcome");
    return asked.splice(0).map(({ who }) => who);
  };
  return { state, asked, connect };
}

test("[RY49] a connection goes to the channel, and where that is full to the relay that it names, for ten seconds at once", async () => {
  const { state, connect } = bench();
  expect(await connect("ann")).toEqual(["channel"]);
  expect(await connect("ann")).toEqual(["channel"]);
  state.offers = ["c/1", "c/2", "c/3"];
  const relay = relayOf("ann", state.offers);
  expect(await connect("ann")).toEqual(["channel", relay]);
  expect(await connect("ann")).toEqual([relay]);
  expect(await connect("ben")).toEqual([relayOf("ben", state.offers)]);
  expect(await connect("ann", "weur")).toEqual(["channel", relay]); // another region may have others
  expect(await connect("ann", undefined, "d")).toEqual(["channel", relay]);
  state.now += 10_000;
  state.offers = null;
  expect(await connect("ann")).toEqual(["channel"]);
});

test("[RY35] a relay that is full sends back to the channel, which hears whom to avoid, and others stay known", async () => {
  const { state, connect } = bench();
  state.offers = ["c/1", "c/2"];
  await connect("ann");
  const [first, second] = relayOf("ann", state.offers) === "c/1" ? ["c/1", "c/2"] : ["c/2", "c/1"];
  state.full.add(first);
  expect(await connect("ann")).toEqual([first, "channel", second]);
  expect(await connect("ann")).toEqual([second]);
});

test("[RY35] a relay that had no room is forgotten, where the channel took the connection itself", async () => {
  const { state, connect } = bench();
  state.offers = ["c/1", "c/2"];
  await connect("ann");
  const first = relayOf("ann", state.offers) ?? "";
  state.full.add(first);
  state.offers = null;
  expect(await connect("ann")).toEqual([first, "channel"]);
  expect(await connect("ann")).toEqual([first === "c/1" ? "c/2" : "c/1"]);
});

test("[RY35] where three relays in a row are full the answer is unavailable, and so it is where there is none", async () => {
  const { state, asked, connect } = bench();
  state.offers = ["c/1", "c/2", "c/3", "c/4", "c/5"];
  for (const relay of state.offers) state.full.add(relay);
  const refused = await connect("ann").catch((cause: unknown) => cause);
  expect(refused).toBeInstanceOf(Problem);
  expect((refused as Problem).refusal.code).toBe("unavailable");
  expect(asked.filter(({ who }) => who !== "channel")).toHaveLength(3);
  expect(asked.at(-1)?.avoid).toHaveLength(2);
  state.offers = [];
  await expect(connect("ben")).rejects.toThrow("no room");
});

test("[RY35] a relay that fails is avoided too, but for a ticket, which it may have used up", async () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  const { state, connect } = bench();
  state.offers = ["c/1", "c/2"];
  const relay = relayOf("ann", state.offers) ?? "";
  const other = relay === "c/1" ? "c/2" : "c/1";
  state.broken.add(relay);
  expect(await connect("ann")).toEqual(["channel", relay, "channel", other]);
  state.now += 10_000;
  await expect(connect("ann", undefined, "c", { id: "t", expiresAt: 1 })).rejects.toThrow("broken");
});

test("[RY50] a new relay is to be near its client, and a regional one in its region", async () => {
  const { state, asked, connect } = bench();
  state.offers = ["c/1"];
  await connect("ann");
  state.offers = ["c/1"];
  const nears: unknown[] = [];
  const original = asked.splice.bind(asked);
  asked.splice = ((...args: [number]) => {
    nears.push(...asked.filter(({ who }) => who !== "channel").map(({ near }) => near));
    return original(...args);
  }) as typeof asked.splice;
  await connect("ann", "sam");
  state.offers = ["c/apac-1"];
  await connect("ann", "oc");
  expect(nears).toEqual(["sam", "apac"]);
});

test("[RY50] where a client is follows from its continent, its longitude and the Middle East's countries", () => {
  const cases: [object, LocationHint | undefined][] = [
    [{ continent: "NA", country: "US", longitude: "-122.4" }, "wnam"],
    [{ continent: "NA", country: "US", longitude: "-73.9" }, "enam"],
    [{ continent: "NA", country: "MX" }, "enam"],
    [{ continent: "SA", country: "BR", longitude: "-46.6" }, "sam"],
    [{ continent: "EU", country: "DE", longitude: "8.7" }, "weur"],
    [{ continent: "EU", country: "PL", longitude: "21.0" }, "eeur"],
    [{ continent: "EU", country: "FR" }, "weur"],
    [{ continent: "AS", country: "JP", longitude: "139.7" }, "apac"],
    [{ continent: "AS", country: "AE", longitude: "55.3" }, "me"],
    [{ continent: "AS", country: "IL", longitude: "34.8" }, "me"],
    [{ continent: "OC", country: "AU", longitude: "151.2" }, "oc"],
    [{ continent: "AF", country: "NG", longitude: "3.4" }, "afr"],
    [{ continent: "AN" }, undefined],
    [{}, undefined],
    [{ continent: 7, longitude: 7 }, undefined],
  ];
  for (const [where, hint] of cases) expect([where, hintOf(where)]).toEqual([where, hint]);
});

test("[RY49] what is remembered is bounded", () => {
  const known = new KnownRelays(() => 0);
  for (let i = 0; i < 3000; i++) known.keep(`c${i}`, [`c${i}/1`]);
  const remembered = Array.from({ length: 3000 }, (_, i) => known.of(`c${i}`).length > 0);
  expect(remembered.filter(Boolean)).toHaveLength(1000);
  expect(remembered.slice(-1000).every(Boolean)).toBe(true);
});
