import type { Sql } from "../../objects/ports.ts";
import type { SeenStatus } from "../../protocol/presence.ts";
import { BY_USER, type Hold, HoldTable, type Target } from "./hold-table.ts";

/**
 * Whom this user watches: what its sessions hold and what it holds itself, in memory as long as nothing changes
 * it. The hold of a session that ended stays for a while, so that a return and its end write nothing; `isLive`
 * tells it from the others.
 */
export class Holds {
  readonly #table: HoldTable;
  readonly #isLive: (session: string) => boolean;
  /** Read again after each change, and after sleep. */
  #cached: readonly Hold[] | undefined;

  constructor(sql: Sql, isLive: (session: string) => boolean) {
    this.#table = new HoldTable(sql);
    this.#isLive = isLive;
  }

  all(): readonly Hold[] {
    this.#cached ??= this.#table.all();
    return this.#cached;
  }

  of(session: string): Hold | undefined {
    return this.all().find((hold) => hold.session === session);
  }

  ended(): Hold[] {
    return this.all().filter(({ session }) => session !== BY_USER && !this.#isLive(session));
  }

  holding(target: string): Hold[] {
    return this.all().filter(({ targets }) => targets.has(target));
  }

  /** The order under which the target knows of it; the highest, where several hold it. */
  orderOf(target: string): number | undefined {
    const orders = this.holding(target).map(({ targets }) => targets.get(target)?.order ?? 0);
    return orders.length === 0 ? undefined : Math.max(...orders);
  }

  get highestOrder(): number {
    let highest = 0;
    for (const { targets } of this.all()) {
      for (const { order } of targets.values()) highest = Math.max(highest, order);
    }
    return highest;
  }

  /** How many users would be watched with these too. Holds of ended sessions give way, so they may be left out. */
  sizeWith(users: Iterable<string>, left: readonly Hold[] = []): number {
    const held = this.all().filter((hold) => !left.includes(hold));
    return new Set([...users, ...held.flatMap(({ targets }) => [...targets.keys()])]).size;
  }

  /** Whether one who holds so is told of this status. */
  static isTold({ only }: Target, status: string): boolean {
    return only === undefined || only.includes(status as SeenStatus);
  }

  /** Writes nothing where nothing is different. Of ended sessions only what nobody else holds is kept. */
  add(session: string, added: ReadonlyMap<string, Target>, renewedAt: number | null): void {
    const hold = this.of(session);
    const targets = new Map([...(hold?.targets ?? []), ...added]);
    const isSame = hold !== undefined && isSameHold(hold.targets, targets);
    if (isSame && (hold.renewedAt === renewedAt || renewedAt === null)) return;
    this.#write({ session, targets, renewedAt: renewedAt ?? hold?.renewedAt ?? null });
    for (const ended of this.ended()) {
      const others = this.all().filter(({ session: other }) => other !== ended.session);
      const isHeld = (target: string) => others.some((other) => other.targets.has(target));
      if ([...ended.targets.keys()].every(isHeld)) this.drop([ended]);
    }
  }

  remove(session: string, users: readonly string[]): void {
    const hold = this.of(session);
    if (hold === undefined || !users.some((user) => hold.targets.has(user))) return;
    const targets = new Map([...hold.targets].filter(([user]) => !users.includes(user)));
    this.#write({ ...hold, targets });
  }

  drop(holds: readonly Hold[]): void {
    for (const hold of holds) this.#write({ ...hold, targets: new Map() });
  }

  /** After a transaction that failed half-way. */
  readAnew(): void {
    this.#cached = undefined;
  }

  #write(hold: Hold): void {
    this.#cached = undefined;
    this.#table.write(hold);
  }
}

function isSameHold(a: ReadonlyMap<string, Target>, b: ReadonlyMap<string, Target>): boolean {
  return a.size === b.size && [...b].every(([user, target]) => isSameTarget(a.get(user), target));
}

function isSameTarget(a: Target | undefined, b: Target): boolean {
  return a?.order === b.order && JSON.stringify(a.only) === JSON.stringify(b.only);
}
