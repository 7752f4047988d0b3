import { tellOnce } from "../connections/broadcasts.ts";
import type { Connections } from "../connections/connections.ts";
import type { Broadcast } from "../objects/broadcast.ts";
import type { Clock, Objects } from "../objects/ports.ts";
import { byKeeper, keeperOf } from "./presence/keepers.ts";
import type { SessionRow } from "./presence/session-table.ts";

/**
 * Tells all sessions of a user: its own connections at once, those that others keep by one call to each keeper. Where
 * one does not answer it throws, after all others were told; to be told again is harmless.
 */
export async function tellSessions(
  broadcast: Broadcast,
  live: readonly SessionRow[],
  connections: Connections,
  { clock, objects }: { clock: Clock; objects: Objects },
): Promise<void> {
  if (clock.now() > broadcast.expiresAt) return; // a late call: whoever sent it has long given up
  const calls = byKeeper(live).map(([keeper, sessions]) =>
    keeperOf(objects, keeper).broadcast(broadcast, sessions),
  );
  const own = live.filter(({ keeper }) => keeper.kind === "user").map(({ session }) => session);
  const answers = await Promise.allSettled([tellOwn(connections, own, broadcast), ...calls]);
  const failed = answers.find((answer) => answer.status === "rejected");
  if (failed !== undefined) throw failed.reason;
}

/** As a promise, so that a socket that fails is one failure among others. */
async function tellOwn(connections: Connections, sessions: string[], broadcast: Broadcast): Promise<void> {
  tellOnce(connections, sessions, broadcast);
}
