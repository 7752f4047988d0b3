import type { Settings } from "../config.ts";
import type { ShardHealth, SweepPage, SweepRequest } from "../objects/auditing.ts";
import type { Backlog } from "../objects/backlog.ts";
import type { BroadcastRequest, BroadcastTaken } from "../objects/broadcast.ts";
import type { CostReport, CostSums } from "../objects/costs.ts";
import type {
  DirectoryChannel,
  DirectoryPort,
  DirectoryUser,
  Held,
  Order,
  ShardCounts,
  ShardQuery,
} from "../objects/directory-port.ts";
import { DueTimes } from "../objects/due-times.ts";
import { Database } from "../objects/migrations.ts";
import type { BasicPorts, Ports } from "../objects/ports.ts";
import { isOutdated } from "../objects/shards.ts";
import type { Refusal } from "../protocol/codes.ts";
import type { Counted as Listed, OccupiedChannel, OnlineUser } from "../protocol/directory.ts";
import { Audit } from "./audit.ts";
import { BROADCAST_DEBT_MIGRATION } from "./broadcast-debt-table.ts";
import { BROADCAST_KEY_MIGRATION } from "./broadcast-key-table.ts";
import { BROADCAST_MIGRATION } from "./broadcast-table.ts";
import { Broadcasts } from "./broadcasts.ts";
import { Census, type Counted } from "./census.ts";
import { CostLedger } from "./cost-ledger.ts";
import { COST_BACKLOG_MIGRATION, COST_MIGRATION, CostTable } from "./cost-table.ts";
import {
  ENTRY_HELD_MIGRATION,
  ENTRY_MIGRATION,
  type Entry,
  type EntryCount,
  type EntryKind,
  EntryTable,
} from "./entry-table.ts";
import { Graveyard } from "./graveyard.ts";
import type { Points } from "./points.ts";
import { Rounds } from "./rounds.ts";
import { SAMPLE_MIGRATION, SampleTable } from "./sample-table.ts";
import { Health } from "./shard-health.ts";

/** Append-only: each entry is applied once. */
const MIGRATIONS = [
  [...ENTRY_MIGRATION],
  [...BROADCAST_MIGRATION, ...BROADCAST_DEBT_MIGRATION, ...BROADCAST_KEY_MIGRATION],
  [...COST_MIGRATION],
  [...SAMPLE_MIGRATION],
  [...ENTRY_HELD_MIGRATION, ...COST_BACKLOG_MIGRATION],
];

/**
 * One shard of the directory: who is online and which channels are occupied, as their objects told it. It
 * decides nothing. What it is told is a state with an order, never a step: a call that comes twice or late
 * changes nothing, and one that says what is known already writes nothing.
 */
export class Directory implements DirectoryPort {
  readonly #clock: Ports["clock"];
  readonly #table: EntryTable;
  readonly #graveyard: Graveyard;
  readonly #audit: Audit;
  readonly #broadcasts: Broadcasts;
  readonly #costs: CostLedger;
  readonly #rounds: Rounds;
  readonly #health: Health;
  readonly #due: DueTimes;
  /** Counting reads every row, so it is done once and then kept up. Lost on sleep, counted again. */
  readonly #counts = new Map<EntryKind, EntryCount>();
  /** Likewise, what users have besides. */
  readonly #census: Census;

  /** A shard of another `DIRECTORY_SHARDS` forgets all: should it count again one day, it would list ghosts. */
  constructor(ports: BasicPorts & { points?: Points }, settings: Settings, name: string) {
    this.#clock = ports.clock;
    const sql = new Database(ports.sql, MIGRATIONS);
    this.#table = new EntryTable(sql);
    this.#census = new Census(() =>
      this.#table.held().map(({ name, size, held }) => ({ name, size, held: heldIn(held) })),
    );
    const costs = new CostTable(sql);
    this.#costs = new CostLedger(ports, costs, () => this.#listed());
    if (isOutdated(name, settings.DIRECTORY_SHARDS)) {
      this.#table.clear();
      costs.clear();
    }
    const samples = new SampleTable(sql);
    this.#rounds = new Rounds(ports, this.#table);
    this.#health = new Health(ports.clock, this.#table, samples);
    const ofAudit = { table: this.#table, samples, rounds: this.#rounds };
    this.#audit = new Audit(ports, ofAudit, () => this.#due.backlog().oldestAt);
    this.#graveyard = new Graveyard(ports, this.#table);
    this.#broadcasts = new Broadcasts({ ...ports, sql }, this.#table, () => this.#due.arm());
    const { keys, late } = this.#broadcasts;
    this.#due = new DueTimes(ports, [this.#graveyard, this.#audit, this.#broadcasts, late, keys]);
    this.#due.fire();
  }

  async setUser({ presence, sessions, version, at, held, confirms }: DirectoryUser): Promise<Order | null> {
    const { user, lastActiveAt: _, ...shown } = presence;
    const goneAt = presence.status === "offline" ? this.#clock.now() : null;
    const detail = JSON.stringify(shown);
    const entry = { detail, size: sessions, version, at, goneAt, held: textOf(held) };
    return this.#set("user", user, entry, confirms);
  }

  async setChannel({ channel, members, version, at, confirms }: DirectoryChannel): Promise<Order | null> {
    const goneAt = members === 0 ? this.#clock.now() : null;
    const entry = { detail: "{}", size: members, version, at, goneAt, held: null };
    return this.#set("channel", channel, entry, confirms);
  }

