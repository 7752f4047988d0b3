import type { Skipped } from "../../src/protocol/bodies.ts";

/** A message as somebody outside knows it: by an acknowledgement, or because it was delivered. */
export interface KnownMessage {
  channel: string;
  epoch?: string;
  offset: number;
  id: string;
  data: unknown;
}

/** What clients were told: the promises that the objects have to keep. */
export class Ledger {
  /** Since the last check. */
  readonly acknowledged: KnownMessage[] = [];
  readonly delivered: KnownMessage[] = [];
  acknowledgedInAll = 0;
  deliveredInAll = 0;
  welcomes = 0;
  /** Welcomes that gave what was missed. */
  recoveries = 0;
  /** Answers to `subscribe`, and what was told where something had been missed. */
  subscriptions = 0;
  renewals = 0;
  /** Welcomes by relays. */
  relayed = 0;
  /** Rosters that a relay showed anew, to one connection each. */
  shownAnew = 0;
  /** Statuses that were said, and answered with the presence that came of it. */
  statuses = 0;
  /** What a connection was told of a user whom it watches, compared with the truth; and over HTTP those. */
  views = 0;
  httpViews = 0;
  /** Closed because their token had ended. */
  expired = 0;
  /** Closed because others began. */
  replaced = 0;

  acknowledge(message: KnownMessage): void {
    this.acknowledged.push(message);
    this.acknowledgedInAll++;
  }

  /** A skipped one says nothing that could be compared. */
  deliver(message: KnownMessage | Skipped): void {
    if ("skipped" in message) return;
    const { channel, offset, id, data } = message;
    this.delivered.push({ channel, offset, id, data });
    this.deliveredInAll++;
  }
}
