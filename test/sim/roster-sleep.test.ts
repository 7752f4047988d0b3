import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { Crowd, type SimulatedClient } from "./clients.ts";
import { CORES } from "./cores.ts";
import { granted } from "./granted.ts";
import { World } from "./world.ts";

const settings = settingsOf({ JWT_SECRET: "a secret that only the simulator knows", DEFAULT_GRANTS: "open" });
const GRACE_MS = settings.OFFLINE_GRACE_SECONDS * 1000;

/** Ada sits in the hall and is told of its roster; Bob is about to come. */
async function adaInTheHall() {
  const world = new World(1, settings, CORES);
  const crowd = new Crowd(world, ["ada", "bob"], ["hall"]);
  const inHall = (name: string) =>
    crowd.clients.find(({ user, target }) => user === name && target.kind === "channel") as SimulatedClient;
  inHall("ada").connect();
  await world.advance(1_000);
  const toldToAda = () => [...(inHall("ada").connection?.roster.members.keys() ?? [])].sort();
  return { world, bob: inHall("bob"), toldToAda, hall: world.object("channel", "hall") };
}

test("[RO10] who was refused is no member, also after the channel slept, and is told of on joining", async () => {
  const { world, bob, toldToAda, hall } = await adaInTheHall();
  world.object("user", "bob").plannedCrash = "lost"; // so that nobody admits him
  bob.connect();
  while (!world.warnings.has("user did not answer")) await world.advance(10);
  bob.close();
  await world.advance(200);
  expect(hall.evict()).toBe(true);
  const { count } = granted(await world.until(world.channel("hall").members({ limit: 10 })));
  expect(count).toBe(1);
  bob.connect();
  await world.advance(1_000);
  expect(toldToAda()).toEqual(["ada", "bob"]);
});

test("[RO11] a member whose grace ran out while the channel slept is told of as having left", async () => {
  const { world, bob, toldToAda, hall } = await adaInTheHall();
  bob.connect();
  await world.advance(11_000); // until the directory has been told of him: that keeps the channel awake
  expect(toldToAda()).toEqual(["ada", "bob"]);
  bob.close();
  await world.advance(1_000);
  expect(hall.evict()).toBe(true);
  expect(hall.alarm.delay()).toBe(true);
  await world.advance(GRACE_MS);
  await world.until(world.channel("hall").summary());
  await world.advance(1_000);
  expect(toldToAda()).toEqual(["ada"]);
  expect(world.journal.failure).toBeUndefined();
});
