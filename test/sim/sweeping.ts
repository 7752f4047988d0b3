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
  /** Watches of which one side was made to know otherwise. */
  #spoiled = 0;
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

  /**
   * Behind the back of a user's object, which falls asleep before: it has lost one of its watchers, or knows one who is none. No fault of the
   * platform does that, but nobody would ever say so: only a sweep, or a sample within the hour, finds it.
   */
  spoil(users: readonly string[]): boolean {
    const { random } = this.#world;
    const known = this.#world.objects().filter(({ kind, storage }) => kind === "user" && storage.hasTables);
    const object = random.pick(known);
    if (object === undefined || (object.isAwake && !object.evict())) return false;
    const { storage, name } = object;
    const watchers = storage.all<{ watcher: string }>(
      "SELECT watcher FROM watcher WHERE state <> 'over' AND due_at IS NULL ORDER BY watcher",
    );
    const [lost, stranger] = [
      random.pick(watchers)?.watcher,
      random.pick(users.filter((user) => user !== name)),
    ];
    if (lost !== undefined) storage.run("DELETE FROM watcher WHERE watcher = ?", lost);
    else if (stranger !== undefined) {
      const insert = `INSERT INTO watcher (watcher, ordered_at, state, hidden) VALUES (?, 1, 'told', 0)
        ON CONFLICT (watcher) DO NOTHING`;
      storage.run(insert, stranger);
    }
    storage.commit();
    this.#world.journal.write(`${object}: lost ${lost}, or has ${stranger} as a watcher`);
    this.#spoiled += 1;
    return true;
  }

  /** Where something was spoiled: before anybody may ask what watchers were told. */
  async putRight(): Promise<void> {
    if (this.#spoiled === 0) return;
    await this.#sweepAll();
    await this.#world.advance(PUT_RIGHT_MS);
  }

  /** Once it is quiet sweeps find something once at most: what is put right stays so. */
  async checkConvergence(): Promise<void> {
    if (this.#spoiled === 0) await this.#sweepAll();
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
