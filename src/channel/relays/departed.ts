import type { Duty } from "../../objects/due-times.ts";
import type { Clock } from "../../objects/ports.ts";

/** A relay says that a grace is over when its alarm fires, which may be late. */
const LATE_MS = 2_000;

/** An alarm that fires so much earlier serves too: that which looks after what was told, as a rule. */
const SLACK_MS = 500;

interface DepartedRules {
  /** The directory has yet to hear that nobody is left; once it has, `run` is called. */
  isOwed(): boolean;
  /** How long a row stays once its member has left: a crash takes what was said of it, not those who are to hear it. */
  holdMs(): number;
  /** Found on waking, and its grace is over: it leaves now, if it has not before the crash. */
  leaves(relay: string, user: string): void;
  /** Its row may go. */
  over(relay: string, user: string): void;
}

interface Row {
  relay: string;
  user: string;
}

/**
 * Members of relays that have left, and whose rows stay until others have heard of it. A row that says when its
 * member ended is all that it takes: whoever wakes with it lets the member leave once more, and so tells everybody
 * again. Rows are looked at together, not each in its time: each alarm costs a row.
 */
export class Departed implements Duty {
  readonly name = "relay grace";
  readonly #clock: Clock;
  readonly #graceMs: number;
  readonly #rules: DepartedRules;
  /** When each left, by user and relay. */
  readonly #left = new Map<string, Map<string, number>>();
  /** Ended rows of which no relay has said anything since we woke. */
  readonly #found = new Map<string, Row & { overAt: number }>();
  #foundAt = Number.POSITIVE_INFINITY;
  #lookAt: number | null = null;

  constructor(clock: Clock, graceMs: number, rules: DepartedRules) {
    this.#clock = clock;
    this.#graceMs = graceMs;
    this.#rules = rules;
  }

  /** Whether a row of this user stays. */
  has(user: string): boolean {
    return this.#left.has(user);
  }

  /** Those of whom a row stays. */
  users(): string[] {
    return [...this.#left.keys()];
  }

  /** Whether the grace of who ended then is over. */
  isOver(endedAt: number): boolean {
    return endedAt + this.#graceMs <= this.#clock.now();
  }

  /** On waking: a row of a member that had ended. */
  find({ relay, user }: Row, endedAt: number): void {
    const overAt = endedAt + this.#graceMs + LATE_MS;
    this.#found.set(keyOf(relay, user), { relay, user, overAt });
    this.#foundAt = Math.min(this.#foundAt, overAt);
  }

  /** The relay has said something of this member: its word counts. */
  heard(relay: string, user: string): void {
    this.#found.delete(keyOf(relay, user));
  }

  /** It has left, and its row says so. */
  add(relay: string, user: string): void {
    this.heard(relay, user);
    const relays = this.#left.get(user) ?? new Map<string, number>();
    this.#left.set(user, relays.set(relay, this.#clock.now()));
  }

  /** It is back, and its row says so. */
  returned(relay: string, user: string): void {
    this.heard(relay, user);
    const relays = this.#left.get(user);
    relays?.delete(relay);
    if (relays?.size === 0) this.#left.delete(user);
  }

  /** All rows were deleted. */
  clear(): void {
    this.#left.clear();
    this.#found.clear();
  }

  nextAt(): number | null {
    const found = this.#found.size === 0 ? null : this.#foundAt;
    if (this.#left.size === 0 || this.#rules.isOwed()) return found;
    return Math.min(found ?? Number.POSITIVE_INFINITY, this.#lookAt ?? this.#clock.now());
  }

  run(now: number): void {
    if (this.#foundAt <= now) this.#leave(now);
    if (this.#rules.isOwed() || now < (this.#lookAt ?? now) - SLACK_MS) return;
    const holdMs = this.#rules.holdMs();
    const since = now - Math.max(0, holdMs - SLACK_MS);
    for (const [user, relays] of [...this.#left]) {
      for (const [relay, at] of [...relays]) if (at <= since) this.#over(relay, user);
    }
    this.#lookAt = this.#left.size === 0 ? null : now + holdMs;
  }

  #leave(now: number): void {
    for (const { relay, user, overAt } of [...this.#found.values()]) {
      if (overAt > now) continue;
      this.heard(relay, user);
      this.#rules.leaves(relay, user);
    }
    const times = [...this.#found.values()].map(({ overAt }) => overAt);
    this.#foundAt = times.reduce((earliest, at) => Math.min(earliest, at), Number.POSITIVE_INFINITY);
  }

  #over(relay: string, user: string): void {
    this.returned(relay, user);
    this.#rules.over(relay, user);
  }
}

/** A space is in no name. */
function keyOf(relay: string, user: string): string {
  return `${relay} ${user}`;
}
