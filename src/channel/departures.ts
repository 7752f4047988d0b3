import type { Duty } from "../objects/due-times.ts";
import { Outbox } from "../objects/outbox.ts";
import type { Background, Clock, Log, Objects } from "../objects/ports.ts";
import type { EndedDebt, KeptSessions } from "./kept-sessions.ts";
import type { Members } from "./members.ts";

/**
 * What is left to do about a session that ended: its grace, after which its member may leave, and the debt to
 * tell its user. When both are over, its row goes. Two duties: one by the time of the grace, one the outbox.
 */
export class Departures implements Duty {
  readonly name = "grace";
  readonly outbox: Outbox<EndedDebt>;
  readonly #sessions: KeptSessions;
  readonly #members: Members;

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log },
    sessions: KeptSessions,
    members: Members,
  ) {
    this.#sessions = sessions;
    this.#members = members;
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
    for (const row of this.#sessions.ended()) {
      const awaitsDebt = this.#members.isOver(row) && !this.outbox.isSettled(row.session);
      if (awaitsDebt && !this.#members.isCounted(row)) continue;
      const at = this.#members.expiryOf(row);
      if (next === null || at < next) next = at;
    }
    return next;
  }

  run(): void {
    for (const { session } of this.#members.expire()) {
      if (!this.outbox.isSettled(session)) continue;
      this.#sessions.delete(session);
      this.outbox.forget(session);
    }
  }
}
