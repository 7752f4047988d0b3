import type { Sql } from "../../objects/ports.ts";
import type { RelayMember } from "../../objects/relaying.ts";
import type { SeenStatus } from "../../protocol/presence.ts";

/**
 * Who is connected to the relays of this channel, as each has reported: a row for each relay and user. A relay with
 * nobody has no row, and with that the channel knows it no more. `number` is that of the report that wrote the
 * row, and `digest` stands for what it said.
 */
export const RELAY_MEMBER_MIGRATION = [
  `CREATE TABLE relay_member (
    relay TEXT NOT NULL,
    user TEXT NOT NULL,
    number INTEGER NOT NULL,
    digest INTEGER NOT NULL,
    live INTEGER NOT NULL,
    types TEXT NOT NULL,
    info TEXT,
    joined_at INTEGER NOT NULL,
    ended_at INTEGER,
    regions TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT,
    is_hidden INTEGER NOT NULL,
    PRIMARY KEY (relay, user)
  ) STRICT, WITHOUT ROWID`,
];

/** One user at one relay. */
export interface RelayMemberRow extends RelayMember {
  relay: string;
  /** Of the report that said so. */
  number: number;
  digest: number;
}

interface Row {
  relay: string;
  user: string;
  number: number;
  digest: number;
  live: number;
  types: string;
  info: string | null;
  joined_at: number;
  ended_at: number | null;
  regions: string;
  version: number;
  status: SeenStatus | null;
  is_hidden: number;
}

const ROWS_AT_ONCE = 1000;
const COLUMNS =
  "relay, user, number, digest, live, types, info, joined_at, ended_at, regions, version, status, is_hidden";
const PAGE = `SELECT ${COLUMNS} FROM relay_member WHERE (relay, user) > (?, ?) ORDER BY relay, user LIMIT ?`;
const WRITE = `INSERT OR REPLACE INTO relay_member (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`;
const DELETE = "DELETE FROM relay_member WHERE relay = ? AND user = ?";
const CLEAR = "DELETE FROM relay_member";

export class RelayMemberTable {
  readonly #sql: Sql;

  constructor(sql: Sql) {
    this.#sql = sql;
  }

  /** Read once, on wake-up, some at a time: there may be a hundred thousand, and what comes of each is smaller. */
  *all(): Generator<RelayMemberRow> {
    let last: { relay: string; user: string } | undefined = { relay: "", user: "" };
    while (last !== undefined) {
      const rows: Row[] = this.#sql.all<Row>(PAGE, last.relay, last.user, ROWS_AT_ONCE);
      for (const row of rows) yield fromRow(row);
      last = rows.length < ROWS_AT_ONCE ? undefined : rows.at(-1);
    }
  }

  write({
    relay,
    user,
    number,
    digest,
    live,
    types,
    info,
    joinedAt,
    endedAt,
    regions,
    state,
  }: RelayMemberRow): void {
    const infoJson = info === undefined ? null : JSON.stringify(info);
    const said = [live, types.join(), infoJson, joinedAt, endedAt, regions.join()] as const;
    const { version, status, isHidden } = state;
    this.#sql.run(WRITE, relay, user, number, digest, ...said, version, status ?? null, isHidden ? 1 : 0);
  }

  delete(relay: string, user: string): void {
    this.#sql.run(DELETE, relay, user);
  }

  clear(): void {
    this.#sql.run(CLEAR);
  }
}

function fromRow(row: Row): RelayMemberRow {
  const { relay, user, number, digest, live, version, status } = row;
  return {
    relay,
    user,
    number,
    digest,
    live,
    types: listIn(row.types) as RelayMember["types"],
    ...(row.info !== null && { info: JSON.parse(row.info) }),
    joinedAt: row.joined_at,
    endedAt: row.ended_at,
    regions: listIn(row.regions),
    state: { version, ...(status !== null && { status }), isHidden: row.is_hidden === 1 },
  };
}

function listIn(text: string): string[] {
  return text === "" ? [] : text.split(",");
}
