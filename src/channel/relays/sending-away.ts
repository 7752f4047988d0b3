import { FIRST_RETRY_MS, Outbox, STILL_OWED } from "../../objects/outbox.ts";
import type { Background, Clock, Log, Objects, Sql } from "../../objects/ports.ts";
import type { RelayReport } from "../../objects/relaying.ts";
import { CLOSE } from "../../protocol/close-codes.ts";
import { type RelayDebt, RelayDebtTable } from "./relay-debt-table.ts";

interface SendingAwayRules {
  done(debt: RelayDebt, report: RelayReport | undefined): void;
  removedIn(user: string): number;
}

/**
 * Users who have to leave, and channels that were deleted, told to relays: a debt each, until the relay has done it
 * and said whom it keeps now. Until then who is owed there counts in no roster.
 */
export class SendingAway {
  readonly outbox: Outbox<RelayDebt>;
  readonly #clock: Clock;
  readonly #objects: Objects;
  readonly #debts: RelayDebtTable;
  readonly #removedIn: (user: string) => number;
  /** Owed since the last call began: what that brings is not the whole answer. A crash makes the call again. */
  readonly #again = new Set<string>();
  readonly #reports = new Map<string, RelayReport>();

  /**
   * `done`: the relay keeps these and nobody else; `user` is null where everybody had to go. `removedIn` is the second
   * in which a user was sent away last: whoever has a later token is back.
   */
  constructor(
    ports: { clock: Clock; background: Background; objects: Objects; log: Log; sql: Sql },
    { done, removedIn }: SendingAwayRules,
  ) {
    this.#removedIn = removedIn;
    this.#clock = ports.clock;
    this.#objects = ports.objects;
    this.#debts = new RelayDebtTable(ports.sql);
    this.outbox = new Outbox(
      ports,
      this.#debts,
      (debt) => this.#pay(debt),
      (id) => {
        const debt = this.#debts.settle(id);
        const report = this.#reports.get(id);
        this.#reports.delete(id);
        this.outbox.forget(id); // the same may become a debt again
        if (debt !== undefined) done(debt, report);
      },
      "relay debts",
    );
  }

  /** Whether this user, or everybody, is being sent away from this relay. */
  isUnderWay(relay: string, user: string): boolean {
    return this.#debts.isSentAway(relay, user);
  }

  owe(relay: string, user: string | null): void {
    const id = this.#debts.owe(relay, user, this.#clock.now() + FIRST_RETRY_MS);
    this.#again.add(id);
    this.outbox.forget(id);
  }

  async #pay({ id, relay, user }: RelayDebt): Promise<unknown> {
    this.#again.delete(id);
    const port = this.#objects.relay(relay);
    if (user === null) await port.dissolve(CLOSE.tryAgain);
    else await port.remove(user, this.#removedIn(user));
    const report = await this.#objects.relay(relay).report();
    if (this.#again.has(id)) return STILL_OWED;
    this.#reports.set(id, report);
    return undefined;
  }
}
