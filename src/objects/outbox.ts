import type { Backlog } from "./backlog.ts";
import type { DebtIndex } from "./debt-index.ts";
import type { Duty } from "./due-times.ts";
import { Lanes } from "./lanes.ts";
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
 * Debts to one target are paid by one call at a time: what is owed to it meanwhile leaves as one. That counts for
 * first tries only. Who had to be tried again is paid by itself, so that a debt that always fails holds up no other.
 */
export interface Together<D extends Debt> {
  /** Who is owed this one. */
  to(debt: D): string;
  /** All of them to the same one. */
  pay(debts: readonly D[]): Promise<unknown>;
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
  readonly #payment: Together<D>;
  readonly #onSettled: (id: string) => void;
  readonly #underWay = new Set<string>();
  /** Sent by this instance, with whatever result: from here on only the alarm sends it again. */
  readonly #sent = new Set<string>();
  readonly #settled = new Set<string>();
  readonly #lanes: Lanes<D[]>;

  constructor(
    ports: { clock: Clock; background: Background; log: Log },
    ledger: Ledger<D>,
    payment: Together<D> | ((debt: D) => Promise<unknown>),
    onSettled: (id: string) => void,
    name = "outbox",
  ) {
    this.name = name;
    this.#ports = ports;
    this.#ledger = ledger;
    this.#payment = typeof payment === "function" ? oneByOne(payment) : payment;
    this.#onSettled = onSettled;
    // A deploy may leave thousands, and each calls another object.
    this.#lanes = new Lanes(ports, MOST_CALLS, {
      load: () => [],
      call: (_, debts) => this.#pay(debts),
      failed: () => {}, // what fails is seen to debt by debt
    });
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

  /**
   * What is owed now. No row says when a debt was made, its tries do: as if each came when it was due. All of them, not
   * those that are due: each of these is postponed in the turn in which it is tried.
   */
  backlog(): Backlog {
    const debts = this.#ledger.index?.due(Number.POSITIVE_INFINITY) ?? this.#unsettled();
    let oldestAt: number | null = null;
    for (const debt of debts) oldestAt = Math.min(oldestAt ?? Number.POSITIVE_INFINITY, madeAt(debt));
    return { debts: debts.length, oldestAt };
  }

  /** Sends what was written in this turn; the alarm sends it again if this object dies meanwhile. */
  kick(): void {
    const open = this.#ledger.index?.takeFresh() ?? this.#ledger.owed();
    const isNew = ({ id, tries }: D) => tries === 0 && !this.#sent.has(id) && !this.#settled.has(id);
    this.#start(open.filter(isNew), (debt) => this.#payment.to(debt));
  }

  run(now: number): void {
    const due = this.#ledger.index?.due(now) ?? this.#unsettled().filter((debt) => debt.dueAt <= now);
    for (const debt of due) this.#postpone(debt, now);
    this.#start(due, ({ id }) => ` ${id}`); // no name begins with a blank
  }

  #unsettled(): D[] {
    return this.#ledger.owed().filter((debt) => !this.#settled.has(debt.id));
  }

  #start(debts: readonly D[], lane: (debt: D) => string): void {
    for (const debt of debts) {
      if (this.#underWay.has(debt.id)) continue;
      this.#sent.add(debt.id);
      this.#lanes.of(lane(debt)).push(debt);
    }
    this.#lanes.go();
  }

  /** Never rejects: what waits for the same target is not of the same fate. What waited may be paid by now. */
  async #pay(waiting: readonly D[]): Promise<void> {
    const debts = waiting.filter(({ id }) => this.#isLeft(id) && this.#underWay.add(id));
    if (debts.length === 0) return;
    try {
      const answer = await this.#payment.pay(debts);
      for (const debt of debts) this.#answered(debt, answer);
    } catch (cause) {
      for (const debt of debts) this.#failed(debt, cause);
    }
  }

  #isLeft(id: string): boolean {
    if (!this.#ledger.owes(id)) this.forget(id);
    else return !this.#underWay.has(id) && !this.#settled.has(id);
    return false;
  }

  #answered(debt: D, answer: unknown): void {
    this.#underWay.delete(debt.id);
    try {
      if (answer !== STILL_OWED) this.confirm(debt.id);
    } catch (cause) {
      this.#failed(debt, cause);
    }
  }

  #failed({ id, tries }: D, cause: unknown): void {
    this.#underWay.delete(id);
    this.#ports.log.warn("debt not paid", { debt: id, tries: tries + 1 }, cause);
    if (!this.#ledger.owes(id)) this.forget(id);
  }

  /** A try that is due counts as failed until it is confirmed: so a crash in the middle of it counts too. */
  #postpone(debt: D, now: number): void {
    const tries = debt.tries + 1;
    if (tries === TRIES_BEFORE_PARKED) this.#ports.log.warn("debt parked", { debt: debt.id, tries });
    this.#ledger.postpone(debt.id, tries, now + retryDelay(tries));
  }
}

/** Each debt is its own target. */
function oneByOne<D extends Debt>(send: (debt: D) => Promise<unknown>): Together<D> {
  return { to: ({ id }) => id, pay: async ([debt]) => debt && send(debt) };
}

/** When a debt was made, as far as its tries tell. */
function madeAt({ tries, dueAt }: Debt): number {
  let at = dueAt;
  for (let i = 0; i <= tries; i++) at -= retryDelay(i);
  return at;
}

/** How long to wait after so many failed tries, in milliseconds. */
export function retryDelay(tries: number): number {
  if (tries >= TRIES_BEFORE_PARKED) return PARKED_RETRY_MS;
  return Math.min(LONGEST_RETRY_MS, FIRST_RETRY_MS * 2 ** tries);
}
