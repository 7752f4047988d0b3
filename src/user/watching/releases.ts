import { mapAtMost } from "../../objects/at-most.ts";
import { FIRST_RETRY_MS, Outbox } from "../../objects/outbox.ts";
import type { Background, Clock, Log, Sql, UserPort } from "../../objects/ports.ts";
import { type ReleaseDebt, ReleaseTable } from "./release-table.ts";

/** Calls at once. */
const LANES = 100;

/** Tells users that this one watches them no more: a debt until each has confirmed, whoever is slow. */
export class Releases {
  readonly outbox: Outbox<ReleaseDebt>;
  readonly #clock: Clock;
  readonly #table: ReleaseTable;
  readonly #release: (target: string, order: number) => Promise<void>;

  constructor(
    ports: { clock: Clock; background: Background; log: Log; sql: Sql },
    me: string,
    userOf: (user: string) => Pick<UserPort, "unwatchedBy">,
  ) {
    this.#clock = ports.clock;
    this.#table = new ReleaseTable(ports.sql);
    this.#release = (target, order) => userOf(target).unwatchedBy(me, order);
    this.outbox = new Outbox(
      ports,
      this.#table,
      (debt) => this.#pay(debt),
      (id) => {
        this.#table.keep(Number(id), []);
        this.outbox.forget(id);
      },
      "releases",
    );
  }

  /** The highest order that any debt has; 0 where none is. */
  get highestOrder(): number {
    return this.#table.all().at(-1)?.order ?? 0;
  }

  /** Whether this target has yet to hear that it is watched no more. */
  owes(target: string): boolean {
    return this.#table.all().some(({ targets }) => targets.includes(target));
  }

  /** In place of what they are owed already: a later order settles both, and who fails again and again leaves one row. */
  owe(targets: readonly string[], order: number): void {
    if (targets.length === 0) return;
    this.cancel(new Set(targets));
    this.#table.owe(order, targets, this.#clock.now() + FIRST_RETRY_MS);
  }

  /** These are watched again: they are owed no release. One on its way has a lower order, and is late. */
  cancel(targets: ReadonlySet<string>): void {
    for (const { id, order, targets: owed } of this.#table.all()) {
      const left = owed.filter((target) => !targets.has(target));
      if (left.length < owed.length) this.#table.keep(order, left);
      if (left.length === 0) this.outbox.forget(id);
    }
  }

  /** Throws where some are left; these remain owed. */
  async #pay({ id, order, targets }: ReleaseDebt): Promise<void> {
    const confirmed = new Set<string>();
    let cause: unknown;
    await mapAtMost(LANES, targets, async (target) => {
      try {
        await this.#release(target, order);
        confirmed.add(target);
      } catch (failure) {
        cause = failure;
      }
    });
    const owed = this.#table.find(id)?.targets ?? [];
    const left = owed.filter((target) => !confirmed.has(target));
    if (left.length === 0) return;
    if (left.length < owed.length) this.#table.keep(order, left);
    throw new Error(`${left.length} of ${targets.length} did not answer`, { cause });
  }
}
