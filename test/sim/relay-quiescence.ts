import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { inspect } from "./inspection.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

interface SessionRow {
  session: string;
  isLive: number;
}

interface MemberRow {
  relay: string;
  user: string;
  live: number;
}

const SESSIONS = "SELECT session, ended_at IS NULL AS isLive FROM session";
const STATES = "SELECT user FROM member_state";
const MEMBERS = "SELECT relay, user, live FROM relay_member ORDER BY relay, user";
const DEBTS = `SELECT id FROM relay_debt
  UNION ALL SELECT user AS id FROM push_debt WHERE user LIKE '%/%'`;

/** Once it is quiet, every relay keeps whom it has sockets of and nobody else, and its channel knows just that. */
export async function checkRelays(world: World, crowd: Crowd): Promise<void> {
  const live = crowd.live();
  for (const relay of world.objects()) {
    if (relay.kind === "relay")
      keepsOnly(
        world,
        relay,
        live.filter(({ keeper }) => keeper === relay),
      );
  }
  for (const channel of crowd.channels) {
    const here = live.filter(({ keeper, target }) => keeper?.kind === "relay" && target.name === channel);
    knowsOnly(world, world.object("channel", channel), here);
    await countsOnly(world, channel, live, here);
  }
}

function keepsOnly(world: World, relay: SimulatedObject, here: SimulatedConnection[]): void {
  if (!relay.storage.hasTables) return;
  const rows = relay.storage.all<SessionRow>(SESSIONS);
  const kept = rows.map(({ session, isLive }) => (isLive === 1 ? session : `${session}, which has ended`));
  const true_ = here.map(({ session }) => session ?? "");
  if (kept.sort().join() !== true_.sort().join())
    world.journal.fail(`no ghost: ${relay} keeps the sessions [${kept}], and [${true_}] are connected`);
  const users = new Set(here.map(({ user }) => user));
  for (const { user } of relay.storage.all<{ user: string }>(STATES)) {
    if (!users.has(user)) world.journal.fail(`no ghost: ${relay} remembers how ${user} appears`);
  }
}

function knowsOnly(world: World, channel: SimulatedObject, here: SimulatedConnection[]): void {
  if (!channel.storage.hasTables) return;
  const counts = new Map<string, number>();
  for (const { keeper, user } of here) {
    const key = `${keeper?.name} ${user}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  const rows = channel.storage.all<MemberRow>(MEMBERS);
  const known = rows.map(({ relay, user, live }) => `${relay} ${user} ${live}`).sort();
  const true_ = [...counts].map(([key, live]) => `${key} ${live}`).sort();
  if (known.join() !== true_.join())
    world.journal.fail(`no ghost: ${channel} knows at its relays [${known}], and there are [${true_}]`);
  const [debt] = channel.storage.all<{ id: string }>(DEBTS);
  if (debt !== undefined) world.journal.fail(`no ghost: ${channel} still owes its relays ${debt.id}`);
}

/** What back ends are told in numbers. */
async function countsOnly(
  world: World,
  channel: string,
  live: SimulatedConnection[],
  here: SimulatedConnection[],
): Promise<void> {
  const { result } = await inspect(world, world.object("channel", channel), (copy) => copy.summary());
  const relays = new Set(here.map(({ keeper }) => keeper)).size;
  if (result.relays !== relays)
    world.journal.fail(`no ghost: ${channel} says that it has ${result.relays} relays, and has ${relays}`);
  const users = new Map<string, Set<string>>();
  for (const { target, attempt, user } of live) {
    if (target.kind !== "channel" || target.name !== channel || attempt.hint === undefined) continue;
    users.set(attempt.hint, (users.get(attempt.hint) ?? new Set()).add(user));
  }
  const told = Object.entries(result.regions ?? {}).map(([region, count]) => `${region} ${count}`);
  const true_ = [...users].map(([region, { size }]) => `${region} ${size}`);
  if (told.sort().join() !== true_.sort().join())
    world.journal.fail(`no ghost: ${channel} has members in [${told}], and they are in [${true_}]`);
}
