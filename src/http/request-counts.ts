import type { Activity } from "../objects/activity.ts";
import { noCounts } from "../objects/costs.ts";
import { log } from "../objects/log.ts";
import type { Objects } from "../objects/ports.ts";
import { shardNames } from "../objects/shards.ts";
import type { ErrorCode } from "../protocol/codes.ts";

/** As long as a window of an object's meter: a burst is told once. */
const GATHER_MS = 250;

/**
 * Requests by their answers, as this isolate sees them: one in `1/share` is counted, as so many, and told to a shard of
 * the directory with what objects tell of themselves.
 */
export class RequestCounts {
  #untold: Activity = {};
  #isTelling = false;

  add(share: number, status: number, refused: ErrorCode | undefined): void {
    if (Math.random() >= share) return;
    const names = [`http ${status}`, ...(refused === undefined ? [] : [`http refused ${refused}`])] as const;
    for (const name of names as readonly (keyof Activity)[]) {
      this.#untold[name] = (this.#untold[name] ?? 0) + 1 / share;
    }
  }

  /** Tells what there is in a moment, to any shard; undefined where there is nothing, or it is being told. Never rejects. */
  tell(objects: Objects, shards: number): Promise<void> | undefined {
    if (this.#isTelling || Object.keys(this.#untold).length === 0) return undefined;
    this.#isTelling = true;
    return this.#tell(objects, shards);
  }

  /** Once, whatever comes of it: a repeat could count twice. */
  async #tell(objects: Objects, shards: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, GATHER_MS));
    const activity = this.#untold;
    this.#untold = {};
    this.#isTelling = false;
    const shard = shardNames(shards)[Math.floor(Math.random() * shards)] ?? "";
    try {
      await objects.directory(shard).addCosts({ kind: "worker", counts: { ...noCounts(), activity } });
    } catch (cause) {
      log.warn("requests not counted", { shard }, cause);
    }
  }
}
