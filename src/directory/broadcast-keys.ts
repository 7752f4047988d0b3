import type { BroadcastRequest, BroadcastTaken } from "../objects/broadcast.ts";
import type { Duty } from "../objects/due-times.ts";
import type { Clock } from "../objects/ports.ts";
import { type Refusal, refusal } from "../protocol/codes.ts";
import type { BroadcastKeyTable } from "./broadcast-key-table.ts";

/** The contract: a key is remembered for a day. */
const REMEMBERED_MS = 24 * 3_600_000;
/** All that are over are forgotten at once, so many an hour cost one alarm. */
const LATE_MS = 3_600_000;

/** What was broadcast under a key, for a day, also when everybody was told long ago. */
export class BroadcastKeys implements Duty {
  readonly name = "broadcast keys";
  readonly #table: BroadcastKeyTable;
  readonly #clock: Clock;

  constructor(table: BroadcastKeyTable, clock: Clock) {
    this.#table = table;
    this.#clock = clock;
  }

  /** The first result; or that the key stands for another body; or undefined where it is new or there is none. */
  find({ id, print }: BroadcastRequest): BroadcastTaken | Refusal | undefined {
    if (print === undefined) return undefined;
    const first = this.#table.find(id, this.#clock.now() - REMEMBERED_MS);
    if (first === undefined || first.print === print) {
      return first && { users: first.users, duplicate: true };
    }
    return refusal("idempotency_mismatch", "this key was used with another body");
  }

  /** In the transaction that accepts it. */
  remember({ id, print }: BroadcastRequest, users: number): void {
    if (print !== undefined) this.#table.write({ id, print, users, at: this.#clock.now() });
  }

  nextAt(): number | null {
    const oldest = this.#table.oldest();
    return oldest === null ? null : oldest + REMEMBERED_MS + LATE_MS;
  }

  run(now: number): void {
    this.#table.deleteUntil(now - REMEMBERED_MS);
  }
}
