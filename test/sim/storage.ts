import { DatabaseSync, type StatementSync } from "node:sqlite";
import type { Sql, SqlValue } from "../../src/objects/ports.ts";

/** What workerd refuses in an object, so that nothing passes here that fails there (platform notes, 1.4). */
const REFUSED = /^\s*(BEGIN|SAVEPOINT|RELEASE|COMMIT|END|ROLLBACK|ATTACH|VACUUM|PRAGMA\s+user_version)\b/i;
const READS = /^\s*SELECT\b/i;
const WRITES_TO = /^\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)/i;
const MOST_PARAMETERS = 100;

interface Prepared {
  statement: StatementSync;
  reads: boolean;
  /** Where it writes rows. */
  table: string | undefined;
}

/**
 * One object's database. It outlives every instance. The writes of a turn are one transaction, opened by the
 * first of them, that ends with the turn: committed, or rolled back by a crash.
 */
export class Storage implements Sql {
  /** Opened by the first statement: an object that stores nothing costs nothing. */
  #opened: DatabaseSync | undefined;
  readonly #prepared = new Map<string, Prepared>();
  readonly #controls = new Map<string, StatementSync>();
  #inTurn = false;
  #nested = 0;
  #hasTables = false;
  /** Grows with every turn that wrote. */
  version = 0;
  readonly #tableVersions = new Map<string, number>();
  /** Written to in this turn. */
  readonly #touched = new Set<string>();

  all<Row>(query: string, ...values: SqlValue[]): Row[] {
    const { statement, reads, table } = this.#prepare(query, values);
    if (!reads) this.#open();
    if (table !== undefined) this.#touched.add(table);
    return statement.all(...values) as Row[];
  }

  run(query: string, ...values: SqlValue[]): void {
    const { statement, table } = this.#prepare(query, values);
    this.#open();
    if (table !== undefined) this.#touched.add(table);
    statement.run(...values);
  }

  transaction<T>(work: () => T): T {
    this.#open();
    const savepoint = `nested_${this.#nested++}`;
    this.#control(`SAVEPOINT ${savepoint}`);
    try {
      const result = work();
      if (result instanceof Promise) throw new Error("the work of a transaction must not await");
      return result;
    } catch (cause) {
      this.#control(`ROLLBACK TO ${savepoint}`);
      throw cause;
    } finally {
      this.#control(`RELEASE ${savepoint}`);
      this.#nested--;
    }
  }

  /** Whether the object has written anything: its tables come with its first write. */
  get hasTables(): boolean {
    this.#hasTables ||=
      this.#opened !== undefined &&
      this.#db.prepare("SELECT name FROM sqlite_master WHERE name = 'schema'").all().length > 0;
    return this.#hasTables;
  }

  /** The version after which one of these tables was written to last. */
  versionOf(...tables: string[]): number {
    return Math.max(0, ...tables.map((table) => this.#tableVersions.get(table) ?? 0));
  }

  /** The turn is over and its writes are durable. */
  commit(): void {
    if (!this.#inTurn) return;
    this.#control("COMMIT");
    this.#inTurn = false;
    this.version++;
    for (const table of this.#touched) this.#tableVersions.set(table, this.version);
    this.#touched.clear();
  }

  /** The turn never was. */
  rollback(): void {
    if (this.#inTurn) this.#control("ROLLBACK");
    this.#inTurn = false;
    this.#touched.clear();
  }

  /** Nothing of it is left. Between turns only. */
  lose(): void {
    this.close();
    this.#prepared.clear();
    this.#controls.clear();
    this.#tableVersions.clear();
    this.#hasTables = false;
    this.version++;
  }

  close(): void {
    this.#opened?.close();
    this.#opened = undefined;
  }

  get #db(): DatabaseSync {
    this.#opened ??= new DatabaseSync(":memory:");
    return this.#opened;
  }

  #open(): void {
    if (this.#inTurn) return;
    this.#control("BEGIN");
    this.#inTurn = true;
  }

  #control(statement: string): void {
    const known = this.#controls.get(statement) ?? this.#db.prepare(statement);
    this.#controls.set(statement, known);
    known.run();
  }

  #prepare(query: string, values: SqlValue[]): Prepared {
    if (values.length > MOST_PARAMETERS) throw new Error("too many parameters: at most 100 are bound");
    const known = this.#prepared.get(query);
    if (known !== undefined) return known;
    if (REFUSED.test(query)) throw new Error(`not authorized: ${query}`);
    // SQLite prepares the first statement of a text and silently drops the rest.
    if (query.trim().replace(/;$/, "").includes(";")) throw new Error(`one statement at a time: ${query}`);
    const table = WRITES_TO.exec(query)?.[1];
    const prepared = { statement: this.#db.prepare(query), reads: READS.test(query), table };
    this.#prepared.set(query, prepared);
    return prepared;
  }
}
