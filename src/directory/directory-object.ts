import { DurableObject } from "cloudflare:workers";
import type { SweepRequest } from "../objects/auditing.ts";
import type { BroadcastRequest } from "../objects/broadcast.ts";
import type { CostReport } from "../objects/costs.ts";
import type {
  DirectoryChannel,
  DirectoryPort,
  DirectoryUser,
  ShardQuery,
} from "../objects/directory-port.ts";
import { Waking } from "../objects/waking-object.ts";
import { Directory } from "./directory.ts";
import type { Points } from "./points.ts";

/** The Durable Object of one shard of the directory, named by `objects/shards.ts`. */
export class DirectoryObject extends DurableObject<Env> implements DirectoryPort {
  readonly #waking: Waking<Directory>;

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    this.#waking = new Waking(ctx, env, (ports, settings, name) => {
      return new Directory({ ...ports, ...pointsOf(env) }, settings, name);
    });
  }

  override alarm(_info?: AlarmInvocationInfo) {
    this.#waking.alarm();
  }

  setUser(entry: DirectoryUser) {
    return this.#waking.rules.setUser(entry);
  }

  setChannel(entry: DirectoryChannel) {
    return this.#waking.rules.setChannel(entry);
  }

  users(query: ShardQuery) {
    return this.#waking.rules.users(query);
  }

  channels(query: ShardQuery) {
    return this.#waking.rules.channels(query);
  }

  counts(query?: { census: boolean }) {
    return this.#waking.rules.counts(query);
  }

  /** Not counted: that the meter is told would be news for the meter. */
  addCosts(report: CostReport) {
    return this.#waking.rulesFor(null).addCosts(report);
  }

  costs() {
    return this.#waking.rules.costs();
  }

  unknown(users: string[]) {
    return this.#waking.rules.unknown(users);
  }

  sweep(request: SweepRequest) {
    return this.#waking.rules.sweep(request);
  }

  health() {
    return this.#waking.rules.health();
  }

  probe() {
    return this.#waking.rules.probe();
  }

  broadcast(request: BroadcastRequest) {
    return this.#waking.rules.broadcast(request);
  }
}

/** The dataset of Analytics Engine, where this deployment has one. */
function pointsOf({ METRICS }: Env): { points?: Points } {
  return METRICS === undefined ? {} : { points: (point) => METRICS.writeDataPoint(point) };
}
