import { noDifferences, SWEEP_PARTS, type SweepRequest } from "../../src/objects/auditing.ts";
import { shardNames } from "../../src/objects/shards.ts";
import type { World } from "./world.ts";

/** What a first sweep has found is put right by then: without faults a call takes 30 ms, and a debt is paid at once. */
const PUT_RIGHT_MS = 30_000;
const MOST = 1000;

/** Sweeps, as the cron trigger and back ends ask for them: at any moment, by parts or whole. */
export class Sweeping {
  /** Shards that were swept, and answered. */
  done = 0;
  /** How often two objects did not agree, in the middle of everything. */
  differences = 0;
  readonly #world: World;

  constructor(world: World) {
    this.#world = world;
  }

  /** One shard, in the background. A shard that crashes answers nothing, and the next sweep does it. */
  begin(): void {
    const { random } = this.#world;
    const parts = random.chance(0.3) ? SWEEP_PARTS : [random.pick(SWEEP_PARTS) ?? "presences"];
    const request = { parts, turn: random.between(0, 1_000_000), limit: random.between(1, 5) };
    const after = random.chance(0.5) ? { after: "" } : {};
    const shard = random.pick(shardNames(this.#world.settings.DIRECTORY_SHARDS)) ?? "";
    this.#sweep(shard, { ...request, ...after }).catch((cause: unknown) => {
      this.#world.thrown(`a sweep of ${shard}`, cause);
    });
  }

  /** Once it is quiet sweeps find something once at most: what is put right stays so. */
  async checkConvergence(): Promise<void> {
    await this.#sweepAll();
    await this.#world.advance(PUT_RIGHT_MS);
    const left = await this.#sweepAll();
    if (Object.values(left).some((count) => count > 0)) {
      this.#world.journal.fail(`sweeps: after one of all, another still finds ${JSON.stringify(left)}`);
    }
  }

  async #sweepAll() {
    const found = noDifferences();
    for (const shard of shardNames(this.#world.settings.DIRECTORY_SHARDS)) {
      const request = { parts: SWEEP_PARTS, turn: this.done, limit: MOST, after: "" };
      const { differences, unanswered } = await this.#world.until(this.#sweep(shard, request));
      found.sessions += differences.sessions;
      found.watches += differences.watches;
      found.subscriptions += differences.subscriptions;
      if (unanswered > 0) this.#world.journal.fail(`sweeps: ${unanswered} of ${shard} did not answer`);
    }
    return found;
  }

  async #sweep(shard: string, request: SweepRequest) {
    const page = await this.#world.directory(shard).sweep(request);
    this.done += 1;
    for (const count of Object.values(page.differences)) this.differences += count;
    return page;
  }
}
