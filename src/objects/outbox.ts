import type { DebtIndex } from "./debt-index.ts";
import type { Duty } from "./due-times.ts";
import type { Background, Clock, Log } from "./ports.ts";

/** The first retry, and so what a debt's `dueAt` must be when it is written: it is sent at once besides. */
export const FIRST_RETRY_MS = 5_000;
const LONGEST_RETRY_MS = 600_000;
/** After this many failures (about an hour of them) a debt is parked: still tried, but only every hour. */
const TRIES_BEFORE_PARKED = 12;
const PARKED_RETRY_MS = 3_600_000;
const MOST_CALLS = 100;

/** What a call answers that neither settled its debt nor failed: another word is on its way, or the debt is due again. */
export const STILL_OWED = Symbol("still owed");

/** What this object owes another, kept in a row until it is confirmed. */
export interface Debt {
  readonly id: string;
  /** Failed tries so far. */
  readonly tries: number;
  /** When to try again, in milliseconds, if it is not confirmed before. */
  readonly dueAt: number;
}

/** Where debts are kept: rows, or columns of the rows whose change made the debt. */
export interface Ledger<D extends Debt> {
  owed(): D[];
  /** Whether this one is among them. */
  owes(id: string): boolean;
  postpone(id: string, tries: number, dueAt: number): void;
  /** Of a ledger that may hold thousands; any other is asked for all that is owed. */
  readonly index?: DebtIndex<D>;
}

/**
 * The outbox. A debt is written in the same transaction as the change that made it, sent at once, and
 * retried by alarm until the other object confirms it, so no crash between the two can lose it. Receivers
 * are idempotent. That a debt is settled is kept in memory until its row is deleted: forgetting it repeats a
 * harmless call, so it need not cost a write. One debt that fails holds up no other.
 */
export class Outbox<D extends Debt> implements Duty {
  readonly name: string;
  readonly #ports: { clock: Clock; background: Background; log: Log };
  readonly #ledger: Ledger<D>;
  readonly #send: (debt: D) => Promise<unknown>;
  readonly #onSettled: (id: string) => void;
  readonly #underWay = new Set<string>();
  /** Sent by this instance, with whatever result: from here on only the alarm sends it again. */
  readonly #sent = new Set<string>();
  readonly #settled = new Set<string>();
  readonly #waiting: D[] = [];
  #calls = 0;

  constructor(
    ports: { clock: Clock; background: Background; log: Log },
    ledger: Ledger<D>,
    send: (debt: D) => Promise<unknown>,
    onSettled: (id: string) => void,
    name = "outbox",
  ) {
    this.name = name;
    this.#ports = ports;
    this.#ledger = ledger;
    this.#send = send;
    this.#onSettled = onSettled;
  }

  isSettled(id: string): boolean {
    return this.#settled.has(id);
  }

  /** Confirmed, by the answer to a call or by other word from the creditor. */
  confirm(id: string): void {
    if (!this.#ledger.owes(id)) return this.forget(id); // a newer word took its place
    this.#settled.add(id);
    this.#ledger.index?.delete(id);
    this.#onSettled(id);
  }

  /** The row of a settled debt was deleted, or nothing is owed under this id any more. */
  forget(id: string): void {
    this.#settled.delete(id);
    this.#sent.delete(id);
  }

  nextAt(): number | null {
    const { index } = this.#ledger;
    if (index !== undefined) return index.earliest();
    let next: number | null = null;
    for (const debt of this.#unsettled()) if (next === null || debt.dueAt < next) next = debt.dueAt;
    return next;
  }

  /** Sends what was written in this turn; the alarm sends it again if this object dies meanwhile. */
  kick(): void {
    const open = this.#ledger.index?.takeFresh() ?? this.#ledger.owed();
    const isNew = ({ id, tries }: D) => tries === 0 && !this.#sent.has(id) && !this.#settled.has(id);
    this.#start(open.filter(isNew));
  }

  run(now: number): void {
    const due = this.#ledger.index?.due(now) ?? this.#unsettled().filter((debt) => debt.dueAt <= now);
    for (const debt of due) this.#postpone(debt, now);
    this.#start(due);
  }

  #unsettled(): D[] {
    return this.#ledger.owed().filter((debt) => !this.#settled.has(debt.id));
  }

  #start(debts: D[]): void {
    for (const debt of debts) {
      if (this.#underWay.has(debt.id)) continue;
      this.#underWay.add(debt.id);
      this.#sent.add(debt.id);
      this.#waiting.push(debt);
    }
    this.#payNext();
  }

  /** A few at a time: a deploy may leave thousands, and each calls another object. */
  #payNext(): void {
    while (this.#calls < MOST_CALLS) {
      const debt = this.#waiting.shift();
      if (debt === undefined) return;
      this.#calls += 1;
      this.#ports.background.run(this.#pay(debt));
    }
  }

  async #pay(debt: D): Promise<void> {
    try {
      const answer = await this.#send(debt);
      this.#underWay.delete(debt.id);
      if (answer !== STILL_OWED) this.confirm(debt.id);
    } catch (cause) {
      this.#underWay.delete(debt.id);
      this.#ports.log.warn("debt not paid", { debt: debt.id, tries: debt.tries + 1 }, cause);
      if (!this.#ledger.owes(debt.id)) this.forget(debt.id);
    }
    this.#calls -= 1;
    this.#payNext();
  }

  /** A try that is due counts as failed until it is confirmed: so a crash in the middle of it counts too. */
  #postpone(debt: D, now: number): void {
    const tries = debt.tries + 1;
    if (tries === TRIES_BEFORE_PARKED) this.#ports.log.warn("debt parked", { debt: debt.id, tries });
    this.#ledger.postpone(debt.id, tries, now + retryDelay(tries));
  }
}

/** How long to wait after so many failed tries, in milliseconds. */
export function retryDelay(tries: number): number {
  if (tries >= TRIES_BEFORE_PARKED) return PARKED_RETRY_MS;
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries);
}
