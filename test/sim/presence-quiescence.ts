import { isVisibleTo, neverSeen, shownOf } from "../../src/user/presence/presence.ts";
import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { inspect } from "./inspection.ts";
import { lookOf } from "./presence-truth.ts";
import type { World } from "./world.ts";

/** Long enough for a change to reach every watcher, when nothing fails. */
const TOLD_WITHIN_MS = 60_000;

/**
 * Once it is quiet, every watcher's view is the truth. A pair that a crash left on one side is found by the next
 * word of its user: so each says something to everybody, and then pairs are known on both sides, and views true again.
 */
export async function checkPresences(world: World, crowd: Crowd): Promise<void> {
  await viewsAreTrue(world, crowd);
  for (const user of crowd.users) {
    const word = { text: `quiet at ${world.now}`, scope: "user", visibility: "everyone" } as const;
    await world.until(world.user(user).setPresence(word));
  }
  await world.advance(TOLD_WITHIN_MS);
  await viewsAreTrue(world, crowd);
  await pairsAreKnown(world, crowd);
}

async function viewsAreTrue(world: World, crowd: Crowd): Promise<void> {
  for (const connection of ownOf(crowd)) {
    viewIsTrue(world, crowd, connection, await watchedBy(world, connection.user));
  }
}

async function pairsAreKnown(world: World, crowd: Crowd): Promise<void> {
  for (const user of crowd.users) {
    const watched = await watchedBy(world, user);
    const isThere = ownOf(crowd).some((connection) => connection.user === user);
    for (const target of watched) {
      if (!isThere || (await watchersOf(world, target)).has(user)) continue;
      world.journal.fail(`watching: ${user} watches ${target}, which does not know of it`);
    }
    for (const watcher of await watchersOf(world, user)) {
      // Who is away is not told, and so not asked: what is wrong about it stays until it is back.
      if (!ownOf(crowd).some((connection) => connection.user === watcher)) continue;
      if ((await watchedBy(world, watcher)).has(user)) continue;
      world.journal.fail(`watching: ${user} believes that ${watcher} watches it`);
    }
  }
}

function ownOf(crowd: Crowd): SimulatedConnection[] {
  return crowd.live().filter(({ target }) => target.kind === "user");
}

function viewIsTrue(
  world: World,
  crowd: Crowd,
  { user, watched }: SimulatedConnection,
  watching: ReadonlySet<string>,
): void {
  const held = new Map(watched.held);
  // What is held over HTTP may have ended while the user was away: whoever was told of it is told the truth.
  for (const target of crowd.httpWatches.of(user)) {
    const isToldOf = watching.has(target) && watched.shown.has(target);
    if (!isToldOf || held.has(target)) continue;
    held.set(target, undefined);
    crowd.ledger.httpViews++;
  }
  crowd.ledger.views += held.size;
  for (const [target, only] of held) {
    if (!watching.has(target)) world.journal.fail(`watching: ${user} holds ${target}, and does not watch it`);
    const facts = crowd.truth.facts(target);
    const truth = isVisibleTo(facts.row.visibility, user) ? shownOf(facts) : neverSeen(target);
    if (only !== undefined && !only.includes(truth.status)) continue;
    const shown = watched.shown.get(target);
    if (shown !== undefined && shown.version === truth.version && lookOf(shown) === lookOf(truth)) continue;
    const told = shown === undefined ? "nothing" : `${shown.version} ${lookOf(shown)}`;
    world.journal.fail(
      `watching: ${user} was told of ${target}: ${told}, and it is ${truth.version} ${lookOf(truth)}`,
    );
  }
}

async function watchedBy(world: World, user: string): Promise<ReadonlySet<string>> {
  const { result } = await inspect(world, world.object("user", user), (copy) => copy.watching());
  return new Set(result.map((watch) => watch.user));
}

async function watchersOf(world: World, user: string): Promise<ReadonlySet<string>> {
  const { result } = await inspect(world, world.object("user", user), (copy) =>
    copy.watchers({ limit: 1000 }),
  );
  return new Set(result.watchers.map((watcher) => watcher.user));
}
