import type { LetterQuery } from "../protocol/events.ts";

/* What others may ask of the object of one webhook target: its circuit breaker, its dead letters, its figures. */

/** What a consumer may do: send all, send one and see, wait until then (milliseconds), or nothing any more. */
export type Gate = { is: "all" } | { is: "probe" } | { is: "wait"; until: number } | { is: "gone" };

/** What became of deliveries. */
export interface DeliveryReport {
  /** In the order in which they ended: whether the target took it, and how long it needed, in milliseconds. */
  deliveries: { isDelivered: boolean; ms: number }[];
  /** The target said that it is gone. */
  isGone: boolean;
}

/** An event that is given up; `dataJson` is JSON text. */
export interface ParkedLetter {
  id: string;
  type: string;
  at: number;
  attempts: number;
  lastError: string;
  dataJson: string;
  hop?: number;
}

/** A page; `lettersJson` is the JSON text of an array of dead letters. */
export interface LetterPage {
  lettersJson: string;
  cursor?: string;
}

/** What one target has come to. All but the state, `letters` and `oldestLetterAt` only grow. */
export interface WebhookStats {
  state: "closed" | "open" | "half-open" | "disabled";
  delivered: number;
  /** Tries that failed. */
  failed: number;
  /** How often the circuit opened. */
  opened: number;
  /** Events given up; of these sent again by an operator, and pushed out because too many were kept. */
  parked: number;
  redriven: number;
  dropped: number;
  /** Dead letters that are kept. */
  letters: number;
  /** When the oldest of them was given up, in milliseconds; null without any. */
  oldestLetterAt: number | null;
  /** Tries by how long they took: up to `leMs` milliseconds, not those of the bucket before. The last is null: longer. */
  latency: { leMs: number | null; tries: number }[];
  latencySumMs: number;
}

export interface WebhookPort {
  /** Something is to be sent. */
  begin(): Promise<Gate>;
  report(report: DeliveryReport): Promise<void>;
  /** Keeps what is given up. One that is kept already is replaced. */
  park(letters: ParkedLetter[]): Promise<void>;
  letters(query: LetterQuery): Promise<LetterPage>;
  /** Sends it to the queue again, under its old id; false where there is none. A target that was gone counts as back. */
  replay(id: string): Promise<boolean>;
  stats(): Promise<WebhookStats>;
}
