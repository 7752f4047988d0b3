import type { Duty } from "../objects/due-times.ts";
import { Outbox } from "../objects/outbox.ts";
import type { Background, Clock, Log, Objects } from "../objects/ports.ts";
import type { EndedDebt, KeptSessions } from "./roster/kept-sessions.ts";
import type { Members } from "./roster/members.ts";

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

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    sessions: KeptSessions,
    members: Members,
    vacancy: { isOwed(): boolean; tell(): void },
  ) {
    this.#sessions = sessions;
    this.#members = members;
    this.#vacancy = vacancy;
    this.outbox = new Outbox(
      ports,
      sessions,
      ({ id, user, endedAt, reason }) => ports.objects.user(user).ended({ session: id, at: endedAt, reason }),
      () => this.run(),
    );
  }

  /** When something can be done. A session whose grace is over may wait for its debt alone, which has its own time. */
  nextAt(): number | null {
    let next: number | null = null;
    const isVacancyOwed = this.#vacancy.isOwed();
    for (const row of this.#sessions.ended()) {
      const isOwed = isVacancyOwed || !this.outbox.isSettled(row.session);
      const awaitsDebt = isOwed && this.#members.isOver(row);
      if (awaitsDebt && !this.#members.isCounted(row)) continue;
      const at = this.#members.expiryOf(row);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  run(): void {
    const expired = this.#members.expire();
    if (this.#vacancy.isOwed()) return this.#vacancy.tell();
    for (const { session } of expired) {
      if (!this.outbox.isSettled(session)) continue;
      this.#sessions.delete(session);
      this.outbox.forget(session);
    }
  }
}
