import type { Duty } from "../../objects/due-times.ts";
import { Lanes } from "../../objects/lanes.ts";
import { type Debt, FIRST_RETRY_MS, Outbox } from "../../objects/outbox.ts";
import type { Background, Clock, Log } from "../../objects/ports.ts";
import type { Said } from "../../objects/subscribing.ts";
import { Pending, type Told } from "./pending.ts";
import type { PushDebtTable } from "./push-debt-table.ts";

/** Calls at once: one that hangs holds up no more than its lane. */
const LANES = 50;
/** The contract: what a crash cut off is heard within 5 s. So long after something was said an alarm looks after it. */
export const LOOK_AFTER_MS = 5_000;
/** Who has not answered by then is told again by its debt. */
const PATIENCE_MS = 10_000;

/** The channel, as far as telling of it goes. */
export interface Source {
  channel: string;
  epoch(): string | null;
  top(): number;
  roster(): string;
  /** A change of the roster is told in a moment. */
  isTelling(): boolean;
}

/** Those who hear of the channel by calls to objects of their own: subscribed users, or its relays. */
export interface Targets {
  isEmpty(): boolean;
  has(target: string): boolean;
  /** Whom to call: all but who is left out, and but for those to whom another one carries it. */
  heads(isLeftOut: (target: string) => boolean): Iterable<string>;
  /** To whom this one carries it, as it was last asked for. */
  rest(head: string): readonly string[];
  /** Tells one of them, and through it the rest. Returns those that were not told. */
  call(
    head: string,
    rest: readonly string[],
    told: Told,
    isAwaited: () => boolean,
  ): Promise<readonly string[]>;
}

/**
 * Tells those who hear of the channel elsewhere what is said here: one call at a time to each, and what comes
 * meanwhile leaves with the next. A call that fails leaves one row for each whom it was to reach, and them alone
 * until the retry, which says only where the channel stands: who has missed something reads it from the log.
 * Nothing else is durable. A crash may take what was not sent, so whatever is said sets an alarm, one in five
 * seconds, and whoever wakes soon after something was said tells everybody where the channel stands.
 */
export class Forwarding implements Duty {
  readonly name: string;
  readonly outbox: Outbox<Debt>;
  readonly #ports: { clock: Clock; background: Background; log: Log };
  readonly #source: Source;
  readonly #targets: Targets;
  readonly #due: () => void;
  readonly #debts: PushDebtTable;
  readonly #lanes: Lanes<Pending>;
  /** To whom each that is being called carries it. */
  readonly #called = new Map<string, readonly string[]>();
  /** What was told by paying a debt. */
  readonly #paid = new Map<string, Told | undefined>();
  /** The last number of each target. Together they would run ahead of the clock, and a restart begins with it. */
  readonly #numbers = new Map<string, number>();
  #lookAt: number | null = null;
  #hasSpoken = false;

  /** `due` is called when there is something to look after since now. */
  constructor(
    name: string,
    ports: { clock: Clock; background: Background; log: Log },
    of: { source: Source; targets: Targets; debts: PushDebtTable },
    due: () => void,
  ) {
    this.name = name;
    this.#ports = ports;
    this.#source = of.source;
    this.#targets = of.targets;
    this.#debts = of.debts;
    this.#due = due;
    this.#lanes = new Lanes(ports, LANES, {
      load: () => new Pending(),
      call: (head, pending, isAwaited) => {
        const rest = this.#targets.rest(head);
        this.#called.set(head, rest);
        return this.#deliver(head, rest, pending, isAwaited);
      },
      failed: (head, cause) => this.#fail([head, ...(this.#called.get(head) ?? [])], cause),
    });
    this.outbox = new Outbox(
      ports,
      this.#debts,
      ({ id }) => this.#payDebt(id),
      (target) => this.#settle(target),
      `${name} debts`,
    );
  }

  /** Whether anything was told since it woke: then whoever missed something finds out. */
  get hasSpoken(): boolean {
    return this.#hasSpoken;
  }

  /** Whether anybody is there to be told. */
  get hasTargets(): boolean {
    return !this.#targets.isEmpty();
  }

  /** What one target is told is numbered: the next has this or a higher one. */
  nextNumber(target: string): number {
    return this.#numberFor([target]);
  }

  /** Something is told in a moment: a crash before it is looked after too. */
  expect(): void {
    if (!this.#targets.isEmpty()) this.#armLook();
  }

  /** To everybody, in the order of these calls. */
  tell(said: Said, rosterBefore?: string): void {
    if (this.#targets.isEmpty()) return;
    for (const head of this.#heads()) this.#lanes.of(head).add(said, rosterBefore);
    if (said.is !== "signal") this.#lookAfter();
    this.#lanes.go();
  }

  /** Where the channel stands, to one or to all: to be asked whether they miss something, and whether they are there. */
  announce(targets?: Iterable<string>): void {
    for (const target of targets ?? this.#heads()) if (!this.#debts.owes(target)) this.#lanes.of(target);
    this.#lookAfter();
    this.#lanes.go();
  }

  /** Nobody is there to be told any more. */
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

  /** Of who is there no more, and the clock has passed the number: whatever comes next has a higher one. */
  #forgetNumbers(now: number): void {
    for (const [target, number] of this.#numbers) {
      if (number < now && !this.#targets.has(target)) this.#numbers.delete(target);
    }
  }

  #heads(): Iterable<string> {
    return this.#targets.heads((target) => this.#debts.owes(target));
  }

  #numberFor(targets: readonly string[]): number {
    let number = this.#ports.clock.now();
    for (const target of targets) number = Math.max(number, (this.#numbers.get(target) ?? 0) + 1);
    for (const target of targets) this.#numbers.set(target, number);
    return number;
  }

  #lookAfter(): void {
    this.#hasSpoken = true;
    this.#armLook();
  }

  #armLook(): void {
    if (this.#lookAt !== null) return;
    this.#lookAt = this.#ports.clock.now() + LOOK_AFTER_MS;
    this.#due();
  }

  async #deliver(
    head: string,
    rest: readonly string[],
    pending: Pending,
    isAwaited: () => boolean,
  ): Promise<Told | undefined> {
    if (!this.#targets.has(head)) return undefined;
    const told = pending.told({
      channel: this.#source.channel,
      number: this.#numberFor([head, ...rest]),
      epoch: this.#source.epoch() ?? "",
      roster: this.#source.roster(),
      top: this.#source.top(),
    });
    const failed = await this.#targets.call(head, rest, told, isAwaited);
    if (failed.length > 0) this.#fail(failed);
    return told;
  }

  #fail(targets: readonly string[], cause?: unknown): void {
    this.#ports.log.warn(`${this.name} not told`, { targets: targets.length }, cause);
    for (const target of targets) this.#debts.owe(target, this.#ports.clock.now() + FIRST_RETRY_MS);
    this.#due();
  }

  async #payDebt(target: string): Promise<void> {
    this.#paid.set(target, await this.#deliver(target, [], new Pending(), () => true));
  }

  /** What was said while the debt was paid has not been sent: it takes another word. */
  #settle(target: string): void {
    const told = this.#paid.get(target);
    this.#paid.delete(target);
    this.#debts.settle(target);
    this.outbox.forget(target);
    if (told === undefined) return;
    if (told.prev !== this.#source.top() || told.roster !== this.#source.roster()) this.announce([target]);
  }
}
