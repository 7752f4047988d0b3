import type { Duty } from "../objects/due-times.ts";
import { Outbox } from "../objects/outbox.ts";
import type { Background, Clock, Log, Objects, SessionEnd } from "../objects/ports.ts";
import type { Unsubscribed } from "../objects/subscribing.ts";
import type { EndedDebt, KeptSessions } from "./roster/kept-sessions.ts";
import type { Members } from "./roster/members.ts";
import type { SessionRow } from "./roster/session-table.ts";

/** What is told to subscribers is confirmed by then, or a debt of its own. */
const HEARD_WITHIN_MS = 5_000;

/**
 * What is left to do about a session that ended: its grace, after which its member may leave, and the debt to
 * tell its user. When both are over, its row goes; those of the last members only when the directory knows that
 * nobody is left, so no row is written for that debt. Two duties: one by the time of the grace, one the outbox.
 */
export class Departures implements Duty {
  readonly name = "grace";
  readonly outbox: Outbox<EndedDebt>;
  readonly #sessions: KeptSessions;
  readonly #members: Members;
  readonly #vacancy: { isOwed(): boolean; tell(): void };
  readonly #about: { channel: string; ports: { clock: Clock; objects: Objects } };
  /** When each left the roster, where subscribers were told of it: until they have heard of it, its row stays. */
  readonly #leftAt = new Map<string, number>();

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    { channel, sessions, members }: { channel: string; sessions: KeptSessions; members: Members },
    vacancy: { isOwed(): boolean; tell(): void },
  ) {
    this.#sessions = sessions;
    this.#members = members;
    this.#vacancy = vacancy;
    this.#about = { channel, ports };
    this.outbox = new Outbox(
      ports,
      sessions,
      { to: ({ user }) => user, pay: (debts) => this.#tell(debts) },
      () => this.run(),
    );
  }

  /** When something can be done. A session whose grace is over may wait for its debt alone, which has its own time. */
  nextAt(): number | null {
    let next: number | null = null;
    const isVacancyOwed = this.#vacancy.isOwed();
    for (const row of this.#sessions.ended()) {
      const isOwed = isVacancyOwed || !this.#isSettled(row);
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
    if (this.#vacancy.isOwed()) return this.#vacancy.tell();
    for (const row of expired) {
      if (!this.#isSettled(row) || (this.#keptUntil(row) ?? now) > now) continue;
      this.#sessions.delete(row.session);
      this.#leftAt.delete(row.session);
      this.outbox.forget(row.session);
    }
  }

  /** A subscribed session begins anew: what its end left behind is no more. */
  begins(session: string): void {
    this.#leftAt.delete(session);
    this.outbox.forget(session);
  }

  #isSettled({ session, end }: SessionRow): boolean {
    return end?.dueAt === null || this.outbox.isSettled(session);
  }

  /** A crash takes what was sent to subscribers, not their connections: whoever wakes with the row tells it again. */
  #keptUntil({ session }: SessionRow): number | undefined {
    const leftAt = this.#sessions.subscribed.size === 0 ? undefined : this.#leftAt.get(session);
    return leftAt === undefined ? undefined : leftAt + HEARD_WITHIN_MS;
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
