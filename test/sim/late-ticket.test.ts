import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { NO_CALL_FAULTS } from "./calls.ts";
import { CORES } from "./cores.ts";
import { World } from "./world.ts";

const settings = settingsOf({ JWT_SECRET: "a secret that only the simulator knows", DEFAULT_GRANTS: "open" });
/** The longest life of a ticket (the contract), which is as long as the user's object remembers it. */
const LIFE_MS = 300_000;

/** A ticket is used for a request, and once more in its last second, for a channel that asks about it late. */
async function useAgainAtItsEnd(seed: number): Promise<string[]> {
  const world = new World(seed, settings, CORES);
  const heard: string[] = [];
  const ticket = { id: "the ticket", expiresAt: world.now + LIFE_MS };
  const issuedAt = world.now / 1000;
  const first = await world.until(world.user("ada").allow({ issuedAt, ticket }));
  expect(first.allowed).toBe(true);
  await world.advance(LIFE_MS - 1_000);
  world.callFaults = { ...NO_CALL_FAULTS, delayed: 1 };
  const claims = { sub: "ada", iat: issuedAt, exp: issuedAt + 3_600 };
  const request = { user: "ada", device: { type: "web" }, transport: "websocket", claims, ticket } as const;
  world.connect("channel", "hall", request, {
    opened: () => heard.push("opened"),
    refused: () => heard.push("refused"),
    received: () => {},
    closed: () => {},
  });
  await world.advance(1_500);
  // With the next thing that it has to remember, the user's object forgets what is old.
  await world.until(world.user("ada").allow({ issuedAt, ticket: { ...ticket, id: "another" } }));
  await world.advance(120_000);
  world.close();
  return heard;
}

test("[SIM12] a ticket that was used makes no session when a channel asks about it after its end", async () => {
  const outcomes = new Set<string>();
  for (let seed = 1; seed <= 20; seed++) outcomes.add((await useAgainAtItsEnd(seed)).join(" "));
  expect([...outcomes]).toEqual(["refused"]);
});
