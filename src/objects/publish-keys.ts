import { type Refusal, refusal } from "../protocol/codes.ts";
import type { Duty } from "./due-times.ts";
import { fingerprint } from "./fingerprint.ts";
import { type KeyRow, KeyTable, type SixParts } from "./key-table.ts";
import type { Clock, PublishRequest, Sql } from "./ports.ts";

/** The contract: a key is remembered for a day. */
const REMEMBERED_MS = 24 * 3_600_000;
/** A day and one part are looked through for a key, so what is over is kept for at most one part more. */
const PART_MS = REMEMBERED_MS / 4;
const MOST_AT_ONCE = 1000;
const PAUSE_MS = 1000;

/** A publish that carries a key. */
export type KeyedRequest = PublishRequest & Required<Pick<PublishRequest, "once">>;

/**
 * Which keys were published under in one channel or to one user, by whom, and with what result: also when the
 * message itself is long gone.
 * To be asked and told in the transaction that stores the message, so that a crash takes both or none.
 */
export class PublishKeys implements Duty {
  readonly name = "keys";
  readonly #table: KeyTable;
  readonly #clock: Clock;
  /** The part of the oldest row, null without any; undefined until it was read. */
  #firstPart: number | null | undefined;
  /** When a sweep that had too much to do goes on. */
  #resumeAt: number | null = null;

  constructor(sql: Sql, clock: Clock) {
    this.#table = new KeyTable(sql);
    this.#clock = clock;
  }

  /** The first result of this key; or that it stands for another body; or undefined where it is new. */
  find(request: KeyedRequest): KeyRow | Refusal | undefined {
    const now = this.#clock.now();
    const { principal, key } = request.once;
    const found = this.#table.find(partsAround(now), principal, key, now - REMEMBERED_MS);
    if (found === undefined || found.body === fingerprint(request)) return found;
    return refusal("idempotency_mismatch", "this key was used with another body");
  }

  remember(request: KeyedRequest, { offset, at }: { offset: number; at: number }): void {
    const row = { ...request.once, offset, at, body: fingerprint(request) };
    this.#table.insert(partOf(at), row);
  }

  /** What was remembered is stored: true where there is something to be done by age since now. */
  stored(): boolean {
    if (typeof this.#firstPart === "number") return false;
    this.#firstPart = undefined;
    return this.nextAt() !== null;
  }

  nextAt(): number | null {
    this.#firstPart ??= this.#table.firstPart() ?? null;
    if (this.#firstPart === null) return null;
    return this.#resumeAt ?? (this.#firstPart + 1) * PART_MS + REMEMBERED_MS;
  }

  run(now: number): void {
    const isDone = this.#table.deleteBefore(partOf(now - REMEMBERED_MS), MOST_AT_ONCE);
    this.#firstPart = undefined;
    this.#resumeAt = isDone ? null : now + PAUSE_MS;
  }

  forget(): void {
    this.#table.clear();
    this.#firstPart = undefined;
    this.#resumeAt = null;
  }
}

function partOf(at: number): number {
  return Math.floor(at / PART_MS);
}

/** The parts of the last day, and the next one: a clock that went back finds what it stored before. */
function partsAround(now: number): SixParts {
  const part = partOf(now);
  return [part + 1, part, part - 1, part - 2, part - 3, part - 4];
}