  async users({ after = "", prefix = "", limit }: ShardQuery): Promise<OnlineUser[]> {
    const page = this.#table.page("user", { after, prefix, limit });
    return page.map(({ name, detail, size }) => ({ user: name, ...JSON.parse(detail), sessions: size }));
  }

  async channels({ after = "", prefix = "", limit }: ShardQuery): Promise<OccupiedChannel[]> {
    const page = this.#table.page("channel", { after, prefix, limit });
    return page.map(({ name, size }) => ({ channel: name, members: size }));
  }

  async counts({ census: isAsked }: { census: boolean } = { census: false }): Promise<ShardCounts> {
    return { ...this.#listed(), ...(isAsked && { census: this.#census.result() }) };
  }

  async addCosts(report: CostReport): Promise<void> {
    this.#costs.add(report, true);
  }

  addOwnCosts(report: CostReport): void {
    this.#costs.add(report, false);
  }

  async costs(): Promise<CostSums | undefined> {
    return this.#costs.sums();
  }

  async unknown(users: string[]): Promise<string[]> {
    return users.filter((user) => this.#table.read("user", user)?.goneAt !== null);
  }

  async broadcast(request: BroadcastRequest): Promise<BroadcastTaken | Refusal> {
    const taken = this.#broadcasts.take(request, this.#countOf("user").entries);
    this.#due.arm();
    return taken;
  }

  sweep(request: SweepRequest): Promise<SweepPage> {
    return this.#rounds.go(request);
  }

  async health(): Promise<ShardHealth> {
    return this.#health.read(this.#countOf("user").entries + this.#countOf("channel").entries);
  }

  async probe(): Promise<number> {
    return this.#health.probe();
  }

  backlog(): Backlog {
    return this.#due.backlog();
  }

  alarm(): void {
    this.#due.fire();
  }

  #set(kind: EntryKind, name: string, entry: Entry, confirms = false): Order | null {
    const known = this.#table.read(kind, name);
    if (known !== undefined && isLater(known, entry)) return { version: known.version, at: known.at };
    if (known !== undefined && looksSame(known, entry) && !isGoneAnew(known, entry)) {
      this.#remember(name, known, entry);
      return null;
    }
    if (confirms && isListed(known) && isListed(entry) && differsInVersionOnly(known, entry)) {
      this.#remember(name, known, entry);
      return null;
    }
    if (confirms && (isListed(known) || isListed(entry))) this.#audit.differed();
    this.#table.write(kind, name, entry);
    this.#recount(kind, known, entry);
    if (kind === "user") this.#census.written(name, countedOf(known), countedOf(entry));
    if (entry.goneAt === null) this.#audit.begin();
    else this.#graveyard.bury();
    this.#due.arm();
    return null;
  }

  #recount(kind: EntryKind, before: Entry | undefined, after: Entry): void {
    const count = this.#counts.get(kind);
    if (count === undefined) return;
    const [was, is] = [weightOf(before), weightOf(after)];
    this.#counts.set(kind, {
      entries: count.entries + is.entries - was.entries,
      size: count.size + is.size - was.size,
    });
  }

  #listed(): Listed {
    const users = this.#countOf("user");
    const channels = this.#countOf("channel").entries;
    return { usersOnline: users.entries, sessions: users.size, channels };
  }

  /** No news, but perhaps other numbers. */
  #remember(name: string, known: Entry, told: Entry): void {
    const [row, held] = [countedOf(known), heldIn(told.held)];
    if (row !== undefined && held !== null) this.#census.said(name, row, held);
  }

  #countOf(kind: EntryKind): EntryCount {
    const count = this.#counts.get(kind) ?? this.#table.count(kind);
    this.#counts.set(kind, count);
    return count;
  }
}

function isLater(known: Order, told: Order): boolean {
  return known.version > told.version || (known.version === told.version && known.at > told.at);
}

/** When it was said is no difference: who stays as he was costs nothing, however often he says it. */
function looksSame(known: Entry, told: Entry): boolean {
  if (known.version !== told.version) return false;
  if (known.goneAt !== null || told.goneAt !== null) return known.goneAt !== null && told.goneAt !== null;
  return known.detail === told.detail && known.size === told.size;
}

/** A user's version grows with each session that back ends are told of: that alone is no news from who confirms. */
function differsInVersionOnly(known: Entry, told: Entry): boolean {
  const shownIn = ({ detail }: Entry) => JSON.stringify({ ...JSON.parse(detail), version: null });
  return known.size === told.size && shownIn(known) === shownIn(told);
}

/** Who is gone again has been there meanwhile, unseen: what it said then may still come, and must be late. */
function isGoneAnew(known: Entry, told: Entry): boolean {
  return told.goneAt !== null && told.at > known.at;
}

function isListed(entry: Entry | undefined): entry is Entry {
  return entry !== undefined && entry.goneAt === null;
}

function countedOf(entry: Entry | undefined): Counted | undefined {
  return isListed(entry) ? { size: entry.size, held: heldIn(entry.held) } : undefined;
}

function heldIn(text: string | null): Held | null {
  return text === null ? null : JSON.parse(text);
}

function textOf(held: Held | undefined): string | null {
  return held === undefined ? null : JSON.stringify(held);
}

function weightOf(entry: Entry | undefined): EntryCount {
  return isListed(entry) ? { entries: 1, size: entry.size } : { entries: 0, size: 0 };
}
