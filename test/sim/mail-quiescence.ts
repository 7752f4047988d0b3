import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import type { SimulatedObject } from "./simulated-object.ts";
import type { World } from "./world.ts";

/** For an acknowledgement of everything to arrive, and for what waited for it to follow. */
const ROUND_MS = 2_000;

/**
 * Once it is quiet, every device that is here has been told all that was sent since it was known, nothing that
 * was kept from it by a crash or by what it had in flight; and what all have acknowledged is gone.
 */
export async function checkMail(world: World, crowd: Crowd, isAllKept: boolean): Promise<void> {
  const own = crowd.live().filter(({ target }) => target.kind === "user");
  for (let before = -1; before < crowd.mail.toldInAll; ) {
    before = crowd.mail.toldInAll;
    for (const connection of own) acknowledgeAll(crowd, connection);
    await world.advance(ROUND_MS);
  }
  for (const { user, inbox } of own) {
    const missing = isAllKept ? crowd.mail.missing(user, inbox.device) : [];
    if (missing.length === 0) continue;
    const what = missing.map(({ data, id }) => `${data} (${id})`).join(", ");
    world.journal.fail(`inbox: ${user} on ${inbox.device || "no device"} was never told ${what}`);
  }
  for (const user of crowd.users) nothingAcknowledgedRemains(world, world.object("user", user));
}

function acknowledgeAll(crowd: Crowd, connection: SimulatedConnection): void {
  if (connection.inbox.reached === 0) return;
  if (connection.attempt.transport === "sse")
    crowd.operator.acknowledge(connection, connection.inbox.reached);
  else connection.acknowledge(connection.inbox.reached);
}

function nothingAcknowledgedRemains(world: World, object: SimulatedObject): void {
  if (!object.storage.hasTables) return;
  const [row] = object.storage.all<{ lowest: number | null; oldest: number | null }>(
    "SELECT (SELECT min(acked) FROM device_cursor) AS lowest, (SELECT min(seq) FROM inbox_message) AS oldest",
  );
  const { lowest, oldest } = row ?? { lowest: null, oldest: null };
  if (lowest === null || oldest === null || oldest > lowest) return;
  world.journal.fail(`inbox: ${object} keeps ${oldest}, and all devices are done with ${lowest}`);
}
