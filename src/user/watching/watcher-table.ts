import type { Debt, Ledger } from "../../objects/outbox.ts";
import type { Sql } from "../../objects/ports.ts";

/**
 * Who watches this user: one row a watcher, whatever it may see. `ordered_at` is the highest order of that
 * watcher's calls. `due_at` is set where a notice is owed that failed; the index over it costs nothing else.
 */
export const WATCHER_MIGRATION = [
  `CREATE TABLE watcher (
    watcher TEXT PRIMARY KEY,
    ordered_at INTEGER NOT NULL,
    state TEXT NOT NULL,
    hidden INTEGER NOT NULL,
    tries INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER
  ) STRICT, WITHOUT ROWID`,
  "CREATE INDEX watcher_due ON watcher (due_at) WHERE due_at IS NOT NULL",
];

/** `paused`: asleep when last told, until it watches again. `over`: the user was erased, and it is to be told so. */
type WatcherState = "told" | "paused" | "over";

export interface WatcherRow {
  watcher: string;
  orderedAt: number;
  state: WatcherState;
  /** It has confirmed that it sees a user never seen, and was sent nothing else since. */
  isHidden: boolean;
  /** A notice to it failed, and is tried again. */
  isOwed: boolean;
}

interface Row {
  watcher: string;
  ordered_at: number;
  state: WatcherState;
  hidden: number;
  due_at: number | null;
}

const COLUMNS = "watcher, ordered_at, state, hidden";
const FIND = `SELECT ${COLUMNS}, due_at FROM watcher WHERE watcher = ?`;
const TO_TELL = `SELECT ${COLUMNS}, due_at FROM watcher
  WHERE watcher > ? AND state <> 'paused' ORDER BY watcher LIMIT ?`;
const PAGE = "SELECT watcher FROM watcher WHERE watcher > ? AND state <> 'over' ORDER BY watcher LIMIT ?";
const COUNT = "SELECT count(*) AS watchers FROM watcher";
const NTH = "SELECT watcher FROM watcher ORDER BY watcher LIMIT 1 OFFSET ?";
const SIZE = "SELECT count(*) AS size FROM watcher WHERE state <> 'over'";
const ANY_TOLD = "SELECT watcher FROM watcher WHERE state = 'told' LIMIT 1";
const ANY = "SELECT watcher FROM watcher LIMIT 1";
const REGISTER = `INSERT INTO watcher (${COLUMNS}) VALUES (?, ?, 'told', ?) ON CONFLICT (watcher) DO UPDATE SET
  ordered_at = excluded.ordered_at, state = excluded.state, hidden = excluded.hidden`;
const SHOW = "UPDATE watcher SET hidden = 0 WHERE watcher = ?";
const TOLD = "UPDATE watcher SET state = ?, hidden = ?, tries = 0, due_at = NULL WHERE watcher = ?";
const DELETE = "DELETE FROM watcher WHERE watcher = ?";
const END_ALL = "UPDATE watcher SET state = 'over'";
const OWED = `SELECT watcher AS id, tries, due_at AS dueAt FROM watcher
  WHERE due_at IS NOT NULL ORDER BY due_at LIMIT 100`;
const OWES = "SELECT watcher FROM watcher WHERE watcher = ? AND due_at IS NOT NULL";
const POSTPONE = "UPDATE watcher SET tries = ?, due_at = ? WHERE watcher = ?";
const SETTLE = "UPDATE watcher SET tries = 0, due_at = NULL WHERE watcher = ?";

export class WatcherTable implements Ledger<Debt> {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  find(watcher: string): WatcherRow | undefined {
    return this.#sql.all<Row>(FIND, watcher).map(fromRow)[0];
  }

  /** Those to be told of a change, by name. */
  toTell(after: string, limit: number): WatcherRow[] {
    return this.#sql.all<Row>(TO_TELL, after, limit).map(fromRow);
  }

  page(after: string, limit: number): string[] {
    return this.#sql.all<{ watcher: string }>(PAGE, after, limit).map(({ watcher }) => watcher);
  }

  /** Reads them all. */
  count(): number {
    return this.#sql.all<{ watchers: number }>(COUNT)[0]?.watchers ?? 0;
  }

  /** By name, from 0 on. Reads those before it. */
  nth(index: number): string | undefined {
    return this.#sql.all<{ watcher: string }>(NTH, index)[0]?.watcher;
  }

  /** Whether anybody is told of changes. Reads past those who sleep, so it is asked when something changes only. */
  hasTold(): boolean {
    return this.#sql.all(ANY_TOLD).length > 0;
  }

  /** How many watch. Reads all, unless nothing has changed since it was asked last. */
  size(): number {
    return this.#sql.all<{ size: number }>(SIZE)[0]?.size ?? 0;
  }

  isEmpty(): boolean {
    return this.#sql.all(ANY).length === 0;
  }

  /** It watches as of now. A notice that is owed stays so: the answer to the watcher's call may be lost. */
  register(watcher: string, orderedAt: number, isHidden: boolean): void {
    this.#sql.run(REGISTER, watcher, orderedAt, isHidden ? 1 : 0);
  }

  /** What is sent to it from now on shows the user, whether it arrives or not. */
  show(watcher: string): void {
    this.#sql.run(SHOW, watcher);
  }

  /** It has answered: nothing is owed to it any more. */
  told({ watcher, state, isHidden }: WatcherRow): void {
    this.#sql.run(TOLD, state, isHidden ? 1 : 0, watcher);
  }

  delete(watcher: string): void {
    this.#sql.run(DELETE, watcher);
  }

  /** The user was erased. */
  endAll(): void {
    this.#sql.run(END_ALL);
  }

  owed(): Debt[] {
    return this.#sql.all<Debt>(OWED);
  }

  owes(watcher: string): boolean {
    return this.#sql.all(OWES, watcher).length > 0;
  }

  postpone(watcher: string, tries: number, dueAt: number): void {
    this.#sql.run(POSTPONE, tries, dueAt, watcher);
  }

  settle(watcher: string): void {
    this.#sql.run(SETTLE, watcher);
  }
}

function fromRow(row: Row): WatcherRow {
  const { watcher, state } = row;
  const isOwed = row.due_at !== null;
  return { watcher, orderedAt: row.ordered_at, state, isHidden: row.hidden === 1, isOwed };
}
