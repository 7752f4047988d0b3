import type { Settings } from "../../config.ts";
import type { Connection } from "../../connections/connection.ts";
import type { Connections } from "../../connections/connections.ts";
import type { Duty } from "../../objects/due-times.ts";
import type { Notice, NoticeAnswer, Ports, Sql } from "../../objects/ports.ts";
import { type Refusal, refusal } from "../../protocol/codes.ts";
import type { Presence, SeenStatus, Watch } from "../../protocol/presence.ts";
import type { Standing } from "../presence/standing.ts";
import { BY_USER, type Hold, type Target } from "./hold-table.ts";
import { Holds } from "./holds.ts";
import { Registrations, type Watched } from "./registrations.ts";
import { Releases } from "./releases.ts";
import { Resumes } from "./resumes.ts";
import { Shown } from "./shown.ts";

/** After a session ended, what it held may be wanted again for so long: its user is likely to come back. */
const KEPT_MS = 300_000;

/** How a session wants to watch. */
interface Wish {
  /** Told of these statuses only. */
  only?: SeenStatus[] | undefined;
  /** Asked when all have answered: what was allowed before may not be so any more. */
  refusal?(): Refusal | undefined;
}

/**
 * Whom this user watches. To watch is to register with the target's object, which tells of every change from
 * then on, and to hold it here; a target that nobody holds any more is released. What was registered and not
 * held, because this object died in between, is found out by the next notice. While the user is connected
 * nothing expires, so to renew writes nothing; one due time after its last session ends it all.
 */
export class Watching implements Duty {
  readonly name = "watching";
  readonly releases: Releases;
  readonly resumes: Resumes;
  /** Watches that were over, since this object woke. */
  expiredSoFar = 0;
  readonly #ports: Ports;
  readonly #sql: Sql;
  readonly #settings: Settings;
  readonly #standing: Standing;
  readonly #connections: Connections;
  readonly #holds: Holds;
  readonly #shown: Shown;
  readonly #registrations: Registrations;
  readonly #settled: () => void;
  #lastOrder = 0;

