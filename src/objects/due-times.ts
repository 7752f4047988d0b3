import { type Backlog, backlogOf } from "./backlog.ts";
import type { Alarm, Clock, Log } from "./ports.ts";

/** A duty that threw is a bug: it is logged and tried again, and the others are not held up. */
const FAILED_DUTY_RETRY_MS = 30_000;
/** An alarm that should have fired this long ago never will (cloudflare-docs#18324): set it again. */
const STALE_ALARM_MS = 60_000;

/** Something an object has to do at a time that follows from its state. */
export interface Duty {
  readonly name: string;
  /** When it is due next, in milliseconds, or null while there is nothing to do. Cheap: asked often. */
  nextAt(): number | null;
  /** Does what is due, and must leave `nextAt` in the future. Does not wait for other objects. */
  run(now: number): void;
  /** What it owes to others, where it is a duty of that kind. */
  backlog?(): Backlog;
}

/**
 * One platform alarm, many due times. What is due follows from rows and sockets, so no table of times is
 * written: the alarm is set only when the earliest duty moves *earlier* (each set costs a row), and one
 * that moved later is found by an alarm that fires in vain. An object with nothing due sets none.
 */
export class DueTimes {
  readonly #ports: { clock: Clock; alarm: Alarm; log: Log };
  readonly #duties: readonly Duty[];
  /** Duties that threw and when they may run again; losing it on sleep only means an earlier try. */
  readonly #failedUntil = new Map<Duty, number>();

  constructor(ports: { clock: Clock; alarm: Alarm; log: Log }, duties: readonly Duty[]) {
    this.#ports = ports;
    this.#duties = duties;
  }

  /** To be called at the end of every turn that may have brought a duty forward. */
  arm(): void {
    const next = this.#earliest();
    if (next === null) return;
    const { alarm, clock } = this.#ports;
    const set = alarm.at();
    if (set !== null && set <= next && set > clock.now() - STALE_ALARM_MS) return;
    alarm.set(next);
  }

  /** On wake-up, on alarm and before a read. Never throws, so the platform's six retries are never used up (then it would be gone). */
  fire(): void {
    const now = this.#ports.clock.now();
    for (const duty of this.#duties) {
      const dueAt = this.#dueAt(duty);
      if (dueAt === null || dueAt > now) continue;
      try {
        duty.run(now);
        this.#failedUntil.delete(duty);
      } catch (cause) {
        this.#failedUntil.set(duty, now + FAILED_DUTY_RETRY_MS);
        this.#ports.log.warn("duty failed", { duty: duty.name }, cause);
      }
    }
    this.arm();
  }

  /** What all duties owe together. */
  backlog(): Backlog {
    return backlogOf(this.#duties.flatMap((duty) => duty.backlog?.() ?? []));
  }

  #earliest(): number | null {
    let earliest: number | null = null;
    for (const duty of this.#duties) {
      const dueAt = this.#dueAt(duty);
      if (dueAt !== null && (earliest === null || dueAt < earliest)) earliest = dueAt;
    }
    return earliest;
  }

  #dueAt(duty: Duty): number | null {
    const failedUntil = this.#failedUntil.get(duty);
    try {
      const next = duty.nextAt();
      return next === null || failedUntil === undefined ? next : Math.max(next, failedUntil);
    } catch (cause) {
      this.#ports.log.warn("duty cannot say when it is due", { duty: duty.name }, cause);
      return failedUntil ?? this.#ports.clock.now() + FAILED_DUTY_RETRY_MS;
    }
  }
}
