import type { Crowd } from "./clients.ts";
import { inspect } from "./inspection.ts";
import { ordersAreCarriedOut } from "./quiescence.ts";
import type { World } from "./world.ts";

/** Within this time a revocation has ended every session, wherever it is kept, when nothing fails. */
const REVOKED_WITHIN_MS = 2_000;

/** Without faults: all sessions of one user end, at every keeper, in time. */
export async function checkRevocation(world: World, crowd: Crowd): Promise<void> {
  crowd.operator.revokeSomebody();
  await world.advance(REVOKED_WITHIN_MS);
  ordersAreCarriedOut(world, crowd, crowd.live());
}

/** Nobody is connected any more: whoever is erased now was never seen. */
export async function checkErasure(world: World, crowd: Crowd): Promise<void> {
  for (const user of crowd.users) crowd.operator.erase(user);
  await world.advance(REVOKED_WITHIN_MS);
  for (const user of crowd.users) {
    const { result } = await inspect(world, world.object("user", user), (copy) =>
      copy.presence({ exact: true }),
    );
    const { status, version, lastActiveAt, devices } = result;
    if (status === "offline" && version === undefined && lastActiveAt === null && devices.length === 0)
      continue;
    world.journal.fail(`erased: ${user} was erased, and looks like ${JSON.stringify(result)}`);
  }
}
