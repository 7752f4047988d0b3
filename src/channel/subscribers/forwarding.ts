import type { Duty } from "../../objects/due-times.ts";
import { Lanes } from "../../objects/lanes.ts";
import { type Debt, FIRST_RETRY_MS, Outbox } from "../../objects/outbox.ts";
import type { Background, Clock, Log, Objects, Sql } from "../../objects/ports.ts";
import type { Delivery, Said } from "../../objects/subscribing.ts";
import { Pending } from "./pending.ts";
import { PushDebtTable } from "./push-debt-table.ts";

/** Calls at once: one that hangs holds up no more than its lane. */
const LANES = 50;
/** The contract: what a crash cut off is heard within 5 s. So long after something was said an alarm looks after it. */
export const LOOK_AFTER_MS = 5_000;
/** Who has not answered by then is told again by its debt. */
const PATIENCE_MS = 10_000;

/** The channel, as far as telling of it goes. */
export interface Source {
  channel: string;
  subscribed(): ReadonlyMap<string, ReadonlyMap<string, number>>;
  epoch(): string | null;
  top(): number;
  roster(): string;
  /** A change of the roster is told in a moment. */
  isTelling(): boolean;
}

interface ForwardingRules {
  /** The user's object knows nothing of this subscription. */
  gone(session: string, order: number): void;
  due(): void;
}

/**
 * Tells subscribed users what is said here: one call at a time to each user's object, and what comes meanwhile
 * leaves with the next. A call that fails leaves one row and its user alone until the retry, which says only
 * where the channel stands: who has missed something reads it from the log. Nothing else is durable. A crash
 * may take what was not sent, so whatever is said sets an alarm, one in five seconds, and whoever wakes soon
 * after something was said tells everybody where the channel stands.
 */
export class Forwarding implements Duty {
  readonly name = "forwarding";
  readonly outbox: Outbox<Debt>;
  readonly #ports: { clock: Clock; background: Background; objects: Objects; log: Log };
  readonly #source: Source;
  readonly #rules: ForwardingRules;
  readonly #debts: PushDebtTable;
  readonly #lanes: Lanes<Pending>;
  /** What was told by paying a debt. */
  readonly #paid = new Map<string, Delivery | undefined>();
  /** The last number of each user. Together they would run ahead of the clock, and a restart begins with it. */
  readonly #numbers = new Map<string, number>();
  #lookAt: number | null = null;
  #hasSpoken = false;

  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log; sql: Sql },
    source: Source,
    rules: ForwardingRules,
  ) {
    this.#ports = ports;
    this.#source = source;
    this.#rules = rules;
    this.#debts = new PushDebtTable(ports.sql);
    this.#lanes = new Lanes(ports, LANES, {
      load: () => new Pending(),
      call: (user, pending, isAwaited) => this.#deliver(user, pending, isAwaited),
      failed: (user, cause) => this.#fail(user, cause),
    });
    this.outbox = new Outbox(
      ports,
      this.#debts,
      ({ id }) => this.#payDebt(id),
      (user) => this.#settle(user),
      "pushes",
    );
  }

  /** Whether anything was told since it woke: then whoever missed something finds out. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** What one user is delivered is numbered: the next has this or a higher one. */
  nextNumber(user: string): number {
    const number = Math.max(this.#ports.clock.now(), (this.#numbers.get(user) ?? 0) + 1);
    this.#numbers.set(user, number);
    return number;
  }

  /** Something is told in a moment: a crash before it is looked after too. */
  expect(): void {
    if (this.#source.subscribed().size > 0) this.#armLook();
  }

  /** To every subscribed user, in the order of these calls. */
  tell(said: Said, rosterBefore?: string): void {
    const users = this.#source.subscribed();
    if (users.size === 0) return;
    for (const user of users.keys()) {
      if (!this.#debts.owes(user)) this.#lanes.of(user).add(said, rosterBefore);
    }
    if (said.is !== "signal") this.#lookAfter();
    this.#lanes.go();
  }

  /** Where the channel stands, to one user or to all: to be asked whether they miss something, and whether they are there. */
  announce(users: Iterable<string> = this.#source.subscribed().keys()): void {
    for (const user of users) if (!this.#debts.owes(user)) this.#lanes.of(user);
    this.#lookAfter();
    this.#lanes.go();
  }

  /** Nobody is subscribed any more. */
  forget(): void {
    this.#lanes.clear();
  }

  nextAt(): number | null {
    return this.#lookAt;
  }

  run(now: number): void {
    this.#lanes.giveUp(now - PATIENCE_MS);
    this.#forgetNumbers(now);
    const isQuiet = this.#lanes.isQuiet && !this.#source.isTelling();
    this.#lookAt = isQuiet ? null : now + LOOK_AFTER_MS;
  }

  /** Of whom nobody is subscribed, and the clock has passed the number: whatever comes next has a higher one. */
  #forgetNumbers(now: number): void {
    const users = this.#source.subscribed();
    for (const [user, number] of this.#numbers) {
      if (number < now && !users.has(user)) this.#numbers.delete(user);
    }
  }

  #lookAfter(): void {
    this.#hasSpoken = true;
    this.#armLook();
  }

  #armLook(): void {
    if (this.#lookAt !== null) return;
    this.#lookAt = this.#ports.clock.now() + LOOK_AFTER_MS;
    this.#rules.due();
  }

  async #deliver(user: string, pending: Pending, isAwaited: () => boolean): Promise<Delivery | undefined> {
    const sessions = this.#source.subscribed().get(user);
    if (sessions === undefined) return undefined;
    const delivery = pending.delivery({
      channel: this.#source.channel,
      number: this.nextNumber(user),
      epoch: this.#source.epoch() ?? "",
      roster: this.#source.roster(),
      top: this.#source.top(),
      sessions: Object.fromEntries(sessions),
    });
    const { gone } = await this.#ports.objects.user(user).deliver(delivery);
    if (isAwaited()) {
      for (const session of gone) this.#rules.gone(session, delivery.sessions[session] ?? 0);
    }
    return delivery;
  }

  #fail(user: string, cause?: unknown): void {
    this.#ports.log.warn("subscriber not told", {}, cause);
    this.#debts.owe(user, this.#ports.clock.now() + FIRST_RETRY_MS);
    this.#rules.due();
  }

  async #payDebt(user: string): Promise<void> {
    this.#paid.set(user, await this.#deliver(user, new Pending(), () => true));
  }

  /** What was said while the debt was paid has not been sent: it takes another word. */
  #settle(user: string): void {
    const told = this.#paid.get(user);
    this.#paid.delete(user);
    this.#debts.settle(user);
    this.outbox.forget(user);
    if (told === undefined) return;
    if (told.prev !== this.#source.top() || told.roster !== this.#source.roster()) this.announce([user]);
  }
}