  constructor(
    ports: Ports,
    settings: Settings,
    about: {
      me: string;
      standing: Standing;
      connections: Connections;
      userOf(user: string): Watched;
      settled(): void;
    },
  ) {
    this.#ports = ports;
    this.#sql = ports.sql;
    this.#settings = settings;
    this.#standing = about.standing;
    this.#connections = about.connections;
    this.#settled = about.settled;
    this.releases = new Releases(ports, about.me, about.userOf);
    this.#holds = new Holds(ports.sql, (session) => this.#isLive(session));
    this.#shown = new Shown(ports.random.id(), about.connections, this.#holds);
    this.#registrations = new Registrations(ports.log, about, this.#shown);
    const [holds, shown, registrations] = [this.#holds, this.#shown, this.#registrations];
    const of = { connections: about.connections, holds, shown, registrations };
    this.resumes = new Resumes(ports, of, (users) => this.#releaseGivenUp(users));
  }

  list(): Watch[] {
    const users = new Set(this.#holds.all().flatMap(({ targets }) => [...targets.keys()]));
    return [...users].sort().map((user) => ({ user, expiresAt: this.expiresAt(user) }));
  }

  /** How many users are watched. */
  get size(): number {
    return this.#holds.sizeWith([]);
  }

  heldBy(session: string): string[] {
    return [...(this.#holds.of(session)?.targets.keys() ?? [])];
  }

  /** The earliest time at which this watch could end, in milliseconds. */
  expiresAt(user: string): number {
    const ends = this.#holds.holding(user).map((hold) => this.#endOf(hold));
    return Math.max(0, ...ends.map((end) => end ?? this.#ports.clock.now() + this.#ttlMs));
  }

  /**
   * Answers with what each target looks like, in the order asked. All or nothing: a target that does not answer
   * is `unavailable`, and then nothing is held that was not, and what is held is told of as ever.
   */
  async watch(session: string, users: readonly string[], wish: Wish = {}): Promise<Presence[] | Refusal> {
    const tooMany = this.#refusalFor(users);
    if (tooMany !== undefined) return tooMany;
    const targets = new Map<string, Target>();
    const order = this.#nextOrder();
    for (const user of users) {
      targets.set(user, { order: this.#holds.orderOf(user) ?? order, ...(wish.only && { only: wish.only }) });
    }
    const asker = this.#connections.find(session);
    const known = new Map(users.map((user) => [user, this.#shown.latestOf(user)]));
    const silent = await this.#registrations.make(targets, asker);
    const refused =
      silent.length > 0 ? unavailable() : (this.#refusalFor(users, session) ?? wish.refusal?.());
    if (refused !== undefined) {
      this.#change(() => this.#releaseUnheld(users));
      const news = users.filter((user) => this.#shown.latestOf(user) !== known.get(user));
      if (asker !== undefined) this.#shown.tell(asker, news);
      return refused;
    }
    const held = this.#holds.of(BY_USER)?.targets;
    const added = users.filter((user) => session === BY_USER && held?.has(user) !== true);
    this.#hold(session, targets);
    this.#shown.begin(added);
    return users.flatMap((user) => this.#shown.latestOf(user)?.presence ?? []);
  }

  unwatch(session: string, users: readonly string[]): void {
    const held = this.heldBy(session).filter((user) => users.includes(user));
    if (held.length === 0) return; // a transaction would make tables for a user who never was
    this.#change(() => {
      this.#holds.remove(session, held);
      this.#releaseUnheld(held);
    });
  }

  /** From a watched user's object. */
  notice(notice: Notice): NoticeAnswer {
    const { user, order, waking, isOver } = notice;
    const isAsked = this.#registrations.isUnderWay(user);
    if (!isAsked && this.#holds.holding(user).length === 0) return { is: "not watching" };
    if (!isAsked && !isOver && !this.#shown.isLookedAt(user)) return { is: "asleep" };
    const known = this.#shown.latestOf(user);
    if (known === undefined && waking !== this.#shown.waking) {
      return { is: "another waking", waking: this.#shown.waking };
    }
    const isLate = known !== undefined && order <= known.order;
    this.#shown.take(notice);
    if (isOver && !isLate) this.#change(() => this.#forget(user));
    return { is: "taken" };
  }

  /** A session of this user is about to begin: what those hold that ended long ago is given up. */
  sessionBegins(): void {
    const known = new Set(this.#standing.all().map(({ session }) => session));
    const over = this.#holds.ended().filter(({ session }) => !known.has(session));
    if (over.length === 0) return;
    const live = this.#standing.all().filter(({ endedAt }) => endedAt === null);
    const since = live[0]?.connectedAt ?? this.#standing.lastEndAt() ?? 0; // they ended before that
    if (since <= this.#ports.clock.now() - KEPT_MS) this.#drop(over);
  }

  /** A connection was welcomed: one frame follows for each user that is watched over HTTP, when it has answered. */
  welcomed(connection: Connection): void {
    this.resumes.begin(connection);
  }

  /** This user was erased. */
  erase(): void {
    this.#drop(this.#holds.all());
  }

  nextAt(): number | null {
    let next: number | null = null;
    for (const hold of this.#holds.all()) {
      const end = this.#endOf(hold);
      if (end !== null && (next === null || end < next)) next = end;
    }
    return next;
  }

  run(now: number): void {
    const before = this.#holds.sizeWith([]);
    this.#drop(this.#holds.all().filter((hold) => (this.#endOf(hold) ?? now + 1) <= now));
    this.expiredSoFar += before - this.#holds.sizeWith([]);
  }

  /** Whether this user watches that one, or is about to. */
  isWatching(user: string): boolean {
    return this.#registrations.isUnderWay(user) || this.#holds.holding(user).length > 0;
  }

  /** Whether no word about this watch is on its way. */
  isSettledWith(user: string): boolean {
    return !this.#registrations.isUnderWay(user) && !this.releases.owes(user);
  }

  /** Tells whoever lost it of this watch, under its old order; who does not answer is found another time. */
  async registerAgain(user: string): Promise<void> {
    const order = this.#holds.orderOf(user);
    if (order !== undefined) await this.#registrations.make(new Map([[user, { order }]]));
    this.disclaim(user);
  }

  /** The other side may know of a watch that is none. */
  disclaim(user: string): void {
    this.#releaseGivenUp([user]);
  }

  #isLive(session: string): boolean {
    return this.#standing.all().some((row) => row.session === session && row.endedAt === null);
  }

  /** Null while the user is connected. */
  #endOf({ session, renewedAt }: Hold): number | null {
    const lastEndAt = this.#standing.lastEndAt();
    if (lastEndAt === null) return null;
    return Math.max(lastEndAt, (session === BY_USER ? renewedAt : null) ?? 0) + this.#ttlMs;
  }

  get #ttlMs(): number {
    return this.#settings.WATCH_TTL_SECONDS * 1000;
  }

  #refusalFor(users: readonly string[], session = BY_USER): Refusal | undefined {
    const most = this.#settings.MAX_WATCHES;
    if (session !== BY_USER && this.#connections.find(session) === undefined) {
      return refusal("session_gone", "this session is over");
    }
    return this.#holds.sizeWith(users, this.#holds.ended()) > most
      ? refusal("too_many_watches", `at most ${most} users can be watched`)
      : undefined;
  }

  #hold(session: string, targets: ReadonlyMap<string, Target>): void {
    const isConnected = this.#standing.lastEndAt() === null;
    this.#change(() => {
      this.#holds.add(session, targets, session === BY_USER && !isConnected ? this.#ports.clock.now() : null);
      this.releases.cancel(new Set(targets.keys()));
      if (this.#holds.sizeWith([]) > this.#settings.MAX_WATCHES) this.#drop(this.#holds.ended());
    });
  }

  #drop(holds: readonly Hold[]): void {
    if (holds.length === 0) return;
    this.#change(() => {
      this.#holds.drop(holds);
      this.#releaseUnheld(holds.flatMap(({ targets }) => [...targets.keys()]));
    });
  }

  /** The target was erased: it knows nothing of this watch any more. */
  #forget(user: string): void {
    for (const { session } of this.#holds.holding(user)) this.#holds.remove(session, [user]);
    if (!this.#registrations.isUnderWay(user)) this.#shown.forget([user]);
  }

  #releaseUnheld(users: readonly string[]): void {
    const isFree = (user: string) =>
      !this.#registrations.isUnderWay(user) && this.#holds.holding(user).length === 0;
    const free = [...new Set(users)].filter(isFree);
    this.#shown.forget(free);
    this.releases.owe(free, this.#nextOrder());
  }

  /** What was given up while its registration was under way could not be released before. */
  #releaseGivenUp(users: readonly string[]): void {
    const unheld = users.filter((user) => this.#holds.holding(user).length === 0);
    if (unheld.length > 0) this.#change(() => this.#releaseUnheld(unheld));
    this.#settled();
  }

  /** Orders of calls to one target grow, whatever the clock does: the highest in use is in some row. */
  #nextOrder(): number {
    const highest = Math.max(this.#lastOrder, this.#holds.highestOrder, this.releases.highestOrder);
    this.#lastOrder = Math.max(this.#ports.clock.now(), highest + 1);
    return this.#lastOrder;
  }

  #change(work: () => void): void {
    try {
      this.#sql.transaction(work);
    } finally {
      this.#holds.readAnew();
    }
  }
}

function unavailable(): Refusal {
  return refusal("unavailable", "somebody's object did not answer; try again");
}
