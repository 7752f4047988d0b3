import { ByTime } from "../../objects/by-time.ts";
import type { Duty } from "../../objects/due-times.ts";
import { Outbox } from "../../objects/outbox.ts";
import type { Background, Clock, Log, Objects, SessionEnd } from "../../objects/ports.ts";
import type { Unsubscribed } from "../../objects/subscribing.ts";
import type { KeptMembers } from "./kept-members.ts";
import type { EndedDebt, KeptSessions } from "./kept-sessions.ts";
import type { SessionRow } from "./session-table.ts";

/** Who else has to know of an end before its row may go, so that no row is written for that debt. */
export interface Witness {
  /** Somebody has yet to confirm what the end of this session has changed. */
  isOwed(row: SessionRow): boolean;
  /** Sends them word where none is under way, retries by its own duty, and has `run` called once they confirm. */
  tell(): void;
  /** How long a row stays once it has left the roster: a crash takes what was said of it, not the connections of all who hear. */
  holdMs(): number;
}

/**
 * What is left to do about a session that ended: its grace, after which its member may leave, and the debt to
 * tell its user. When both are over, and whoever else counts on it has confirmed, its row goes. Two duties: one
 * by the time of the grace, one the outbox.
 */
export class Departures implements Duty {
  readonly name = "grace";
  readonly outbox: Outbox<EndedDebt>;
  readonly #sessions: KeptSessions;
  readonly #members: KeptMembers;
  readonly #witness: Witness;
  readonly #about: { channel: string; ports: { clock: Clock; objects: Objects } };
  /** When each left the roster, where others were told of it: until they have heard of it, its row stays. */
  readonly #leftAt = new Map<string, number>();

  /** Ended sessions by the time at which something can be done about them. */
  readonly #due = new ByTime();
  /** Of these nothing is left to do, but the witness has yet to confirm. */
  readonly #awaiting = new Set<string>();

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    { channel, sessions, members }: { channel: string; sessions: KeptSessions; members: KeptMembers },
    witness: Witness,
  ) {
    this.#sessions = sessions;
    this.#members = members;
    this.#witness = witness;
    this.#about = { channel, ports };
    this.outbox = new Outbox(
      ports,
      sessions,
      { to: ({ user }) => user, pay: (debts) => this.#tell(debts) },
      (session) => this.#settled(session),
    );
  }

  /** When something can be done. A session whose grace is over may wait for its debts alone, which have their own times. */
  nextAt(): number | null {
    this.#learn();
    const next = this.#due.earliest();
    const [first] = this.#awaiting;
    const row = first === undefined ? undefined : this.#sessions.findEnded(first);
    const isNow = first !== undefined && (row === undefined || !this.#witness.isOwed(row));
    return isNow ? Math.min(next ?? Number.POSITIVE_INFINITY, this.#about.ports.clock.now()) : next;
  }

  /** Also once the witness may have confirmed. */
  run(): void {
    this.#step();
    this.#review();
  }

  /** Looks at those only whose time has come: thousands may end at once. */
  #step(): void {
    this.#learn();
    const now = this.#about.ports.clock.now();
    const over = this.#due.take(now).flatMap(({ id }) => this.#sessions.findEnded(id) ?? []);
    this.#members.expire(over, (row) => this.#leftAt.set(row.session, now));
    let isOwed = false;
    for (const row of over) if (this.#goOn(row, now)) isOwed = true;
    if (isOwed) this.#witness.tell();
  }

  /** Its grace is over. True where nothing is left to do, but the witness has to confirm. */
  #goOn(row: SessionRow, now: number): boolean {
    if (!this.#isSettled(row)) return false; // `#settled` brings it back
    const keptUntil = this.#keptUntil(row) ?? now;
    const isOwed = keptUntil <= now && this.#witness.isOwed(row);
    if (keptUntil > now) this.#due.set(row.session, keptUntil);
    else if (isOwed) this.#awaiting.add(row.session);
    else this.#delete(row.session);
    return isOwed;
  }

  #review(): void {
    let isOwed = false;
    for (const session of this.#awaiting) {
      const row = this.#sessions.findEnded(session);
      if (row !== undefined && this.#witness.isOwed(row)) isOwed = true;
      else this.#delete(session);
    }
    if (isOwed) this.#witness.tell();
  }

  #settled(session: string): void {
    const row = this.#sessions.findEnded(session);
    if (row !== undefined) this.#due.set(session, this.#members.expiryOf(row));
    this.#step();
  }

  #learn(): void {
    const now = this.#about.ports.clock.now();
    for (const row of this.#sessions.takeEnded()) {
      const expiry = this.#members.expiryOf(row);
      const awaitsDebt = expiry <= now && !this.#isSettled(row) && !this.#members.isCounted(row);
      if (!awaitsDebt) this.#due.set(row.session, expiry);
    }
  }

  /** A subscribed session begins anew: what its end left behind is no more. */
  begins(session: string): void {
    this.#due.delete(session);
    this.#awaiting.delete(session);
    this.#leftAt.delete(session);
    this.outbox.forget(session);
  }

  #delete(session: string): void {
    this.#awaiting.delete(session);
    this.#sessions.delete(session);
    this.#leftAt.delete(session);
    this.outbox.forget(session);
  }

  #isSettled({ session, end }: SessionRow): boolean {
    return end?.dueAt === null || this.outbox.isSettled(session);
  }

  #keptUntil({ session }: SessionRow): number | undefined {
    const holdMs = this.#witness.holdMs();
    const leftAt = holdMs === 0 ? undefined : this.#leftAt.get(session);
    return leftAt === undefined ? undefined : leftAt + holdMs;
  }

  /** To one user's object: several that ended at once are one call. */
  async #tell(debts: readonly EndedDebt[]): Promise<void> {
    const { channel, ports } = this.#about;
    const ended: SessionEnd[] = [];
    const unsubscribed: Unsubscribed[] = [];
    for (const { id: session, endedAt: at, reason, order } of debts) {
      if (order === undefined) ended.push({ session, at, reason });
      else unsubscribed.push({ channel, session, order, reason });
    }
    const [{ user } = { user: "" }] = debts;
    const keeper = ports.objects.user(user);
    const [end, unsubscription] = [ended[0], unsubscribed[0]];
    if (debts.length > 1) await keeper.endedTogether({ ended, unsubscribed });
    else if (end !== undefined) await keeper.ended(end);
    else if (unsubscription !== undefined) await keeper.unsubscribed(unsubscription);
  }
}
