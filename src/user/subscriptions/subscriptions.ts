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
  /** By row, since when its debt is known, where it does not say when that is due: the first retry's time. */
  readonly #knownSince = new Map<string, { id: string; since: number }>();
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

  /** Of what a channel says is subscribed, with the orders that it knows: the sessions that are not, as far as that goes. */
  goneOf(channel: string, sessions: Readonly<Record<string, number>>): string[] {
    return Object.entries(sessions).flatMap(([session, order]) => {
      const known = this.find(session, channel);
      return known === undefined || known.order < order ? session : [];
    });
  }

  /** Whether the channel has yet to hear of it, alive or over. */
  isKnown(session: string, channel: string): boolean {
    return this.#rows.has(keyOf({ session, channel }));
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

  /** It is over, whatever was said of it since it began, and the channel has to be told: a debt from now on. */
  end(subscription: Subscription, reason: EndReason): void {
    const row = this.#newest(subscription);
    if (row !== undefined) this.#write({ ...row, owes: reason, tries: 0, dueAt: null });
  }

  /** The client of this session has another device: every channel that it is not `leaving` has to be told. */
  deviceChanged(session: string, isLeaving: (subscription: Subscription) => boolean): void {
    for (const row of this.live()) {
      if (row.session !== session || isLeaving(row)) continue;
      this.#write({ ...row, order: this.#nextOrder(), owes: "device", tries: 0, dueAt: null });
    }
  }

  /** It is over, and the channel knows; or never knew of it. */
  delete(subscription: Subscription): void {
    if (this.#newest(subscription) === undefined) return;
    this.#table.delete(subscription);
    this.#rows.delete(keyOf(subscription));
    this.#knownSince.delete(keyOf(subscription));
  }

  owed(): SubscriptionDebt[] {
    const debts: SubscriptionDebt[] = [];
    for (const row of this.#rows.values()) {
      const owes = this.#owedOf(row);
      if (owes === null) continue;
      const id = idOf(row, owes);
      // The tries of a device that nobody has any more are not those of the word that it is over.
      const { tries, dueAt } = owes === "device" || row.owes !== "device" ? row : { tries: 0, dueAt: null };
      debts.push({ id, subscription: row, owes, tries, dueAt: dueAt ?? this.#firstRetryAt(row, id) });
    }
    return debts;
  }

  owes(id: string): boolean {
    return this.#byId(id) !== undefined;
  }

  postpone(id: string, tries: number, dueAt: number): void {
    const row = this.#byId(id);
    if (row !== undefined) this.#write({ ...row, owes: this.#owedOf(row), tries, dueAt });
  }

  /** The channel knows: the device, or that it is over. */
  settle(id: string): void {
    const row = this.#byId(id);
    if (row === undefined) return;
    if (this.#owedOf(row) === "device") this.#write({ ...row, owes: null, tries: 0, dueAt: null });
    else this.delete(row);
  }

  #isOn({ session, owes }: Subscription): boolean {
    return (owes === null || owes === "device") && this.#isLive(session);
  }

  /** Of an ended session nothing is owed but that it is over. */
  #owedOf({ session, owes }: Subscription): Subscription["owes"] {
    return (owes === null || owes === "device") && !this.#isLive(session) ? "closed" : owes;
  }

  /** The same subscription, with what was said of it since: another one in its place has begun later. */
  #newest(subscription: Subscription): Subscription | undefined {
    const row = this.#rows.get(keyOf(subscription));
    return row?.begun === subscription.begun ? row : undefined;
  }

  /** Where this is still what is owed. */
  #byId(id: string): Subscription | undefined {
    const [session = "", channel = ""] = id.split(" ");
    const row = this.#rows.get(keyOf({ session, channel }));
    const owes = row === undefined ? null : this.#owedOf(row);
    return row !== undefined && owes !== null && idOf(row, owes) === id ? row : undefined;
  }

  #firstRetryAt(row: Subscription, id: string): number {
    const known = this.#knownSince.get(keyOf(row));
    const since = known?.id === id ? known.since : this.#clock.now();
    this.#knownSince.set(keyOf(row), { id, since });
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

/** No name holds a blank. With what is owed: who has heard of the device has not heard that it is over. */
function idOf({ session, channel, order }: Subscription, owes: "device" | EndReason): string {
  return `${session} ${channel} ${order} ${owes === "device" ? "device" : "over"}`;
}
