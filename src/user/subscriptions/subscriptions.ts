import { type Debt, FIRST_RETRY_MS, type Ledger } from "../../objects/outbox.ts";
import type { Clock, EndReason, Sql } from "../../objects/ports.ts";
import { type Subscription, SubscriptionTable } from "./subscription-table.ts";

/** What a channel has to be told about a subscription. */
export interface SubscriptionDebt extends Debt {
  subscription: Subscription;
  owes: "device" | EndReason;
}

/**
 * All subscriptions of one user: rows, and the same in memory, because they are asked for with everything that is
 * said. As a ledger it holds what channels have to be told: that one is over, or has another device.
 */
export class Subscriptions implements Ledger<SubscriptionDebt> {
  readonly #table: SubscriptionTable;
  readonly #clock: Clock;
  readonly #isLive: (session: string) => boolean;
  readonly #rows = new Map<string, Subscription>();
  /** Since when each debt is known, where no row says when it is due: that is the first retry's time. */
  readonly #knownSince = new Map<string, number>();
  #lastOrder = 0;

  constructor(sql: Sql, clock: Clock, isLive: (session: string) => boolean) {
    this.#table = new SubscriptionTable(sql);
    this.#clock = clock;
    this.#isLive = isLive;
    for (const row of this.#table.all()) this.#remember(row);
  }

  /** Of one session, if it is not over. */
  find(session: string, channel: string): Subscription | undefined {
    const row = this.#rows.get(keyOf({ session, channel }));
    return row !== undefined && this.#isOn(row) ? row : undefined;
  }

  /** Those that are not over. */
  live(): Subscription[] {
    return [...this.#rows.values()].filter((row) => this.#isOn(row));
  }

  /** Whether any is not over. */
  get areAny(): boolean {
    for (const row of this.#rows.values()) if (this.#isOn(row)) return true;
    return false;
  }

  /** In how many channels, this one counted. */
  channelsWith(channel: string): number {
    return new Set([channel, ...this.live().map((row) => row.channel)]).size;
  }

  /** A session begins to subscribe, or says it anew; the same again writes nothing. */
  put(session: string, channel: string, events: string[] | undefined): Subscription {
    const known = this.find(session, channel);
    if (known !== undefined && JSON.stringify(known.events) === JSON.stringify(events)) return known;
    const slot = known?.slot ?? this.#freeSlot(session);
    const order = this.#nextOrder();
    const begun = known?.begun ?? order;
    const row = { session, channel, slot, order, begun, owes: null, tries: 0, dueAt: null };
    return this.#write(events === undefined ? row : { ...row, events });
  }

  /** It is over, and the channel has to be told: a debt from now on. */
  end(subscription: Subscription, reason: EndReason): void {
    if (this.#isKnown(subscription)) this.#write({ ...subscription, owes: reason, tries: 0, dueAt: null });
  }

  /** The client of this session has another device: every channel has to be told. */
  deviceChanged(session: string): void {
    for (const row of this.live()) {
      if (row.session !== session) continue;
      this.#write({ ...row, order: this.#nextOrder(), owes: "device", tries: 0, dueAt: null });
    }
  }

  /** It is over, and the channel knows; or never knew of it. */
  delete(subscription: Subscription): void {
    if (!this.#isKnown(subscription)) return;
    this.#table.delete(subscription);
    this.#rows.delete(keyOf(subscription));
    this.#knownSince.delete(idOf(subscription));
  }

  owed(): SubscriptionDebt[] {
    const debts: SubscriptionDebt[] = [];
    for (const row of this.#rows.values()) {
      const owes = this.#isLive(row.session) ? row.owes : this.#whyOver(row);
      if (owes === null) continue;
      debts.push({ id: idOf(row), subscription: row, owes, tries: row.tries, dueAt: this.#dueAt(row) });
    }
    return debts;
  }

  owes(id: string): boolean {
    const row = this.#byId(id);
    return row !== undefined && (row.owes !== null || !this.#isLive(row.session));
  }

  postpone(id: string, tries: number, dueAt: number): void {
    const row = this.#byId(id);
    if (row !== undefined) this.#write({ ...row, tries, dueAt });
  }

  /** The channel knows. */
  settle(id: string): void {
    const row = this.#byId(id);
    if (row === undefined) return;
    if (row.owes === "device" && this.#isLive(row.session)) {
      this.#write({ ...row, owes: null, tries: 0, dueAt: null });
    } else this.delete(row);
  }

  #isOn({ session, owes }: Subscription): boolean {
    return (owes === null || owes === "device") && this.#isLive(session);
  }

  #whyOver({ owes }: Subscription): EndReason {
    return owes === null || owes === "device" ? "closed" : owes;
  }

  #isKnown(subscription: Subscription): boolean {
    return this.#rows.get(keyOf(subscription))?.order === subscription.order;
  }

  #byId(id: string): Subscription | undefined {
    const [session = "", channel = "", order] = id.split(" ");
    const row = this.#rows.get(keyOf({ session, channel }));
    return row?.order === Number(order) ? row : undefined;
  }

  #dueAt(row: Subscription): number {
    if (row.dueAt !== null) return row.dueAt;
    const since = this.#knownSince.get(idOf(row)) ?? this.#clock.now();
    this.#knownSince.set(idOf(row), since);
    return since + FIRST_RETRY_MS;
  }

  #freeSlot(session: string): number {
    const taken = new Set<number>();
    for (const row of this.#rows.values()) if (row.session === session) taken.add(row.slot);
    let slot = 0;
    while (taken.has(slot)) slot++;
    return slot;
  }

  /** Grows, whatever the clock does: the highest in use is in some row. */
  #nextOrder(): number {
    this.#lastOrder = Math.max(this.#clock.now(), this.#lastOrder + 1);
    return this.#lastOrder;
  }

  #write(row: Subscription): Subscription {
    this.#table.write(row);
    this.#remember(row);
    return row;
  }

  #remember(row: Subscription): void {
    this.#rows.set(keyOf(row), row);
    this.#lastOrder = Math.max(this.#lastOrder, row.order);
  }
}

function keyOf({ session, channel }: { session: string; channel: string }): string {
  return `${session} ${channel}`;
}

/** No name holds a blank. */
function idOf({ session, channel, order }: Subscription): string {
  return `${session} ${channel} ${order}`;
}
