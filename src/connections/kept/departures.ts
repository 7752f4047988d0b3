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
      () => this.run(),
    );
  }

  /** When something can be done. A session whose grace is over may wait for its debts alone, which have their own times. */
  nextAt(): number | null {
    let next: number | null = null;
    for (const row of this.#sessions.ended()) {
      const isOwed = this.#witness.isOwed(row) || !this.#isSettled(row);
      const awaitsDebt = isOwed && this.#members.isOver(row);
      if (awaitsDebt && !this.#members.isCounted(row)) continue;
      const at = this.#keptUntil(row) ?? this.#members.expiryOf(row);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  run(): void {
    const now = this.#about.ports.clock.now();
    const expired = this.#members.expire((row) => this.#leftAt.set(row.session, now));
    let isOwed = false;
    for (const row of expired) {
      if (this.#witness.isOwed(row)) isOwed = true;
      else if (this.#isSettled(row) && (this.#keptUntil(row) ?? now) <= now) this.#delete(row.session);
    }
    if (isOwed) this.#witness.tell();
  }

  /** A subscribed session begins anew: what its end left behind is no more. */
  begins(session: string): void {
    this.#leftAt.delete(session);
    this.outbox.forget(session);
  }

  #delete(session: string): void {
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
