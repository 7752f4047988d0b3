import type { Sql } from "../objects/ports.ts";
import type { Breaker } from "./breaker.ts";

/** One row: what is known of the target, and what it has come to. JSON, because nothing asks for a part of it. */
export const WEBHOOK_MIGRATION = [
  `CREATE TABLE webhook (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    state TEXT NOT NULL
  ) STRICT`,
];

/** Figures that only grow, and the state of the circuit. */
export interface WebhookState {
  breaker: Breaker;
  delivered: number;
  failed: number;
  opened: number;
  parked: number;
  redriven: number;
  dropped: number;
  /** Tries by how long they took, by the buckets of `webhook.ts`. */
  latency: number[];
  latencySumMs: number;
}

const READ = "SELECT state FROM webhook WHERE one = 1";
const WRITE = `INSERT INTO webhook (one, state) VALUES (1, ?)
  ON CONFLICT (one) DO UPDATE SET state = excluded.state`;

export class WebhookTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** What it was when it was written; a field that it does not have is one of a newer version. */
  read(): Partial<WebhookState> {
    const state = this.#sql.all<{ state: string }>(READ)[0]?.state;
    return state === undefined ? {} : (JSON.parse(state) as Partial<WebhookState>);
  }

  write(state: WebhookState): void {
    this.#sql.run(WRITE, JSON.stringify(state));
  }
}
