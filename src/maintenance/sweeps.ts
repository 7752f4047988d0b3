import { addNumbers, nothingRemoved, SWEEP_PARTS, type SweepPart } from "../objects/auditing.ts";
import type { Log, Objects } from "../objects/ports.ts";
import { shardNames } from "../objects/shards.ts";

/** How often each part is swept. The cron lines of `wrangler.toml` name every minute at which one is due. */
export const EVERY_MINUTES: Readonly<Record<SweepPart, number>> = {
  presences: 10,
  sessions: 15,
  watches: 30,
  subscriptions: 30,
};
/** Users and channels asked in each shard and sweep; what asks others in its turn is dearer. */
const ASKED: Readonly<Record<SweepPart, number>> = {
  presences: 100,
  sessions: 50,
  watches: 25,
  subscriptions: 25,
};
const MINUTE_MS = 60_000;

/**
 * What the cron trigger does: finds what no object would wake for. An object's own alarm does the same much sooner, so this
 * asks a bounded number in each shard and takes turns over all. A shard that fails holds up no other; afterwards it
 * throws, so that the platform lists the run as failed.
 */
export async function sweepDue(
  objects: Objects,
  shards: number,
  scheduledAt: number,
  log: Log,
): Promise<void> {
  const minute = Math.floor(scheduledAt / MINUTE_MS);
  const sweep = { removed: nothingRemoved(), presences: 0, failed: 0 };
  for (const part of SWEEP_PARTS.filter((one) => minute % EVERY_MINUTES[one] === 0)) {
    const request = { parts: [part], turn: minute / EVERY_MINUTES[part], limit: ASKED[part] };
    const swept = shardNames(shards).map(async (shard) => {
      try {
        const { removed, presences } = await objects.directory(shard).sweep(request);
        addNumbers(sweep.removed, removed);
        sweep.presences += presences;
      } catch (cause) {
        log.warn("sweep failed", { part, shard }, cause);
        sweep.failed += 1;
      }
    });
    await Promise.all(swept);
  }
  const { removed, presences, failed } = sweep;
  const found = Object.values(removed).reduce((sum, one) => sum + one, presences);
  if (found > 0) log.warn("sweep removed something", { ...removed, presences });
  if (failed > 0) throw new Error(`${failed} sweeps failed`);
}
