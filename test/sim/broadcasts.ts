import { shardNames, userShard } from "../../src/objects/shards.ts";
import { isRefusal } from "../../src/protocol/codes.ts";
import type { Crowd } from "./clients.ts";
import type { SimulatedConnection } from "./connection.ts";
import { listedIn } from "./directory-quiescence.ts";
import type { World } from "./world.ts";

/** As the Worker has it: after so long nobody is told any more. */
const EXPIRES_MS = 600_000;

/** A connection that was live, of a user who was listed, when a shard was given a broadcast that it took. */
interface Owed {
  id: string;
  connection: SimulatedConnection;
}

/** Some are made under a key, and some of those are repeated. */
const PRINT = "the same body";

/** Tells everybody, as the Worker does, and notes who has to hear it. */
export class Broadcasts {
  readonly #world: World;
  readonly #crowd: Crowd;
  readonly #owed: Owed[] = [];
  /** Ids that were ever used. */
  readonly #sent = new Set<string>();
  /** Those that were made under a key. */
  readonly #keyed: string[] = [];
  /** `id user`, or an id alone: what a shard gave up, as its log says. */
  readonly #givenUp = new Set<string>();
  /** Connections that were told what they had to be told. */
  told = 0;

  constructor(world: World, crowd: Crowd) {
    this.#world = world;
    this.#crowd = crowd;
    world.onWarning = (event, { broadcast, user }) => {
      if (event === "broadcast given up") this.#givenUp.add(`${broadcast} ${user}`);
      if (event === "broadcast broken off") this.#givenUp.add(String(broadcast));
    };
  }

  isSent(id: string): boolean {
    return this.#sent.has(id);
  }

  /** To all shards: a new one, or one that was made under a key again. */
  async tell(): Promise<void> {
    const { random, settings, journal } = this.#world;
    const repeated = random.chance(0.25) ? random.pick(this.#keyed) : undefined;
    const id = repeated ?? random.id();
    const isKeyed = repeated !== undefined || random.chance(0.5);
    this.#sent.add(id);
    if (isKeyed && repeated === undefined) this.#keyed.push(id);
    journal.write(`broadcast ${id}${repeated === undefined ? "" : " again"}`);
    for (const shard of shardNames(settings.DIRECTORY_SHARDS)) {
      await this.#give({ id, ...(isKeyed && { print: PRINT }) }, shard);
    }
  }

  /** Once it is quiet: nothing is under way, and everybody who stayed was told. */
  async check(): Promise<void> {
    const live = new Set(this.#crowd.live());
    for (const { id, connection } of this.#owed.splice(0)) {
      if (!live.has(connection)) continue;
      if (connection.broadcasts.has(id)) this.told++;
      else if (!this.#givenUp.has(id) && !this.#givenUp.has(`${id} ${connection.user}`)) {
        const { kind, name } = connection.target;
        this.#world.journal.fail(`broadcast: ${connection.user} on ${kind} ${name} never heard ${id}`);
      }
    }
    for (const shard of shardNames(this.#world.settings.DIRECTORY_SHARDS)) {
      const { storage } = this.#world.object("directory", shard);
      if (!storage.hasTables) continue;
      const left = storage.all<{ id: string }>("SELECT id FROM broadcast");
      if (left.length > 0) this.#world.journal.fail(`broadcast: ${shard} still carries ${left[0]?.id}`);
    }
  }

  /** A shard crashes now and then when it has taken it. What it took before is owed since then. */
  async #give(broadcast: { id: string; print?: string }, shard: string): Promise<void> {
    const world = this.#world;
    const listed = await listedIn(world, shard);
    const live = this.#crowd.live();
    if (world.random.chance(0.5)) {
      world.object("directory", shard).plannedCrash = world.random.pick(["lost", "kept"] as const);
    }
    const { id } = broadcast;
    const frame = JSON.stringify({ type: "broadcast", id, event: "message", data: 1, at: world.now });
    const expiresAt = world.now + EXPIRES_MS;
    const taken = world.directory(shard).broadcast({ ...broadcast, frame, expiresAt });
    taken.then(
      (answer) => {
        if (isRefusal(answer) || answer.duplicate) return;
        for (const connection of live) {
          const isListedHere = userShard(connection.user, world.settings.DIRECTORY_SHARDS) === shard;
          if (isListedHere && listed.has(connection.user)) this.#owed.push({ id, connection });
        }
      },
      () => {}, // the shard crashed while it answered: it may have taken it or not
    );
  }
}
