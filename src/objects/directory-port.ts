import type { Refusal } from "../protocol/codes.ts";
import type { Counted, OccupiedChannel, OnlineUser } from "../protocol/directory.ts";
import type { Presence } from "../protocol/presence.ts";
import type { BroadcastRequest, BroadcastTaken } from "./broadcast.ts";
import type { CostReport, CostSums } from "./costs.ts";

/** Of two states of one name the one with the higher version counts, of the same version the later one. */
export interface Order {
  version: number;
  /** Milliseconds. */
  at: number;
}

/** One user of the directory. */
export interface DirectoryUser extends Order {
  /** As back ends see it; `offline` takes the user out. */
  presence: Presence;
  /** Live ones. */
  sessions: number;
}

/** One channel of the directory; without members it is taken out. Its version is always 0. */
export interface DirectoryChannel extends Order {
  channel: string;
  /** Invisible ones too. */
  members: number;
}

/** One page of a shard, by name. */
export interface ShardQuery {
  after?: string;
  prefix?: string;
  limit: number;
}

/** One shard of the directory: a projection, rebuilt from the others when it is lost. */
export interface DirectoryPort {
  /** Null where it was taken; else the later order that is held, and nothing changed: the caller is behind. */
  setUser(entry: DirectoryUser): Promise<Order | null>;
  setChannel(entry: DirectoryChannel): Promise<Order | null>;
  users(query: ShardQuery): Promise<OnlineUser[]>;
  channels(query: ShardQuery): Promise<OccupiedChannel[]>;
  counts(): Promise<Counted>;
  /** From any object: what it cost. Not idempotent: a call that comes twice counts twice, so it is not repeated. */
  addCosts(report: CostReport): Promise<void>;
  /** Undefined where nothing was told. */
  costs(): Promise<CostSums | undefined>;
  /** Those of these users that are not listed as online. */
  unknown(users: string[]): Promise<string[]>;
  /** Tells all who are listed. The same id is carried out once; with another `print` it is `idempotency_mismatch`. */
  broadcast(request: BroadcastRequest): Promise<BroadcastTaken | Refusal>;
}
