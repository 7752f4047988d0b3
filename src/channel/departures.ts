import { ByTime } from "../objects/by-time.ts";
import type { Duty } from "../objects/due-times.ts";
import { Outbox } from "../objects/outbox.ts";
import type { Background, Clock, Log, Objects } from "../objects/ports.ts";
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
  /** Ended sessions by the time at which something can be done about them. */
  readonly #due = new ByTime();
  /** Of these nothing is left to do, but where they were the last the directory has to know. */
  readonly #vacating = new Set<string>();

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
      (debt) => this.#tell(debt),
      (session) => this.#settled(session),
    );
  }

  /** When something can be done. A session whose grace is over may wait for its debt alone, which has its own time. */
  nextAt(): number | null {
    this.#learn();
    const next = this.#due.earliest();
    const isNow = this.#vacating.size > 0 && !this.#vacancy.isOwed();
    return isNow ? Math.min(next ?? Number.POSITIVE_INFINITY, this.#about.ports.clock.now()) : next;
  }

  /** Looks at those only whose time has come: thousands may end at once. */
  run(): void {
    this.#learn();
    const now = this.#about.ports.clock.now();
    const over = this.#due.take(now).flatMap(({ id }) => this.#sessions.findEnded(id) ?? []);
    this.#members.expire(over, (row) => this.#leftAt.set(row.session, now));
    for (const row of over) this.#goOn(row, now);
    if (this.#vacating.size === 0) return;
    if (this.#vacancy.isOwed()) return this.#vacancy.tell();
    for (const session of this.#vacating) this.#delete(session);
    this.#vacating.clear();
  }

  /** Its grace is over. What it waits for now: its debt, subscribers who may have to be told again, or the directory. */
  #goOn(row: SessionRow, now: number): void {
    if (!this.#isSettled(row)) return; // `#settled` brings it back
    const keptUntil = this.#keptUntil(row) ?? now;
    if (keptUntil > now) this.#due.set(row.session, keptUntil);
    else this.#vacating.add(row.session);
  }

  #settled(session: string): void {
    const row = this.#sessions.findEnded(session);
    if (row !== undefined) this.#due.set(session, this.#members.expiryOf(row));
    this.run();
  }

  #learn(): void {
    const now = this.#about.ports.clock.now();
    for (const row of this.#sessions.takeEnded()) {
      const expiry = this.#members.expiryOf(row);
      const awaitsDebt = expiry <= now && !this.#isSettled(row) && !this.#members.isCounted(row);
      if (!awaitsDebt) this.#due.set(row.session, expiry);
    }
  }

  #delete(session: string): void {
    this.#sessions.delete(session);
    this.#leftAt.delete(session);
    this.outbox.forget(session);
  }

  /** A subscribed session begins anew: what its end left behind is no more. */
  begins(session: string): void {
    this.#due.delete(session);
    this.#vacating.delete(session);
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

  async #tell({ id, user, endedAt, reason, order }: EndedDebt): Promise<void> {
    const { channel, ports } = this.#about;
    const keeper = ports.objects.user(user);
    if (order === undefined) await keeper.ended({ session: id, at: endedAt, reason });
    else await keeper.unsubscribed({ channel, session: id, order, reason });
  }
}
