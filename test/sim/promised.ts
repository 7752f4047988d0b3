import type { Broadcasts } from "./broadcasts.ts";
import type { Ledger } from "./ledger.ts";
import type { Mail } from "./mail.ts";
import type { Orders } from "./orders.ts";
import type { PresenceTruth } from "./presence-truth.ts";
import type { TicketUses } from "./ticket-uses.ts";

/** What all clients of a run know together: what they were told, and what was ordered about them. */
export interface Promised {
  readonly ledger: Ledger;
  readonly orders: Orders;
  readonly tickets: TicketUses;
  readonly truth: PresenceTruth;
  readonly broadcasts: Broadcasts;
  readonly mail: Mail;
}
