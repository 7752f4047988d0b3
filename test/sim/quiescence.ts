import { memberOf } from "../../src/user/presence/presence.ts";
import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { granted } from "./granted.ts";
import { inspect } from "./inspection.ts";
import type { Storage } from "./storage.ts";
import type { World } from "./world.ts";

/** Of the outbox: an alarm for a debt lies no further ahead. One that ends watches may. */
const LONGEST_RETRY_MS = 600_000;
/** The platform may still be late with an alarm, as it was told to be before it became quiet. */
const FIRES_WITHIN_MS = 601_000;

/** No ghost, and nobody forgotten: what everybody must agree on once nothing has failed for long enough. */
export async function checkQuiescence(world: World, crowd: Crowd): Promise<void> {
  const live = crowd.live();
  for (const user of crowd.users) {
    const mine = live.filter((connection) => connection.user === user);
    await userIsWhatConnectionsAre(world, user, mine);
  }
  for (const channel of crowd.channels) {
    await rosterIsWhoIsConnected(world, crowd, channel, crowd.inChannel(channel));
  }
  ordersAreCarriedOut(world, crowd, live);
  await idleObjectsHaveNoAlarm(world);
}

/** No session that an order ended lives on anywhere, and none whose token one has ended. */
export function ordersAreCarriedOut(world: World, { orders }: Crowd, live: SimulatedConnection[]): void {
  for (const { sessionUse, tokenUse } of live) {
    const isOver = orders.mustBeOver(sessionUse, world.now);
    if (!isOver && !orders.mustRefuse(tokenUse, sessionUse.startedAt)) continue;
    const { session, user, channel = "no channel" } = sessionUse;
    world.journal.fail(`revoked for good: session ${session} of ${user} on ${channel} lives on`);
  }
}

/**
 * A duty that was done before its time leaves its alarm behind: it fires in vain, and is set anew for what comes
 * later, for the end of watches at the latest. A channel may keep one for a day, for messages that grow too old, and
 * so may a user for direct messages and keys: an alarm further away than anything else is for those, or was.
 */
async function idleObjectsHaveNoAlarm(world: World): Promise<void> {
  const keepers = world.objects().filter(({ kind }) => kind === "user" || kind === "relay");
  const longest = Math.max(LONGEST_RETRY_MS, world.settings.WATCH_TTL_SECONDS * 1000);
  const isFar = (at: number) => at > world.now + longest;
  const idle = () =>
    keepers.filter(
      ({ kind, sockets, alarm, storage }) =>
        sockets.size === 0 &&
        alarm.at !== null &&
        (kind === "relay" || (!isFar(alarm.at) && !keepsMail(storage))),
    );
  for (let round = 0; round < 2 && idle().length > 0; round++) {
    const last = Math.max(...idle().map(({ alarm }) => alarm.at ?? 0), world.now);
    await world.advance(Math.min(last - world.now, longest) + FIRES_WITHIN_MS);
  }
  for (const object of idle()) world.journal.fail(`no ghost: ${object} keeps no session, and has an alarm`);
}

/** Messages that wait, or keys that are remembered, have a time at which they go. */
function keepsMail(storage: Storage): boolean {
  const rows = "SELECT (SELECT count(*) FROM inbox_message) + (SELECT count(*) FROM publish_key) AS rows";
  return storage.hasTables && (storage.all<{ rows: number }>(rows)[0]?.rows ?? 0) > 0;
}

async function userIsWhatConnectionsAre(world: World, user: string, live: SimulatedConnection[]) {
  const { result } = await inspect(world, world.object("user", user), async (copy) => ({
    presence: await copy.presence({ kind: "back end" }),
    sessions: await copy.sessions(),
  }));
  if ((result.presence.status !== "offline") !== live.length > 0) {
    world.journal.fail(`no ghost: ${user} is ${result.presence.status} with ${live.length} live connections`);
  }
  for (const { id, transport } of result.sessions) {
    const connection = live.find(({ session }) => session === id);
    if (connection === undefined || connection.attempt.transport === transport) continue;
    world.journal.fail(`no ghost: session ${id} of ${user} is listed as ${transport}`);
  }
  if (live.length > world.settings.MAX_SESSIONS_PER_USER) {
    world.journal.fail(`limit: ${user} has ${live.length} live sessions`);
  }
  const told = result.sessions.map(({ id }) => id).sort();
  const true_ = live.map(({ session }) => session ?? "").sort();
  if (told.join() !== true_.join()) {
    world.journal.fail(`no ghost: the sessions of ${user} are [${told}], and the live ones [${true_}]`);
  }
}

async function rosterIsWhoIsConnected(
  world: World,
  crowd: Crowd,
  channel: string,
  here: SimulatedConnection[],
) {
  const { result } = await inspect(world, world.object("channel", channel), async (copy) => ({
    ...granted(await copy.members({ limit: 1000 })),
    top: (await copy.summary()).offset,
  }));
  const { top } = result;
  const users = [...new Set(here.map(({ user }) => user))].sort();
  const should = new Map(users.map((user) => [user, memberOf(crowd.truth.facts(user))]));
  const members = result.members.map(({ user }) => user).sort();
  if (members.join() !== users.join() || result.count !== users.length || result.sessions !== here.length) {
    world.journal.fail(
      `no ghost: ${channel} has the members [${members}] (${result.count}, ${result.sessions} sessions), ` +
        `and [${users}] are connected (${here.length} sessions)`,
    );
  }
  for (const { user, status, sessions, hidden = false } of result.members) {
    const mine = here.filter((connection) => connection.user === user).length;
    if (sessions !== mine) {
      world.journal.fail(`no ghost: ${user} has ${sessions} sessions in ${channel}, and ${mine} connections`);
    }
    const is = should.get(user);
    if ((is?.status === status || is?.isHidden) && is?.isHidden === hidden) continue;
    world.journal.fail(
      `rosters: ${user} is ${status}, hidden: ${hidden} in ${channel}, not ${JSON.stringify(is)}`,
    );
  }
  const shown = users.flatMap((user) =>
    should.get(user)?.isHidden ? [] : `${user} ${should.get(user)?.status}`,
  );
  for (const connection of here) {
    const view = connection.subscribed.views.get(channel) ?? connection;
    if (view.position?.offset !== top) {
      const { offset } = view.position ?? {};
      world.journal.fail(`no gap: ${connection.user} has read ${channel} up to ${offset} of ${top}`);
    }
    if (view.roster.count !== shown.length) {
      world.journal.fail(
        `rosters: ${connection.user} was told of ${view.roster.count} in ${channel}, not ${shown.length}`,
      );
    }
    if (!view.roster.isWhole) continue;
    const told = [...view.roster.members.values()].map(({ user, status }) => `${user} ${status}`).sort();
    if (told.join() === shown.join()) continue;
    world.journal.fail(
      `rosters: ${connection.user} was told that [${told}] are in ${channel}, not [${shown}]`,
    );
  }
}
