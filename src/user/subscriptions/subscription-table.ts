import type { EndReason, Sql } from "../../objects/ports.ts";

/**
 * What the sessions of user connections are subscribed to. A row is written before the channel is asked. A row
 * whose session has ended is the debt to tell the channel so, at no further cost; `owes` is what is owed while it
 * lives: that it is over, and why, or that it has another device.
 */
export const SUBSCRIPTION_MIGRATION = [
  `CREATE TABLE subscription (
    session TEXT NOT NULL,
    channel TEXT NOT NULL,
    slot INTEGER NOT NULL,
    sub_order INTEGER NOT NULL,
    begun INTEGER NOT NULL,
    events TEXT,
    owes TEXT,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    PRIMARY KEY (session, channel)
  ) STRICT, WITHOUT ROWID`,
];

export interface Subscription {
  session: string;
  channel: string;
  /** The lowest that no other subscription of its session has: short, to be kept in an attachment. */
  slot: number;
  /** Of the last word about it. */
  order: number;
  /** Of the word that began it: a channel that ends it may not have heard the later ones. */
  begun: number;
  events?: string[];
  owes: "device" | EndReason | null;
  tries: number;
  /** When to try again; null before the first failure. */
  dueAt: number | null;
}

interface Row {
  session: string;
  channel: string;
  slot: number;
  order: number;
  begun: number;
  events: string | null;
  owes: Subscription["owes"];
  tries: number;
  dueAt: number | null;
}

const ALL = `SELECT session, channel, slot, sub_order AS "order", begun, events, owes, tries, due_at AS dueAt FROM subscription`;
const WRITE = `INSERT INTO subscription (session, channel, slot, sub_order, begun, events, owes, tries, due_at)
  VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (session, channel) DO UPDATE SET slot = excluded.slot,
  sub_order = excluded.sub_order, begun = excluded.begun, events = excluded.events, owes = excluded.owes, tries = excluded.tries, due_at = excluded.due_at`;
const DELETE = "DELETE FROM subscription WHERE session = ? AND channel = ?";

export class SubscriptionTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Read once, on wake-up. */
  all(): Subscription[] {
    return this.#sql.all<Row>(ALL).map(({ events, ...row }) => {
      return events === null ? row : { ...row, events: JSON.parse(events) as string[] };
    });
  }

  write({ session, channel, slot, order, begun, events, owes, tries, dueAt }: Subscription): void {
    const filter = events === undefined ? null : JSON.stringify(events);
    this.#sql.run(WRITE, session, channel, slot, order, begun, filter, owes, tries, dueAt);
  }

  delete({ session, channel }: Subscription): void {
    this.#sql.run(DELETE, session, channel);
  }
}
