import type { Sql } from "../../objects/ports.ts";

/** At most one row: watchers are owed word of a change. It goes when all were told, or have it as a debt of their own. */
export const NOTICE_JOB_MIGRATION = [
  `CREATE TABLE notice_job (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    shown_before INTEGER NOT NULL,
    begun_version INTEGER,
    begun_shown INTEGER,
    cursor TEXT,
    due_at INTEGER NOT NULL
  ) STRICT`,
];

export interface NoticeJob {
  /** The version that others saw when everybody was last told: who sees no higher one now is owed nothing. */
  shownBefore: number;
  /** The pass under way: what was true when it began, and the last watcher that it has told. Null before the first. */
  pass: { version: number; shownVersion: number; cursor: string } | null;
  /** When to take it up again if nobody does before, in milliseconds. */
  dueAt: number;
}

interface Row {
  shown_before: number;
  begun_version: number | null;
  begun_shown: number | null;
  cursor: string | null;
  due_at: number;
}

const READ = "SELECT shown_before, begun_version, begun_shown, cursor, due_at FROM notice_job";
const WRITE = `INSERT INTO notice_job (one, shown_before, begun_version, begun_shown, cursor, due_at)
  VALUES (1, ?, ?, ?, ?, ?) ON CONFLICT (one) DO UPDATE SET shown_before = excluded.shown_before,
    begun_version = excluded.begun_version, begun_shown = excluded.begun_shown, cursor = excluded.cursor,
    due_at = excluded.due_at`;
const DELETE = "DELETE FROM notice_job";

export class NoticeJobTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  read(): NoticeJob | null {
    const row = this.#sql.all<Row>(READ)[0];
    if (row === undefined) return null;
    const { begun_version: version, begun_shown: shownVersion, cursor } = row;
    const pass =
      version === null || shownVersion === null || cursor === null ? null : { version, shownVersion, cursor };
    return { shownBefore: row.shown_before, pass, dueAt: row.due_at };
  }

  write({ shownBefore, pass, dueAt }: NoticeJob): void {
    const { version = null, shownVersion = null, cursor = null } = pass ?? {};
    this.#sql.run(WRITE, shownBefore, version, shownVersion, cursor, dueAt);
  }

  delete(): void {
    this.#sql.run(DELETE);
  }
}
