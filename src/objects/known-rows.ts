const READS_FROM = /\b(?:FROM|JOIN)\s+(\w+)/gi;
const WRITES_TO = /^\s*(?:INSERT(?:\s+OR\s+\w+)?\s+INTO|UPDATE|DELETE\s+FROM)\s+(\w+)/i;

/**
 * What queries without values brought since their tables were last written to: the end of every turn asks the same
 * ones, of tables that most turns don't touch. Whoever asks must not change the rows.
 */
export class KnownRows {
  readonly #known = new Map<string, { tables: ReadonlySet<string>; rows: unknown[] }>();

  find<Row>(query: string): Row[] | undefined {
    return this.#known.get(query)?.rows as Row[] | undefined;
  }

  keep(query: string, rows: unknown[]): void {
    const tables = new Set([...query.matchAll(READS_FROM)].map(([, table = ""]) => table.toLowerCase()));
    this.#known.set(query, { tables, rows });
  }

  /** This statement is about to run: what it may change is known no more. */
  written(statement: string): void {
    const table = WRITES_TO.exec(statement)?.[1]?.toLowerCase();
    if (table === undefined) return this.forget();
    for (const [query, { tables }] of this.#known) if (tables.has(table)) this.#known.delete(query);
  }

  forget(): void {
    this.#known.clear();
  }
}
