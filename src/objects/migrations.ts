import { KnownRows } from "./known-rows.ts";
import type { Sql, SqlValue } from "./ports.ts";

const CREATE_VERSION = "CREATE TABLE schema (version INTEGER NOT NULL) STRICT";
const FIND_VERSION = "SELECT name FROM sqlite_master WHERE type = 'table' AND name = 'schema'";

/**
 * An object's database that comes into being with its first write: reading an object that nobody ever
 * used writes nothing. Migrations are append-only; each is applied once, in order, and never edited.
 */
export class Database implements Sql {
  readonly #sql: Sql;
  readonly #migrations: readonly (readonly string[])[];
  #version: number;
  readonly #known = new KnownRows();

  constructor(sql: Sql, migrations: readonly (readonly string[])[]) {
    this.#sql = sql;
    this.#migrations = migrations;
    this.#version = this.#stored();
    if (this.#version > 0) this.#migrate();
  }

  /** Nothing was ever written. */
  get isBlank(): boolean {
    return this.#version === 0;
  }

  /** Rows, or none where nothing was ever written. */
  all<Row>(query: string, ...values: SqlValue[]): Row[] {
    if (this.#version === 0) return [];
    if (values.length > 0) return this.#sql.all<Row>(query, ...values);
    const known = this.#known.find<Row>(query);
    if (known !== undefined) return known;
    const rows = this.#sql.all<Row>(query);
    this.#known.keep(query, rows);
    return rows;
  }

  run(query: string, ...values: SqlValue[]): void {
    this.#migrate();
    this.#known.written(query);
    this.#sql.run(query, ...values);
  }

  transaction<T>(work: () => T): T {
    this.#migrate();
    try {
      return this.#sql.transaction(work);
    } catch (cause) {
      this.#known.forget(); // what was read meanwhile is undone
      throw cause;
    }
  }

  #stored(): number {
    if (this.#sql.all(FIND_VERSION).length === 0) return 0;
    return this.#sql.all<{ version: number }>("SELECT version FROM schema")[0]?.version ?? 0;
  }

  /** A version newer than ours was written by a newer deploy: its tables still hold what ours read. */
  #migrate(): void {
    if (this.#version >= this.#migrations.length) return;
    this.#sql.transaction(() => {
      if (this.#version === 0) {
        this.#sql.run(CREATE_VERSION);
        this.#sql.run("INSERT INTO schema (version) VALUES (0)");
      }
      for (const migration of this.#migrations.slice(this.#version)) {
        for (const statement of migration) this.#sql.run(statement);
      }
      this.#sql.run("UPDATE schema SET version = ?", this.#migrations.length);
    });
    this.#version = this.#migrations.length;
  }
}
