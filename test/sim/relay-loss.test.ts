import { expect, test } from "vitest";
import { settingsOf } from "../../src/config.ts";
import { Crowd, type SimulatedClient } from "./clients.ts";
import { CORES } from "./cores.ts";
import { granted } from "./granted.ts";
import { World } from "./world.ts";

const settings = settingsOf({
  JWT_SECRET: "a secret that only the simulator knows",
  DEFAULT_GRANTS: "open",
  RELAY_CAPACITY: "1",
  AWAY_AFTER_SECONDS: "0", // so that nobody is asked whether anybody is idle
});
const GRACE_MS = settings.OFFLINE_GRACE_SECONDS * 1000;
const TTL_MS = settings.SESSION_TTL_SECONDS * 1000;

/** Ada fills the hall, so that Bob sits at a relay of it. */
async function bobAtARelay() {
  const world = new World(1, settings, CORES);
  const crowd = new Crowd(world, ["ada", "bob"], ["hall"]);
  const inHall = (name: string) =>
    crowd.clients.find(({ user, target }) => user === name && target.kind === "channel") as SimulatedClient;
  inHall("ada").connect();
  await world.advance(1_000);
  inHall("bob").connect();
  await world.advance(10_000);
  const relay = inHall("bob").connection?.keeper;
  if (relay?.kind !== "relay") throw new Error("not at a relay");
  const members = async () => {
    const page = granted(await world.until(world.channel("hall").members({ limit: 10 })));
    return page.members.map(({ user }) => user).sort();
  };
  expect(await members()).toEqual(["ada", "bob"]);
  return { world, bob: inHall("bob"), relay, members };
}

test("[RY61] a relay that crashes while the word that its last session is over is on its way says it again", async () => {
  const { world, bob, relay, members } = await bobAtARelay();
  bob.close();
  await world.advance(GRACE_MS - 500);
  world.cutOff(world.object("channel", "hall"), 1_000);
  await world.advance(700); // the grace is over, and the word of it has left
  relay.crash("crashed while it waited");
  await world.advance(TTL_MS / 2); // before its channel wonders what has become of it
  expect(await members()).toEqual(["ada"]);
  expect(relay.alarm.at).toBeNull();
});

test("[RY62] a relay that loses its storage keeps nobody, and the users of its sessions find out", async () => {
  const { world, bob, relay, members } = await bobAtARelay();
  bob.vanish(); // so that nobody comes back
  relay.lose();
  await world.advance(3 * TTL_MS);
  expect(await members()).toEqual(["ada"]);
  await world.advance(3_660_000);
  expect(await world.until(world.user("bob").sessions())).toEqual([]);
  expect((await world.until(world.user("bob").presence({ kind: "back end" }))).status).toBe("offline");
});
