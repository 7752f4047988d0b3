import * as z from "zod";
import type { Sql } from "../../objects/ports.ts";
import { SeenStatus } from "../../protocol/presence.ts";

/**
 * Whom this user watches: one row for each session that watches, and one with the session '' for what the user
 * itself holds, over HTTP. `renewed_at` is of that one: when it was last asked for while nobody was connected.
 */
export const HOLD_MIGRATION = [
  `CREATE TABLE hold (
    session TEXT PRIMARY KEY,
    targets TEXT NOT NULL,
    renewed_at INTEGER
  ) STRICT, WITHOUT ROWID`,
];

/** Held by the user, whatever sessions it has. */
export const BY_USER = "";

const Target = z.object({
  /** The order of the call that registered it there: renewing repeats it, and so writes nothing there. */
  order: z.number(),
  only: z.array(SeenStatus).optional(),
});
export type Target = z.infer<typeof Target>;
/** Pairs, because an object takes no own key `__proto__` from a schema; what was stored as one before is read still. */
const Targets = z.union([
  z.array(z.tuple([z.string(), Target])),
  z.record(z.string(), Target).transform((held) => Object.entries(held)),
]);

export interface Hold {
  session: string;
  targets: ReadonlyMap<string, Target>;
  renewedAt: number | null;
}

interface Row {
  session: string;
  targets: string;
  renewed_at: number | null;
}

const ALL = "SELECT session, targets, renewed_at FROM hold ORDER BY session";
const WRITE = `INSERT INTO hold (session, targets, renewed_at) VALUES (?, ?, ?)
  ON CONFLICT (session) DO UPDATE SET targets = excluded.targets, renewed_at = excluded.renewed_at`;
const DELETE = "DELETE FROM hold WHERE session = ?";

export class HoldTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  all(): Hold[] {
    return this.#sql.all<Row>(ALL).map(({ session, targets, renewed_at: renewedAt }) => {
      return { session, targets: new Map(Targets.parse(JSON.parse(targets))), renewedAt };
    });
  }

  /** A hold of nobody is none. */
  write({ session, targets, renewedAt }: Hold): void {
    if (targets.size === 0) this.#sql.run(DELETE, session);
    else this.#sql.run(WRITE, session, JSON.stringify([...targets]), renewedAt);
  }
}
