import { isVisibleTo, neverSeen, shownOf } from "../../src/user/presence.ts";
import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { inspect } from "./inspection.ts";
import { lookOf } from "./presence-truth.ts";
import type { World } from "./world.ts";

/** Once it is quiet, every watcher's view is the truth, and pairs are known on both sides. */
export async function checkPresences(world: World, crowd: Crowd): Promise<void> {
  const watching = new Map<string, ReadonlySet<string>>();
  for (const user of crowd.users) watching.set(user, await watchedBy(world, user));
  const own = crowd.live().filter(({ target }) => target.kind === "user");
  for (const connection of own) {
    viewIsTrue(world, crowd, connection, watching.get(connection.user) ?? new Set());
  }
  for (const user of crowd.users) {
    const isThere = own.some((connection) => connection.user === user);
    for (const target of watching.get(user) ?? []) {
      if (isThere && !(await watchersOf(world, target)).has(user)) {
        world.journal.fail(`watching: ${user} watches ${target}, which does not know of it`);
      }
    }
    for (const watcher of await watchersOf(world, user)) {
      if (watching.get(watcher)?.has(user)) continue;
      world.journal.fail(`watching: ${user} believes that ${watcher} watches it`);
    }
  }
}

function viewIsTrue(
  world: World,
  crowd: Crowd,
  { user, watched }: SimulatedConnection,
  watching: ReadonlySet<string>,
): void {
  const held = new Map(watched.held);
  for (const target of crowd.httpWatches.of(user)) held.set(target, undefined);
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
