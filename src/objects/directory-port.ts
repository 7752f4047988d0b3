import type { Refusal } from "../protocol/codes.ts";
import type { Counted, OccupiedChannel, OnlineUser } from "../protocol/directory.ts";
import type { Presence } from "../protocol/presence.ts";
import type { ShardHealth, SweepPage, SweepRequest } from "./auditing.ts";
import type { BroadcastRequest, BroadcastTaken } from "./broadcast.ts";
import type { CostReport, CostSums } from "./costs.ts";

/** Of two states of one name the one with the higher version counts, of the same version the later one. */
export interface Order {
  version: number;
  /** Milliseconds. */
  at: number;
}

/** Said by who believes that the directory knows it already: a difference is one, and not news. */
interface Told extends Order {
  confirms?: true;
}

/** One user of the directory. */
export interface DirectoryUser extends Told {
  /** As back ends see it; `offline` takes the user out. */
  presence: Presence;
  /** Live ones. */
  sessions: number;
  /** For metrics: it makes no news, and writes no row by itself. Absent from earlier versions. */
  held?: Held;
}

/** What one user has, in numbers. */
export interface Held {
  /** Its sessions, by transport and type of device: `websocket mobile`. */
  connections: Record<string, number>;
  /** Users whom it watches. */
  watches: number;
  /** Users who watch it. */
  watchers: number;
  /** Channels that its sessions are subscribed to, for each session. */
  subscriptions: number;
}

/** What the users of one shard have between them. */
export interface ShardCensus {
  connections: Record<string, number>;
  /** How many users have so many sessions, the fewest first. */
  usersBySessions: [sessions: number, users: number][];
  watches: number;
  subscriptions: number;
  /** The most watched first, ten at most. */
  mostWatched: [user: string, watchers: number][];
}

/** How many are listed; and what they have, where that was asked for, of a version that knows. */
export interface ShardCounts extends Counted {
  census?: ShardCensus;
}

/** One channel of the directory; without members it is taken out. Its version is always 0. */
export interface DirectoryChannel extends Told {
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
  counts(query?: { census: boolean }): Promise<ShardCounts>;
  /** From any object: what it cost. Not idempotent: a call that comes twice counts twice, so it is not repeated. */
  addCosts(report: CostReport): Promise<void>;
  /** Undefined where nothing was told. */
  costs(): Promise<CostSums | undefined>;
  /** Those of these users that are not listed as online. */
  unknown(users: string[]): Promise<string[]>;
  /** Tells all who are listed. The same id is carried out once; with another `print` it is `idempotency_mismatch`. */
  broadcast(request: BroadcastRequest): Promise<BroadcastTaken | Refusal>;
  /** Asks some of those who are listed to do what is due, and compares what they know of others. */
  sweep(request: SweepRequest): Promise<SweepPage>;
  health(): Promise<ShardHealth>;
  /** Writes a row, if it is a while since it did, and reads it: when it was written, in milliseconds. */
  probe(): Promise<number>;
}
