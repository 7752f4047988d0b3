import type { Crowd } from "./clients.ts";
import { inspect } from "./inspection.ts";
import { ordersAreCarriedOut } from "./quiescence.ts";
import type { World } from "./world.ts";

/** When nothing fails, an order has ended every session within this time, wherever it is kept. */
const CARRIED_OUT_WITHIN_MS = 2_000;

/** Without faults: all sessions of one user end, at every keeper, in time. */
export async function checkRevocation(world: World, crowd: Crowd): Promise<void> {
  crowd.operator.revokeSomebody();
  await world.advance(CARRIED_OUT_WITHIN_MS);
  ordersAreCarriedOut(world, crowd, crowd.live());
}

/** Without faults: whoever is erased, with sessions or without, looks like nobody ever seen. */
export async function checkErasure(world: World, crowd: Crowd, users: readonly string[]): Promise<void> {
  for (const user of users) crowd.operator.erase(user);
  await world.advance(CARRIED_OUT_WITHIN_MS);
  ordersAreCarriedOut(world, crowd, crowd.live());
  for (const user of users) await looksNeverSeen(world, user);
}

async function looksNeverSeen(world: World, user: string): Promise<void> {
  const { result } = await inspect(world, world.object("user", user), (copy) =>
    copy.presence({ kind: "back end" }),
  );
  const { status, version, lastActiveAt, devices } = result;
  if (status === "offline" && version === undefined && lastActiveAt === null && devices.length === 0) return;
  world.journal.fail(`erased: ${user} was erased, and looks like ${JSON.stringify(result)}`);
}
