import { runInDurableObject } from "cloudflare:test";

/** Longer than the grace of most tests, and than a tick. */
const QUIET_MS = 500;
const MOST_TRIES = 20;

/**
 * Counts what the platform would bill while it is on: rows written by SQL, and one more for each alarm set.
 * Creating the tables of an object that never existed is counted apart: it happens once per name.
 */
export class Meter {
  rows = 0;
  rowsRead = 0;
  schemaRows = 0;
  alarmsSet = 0;
  readonly statements: string[] = [];
  readonly #cursors: { query: string; cursor: SqlStorageCursor<Record<string, SqlStorageValue>> }[] = [];
  readonly #undo: () => void;

  private constructor(undo: () => void) {
    this.#undo = undo;
  }

  /**
   * Any object will do: all share the prototypes that are measured. It begins once nothing is written any more: what
   * the test before has left, a grace or a debt, is not to be counted here.
   */
  static async on(stub: DurableObjectStub): Promise<Meter> {
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const meter = await Meter.#begin(stub);
      await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
      if (meter.off().billed + meter.schemaRows === 0) break;
    }
    return Meter.#begin(stub);
  }

  static async #begin(stub: DurableObjectStub): Promise<Meter> {
    return runInDurableObject(stub, (_, { storage }) => {
      const sqlPrototype = Object.getPrototypeOf(storage.sql) as SqlStorage;
      const storagePrototype = Object.getPrototypeOf(storage) as DurableObjectStorage;
      const { exec } = sqlPrototype;
      const { setAlarm } = storagePrototype;
      const meter = new Meter(() => {
        sqlPrototype.exec = exec;
        storagePrototype.setAlarm = setAlarm;
      });
      sqlPrototype.exec = function (this: SqlStorage, query: string, ...values: unknown[]) {
        const cursor = exec.call(this, query, ...values);
        meter.#cursors.push({ query, cursor });
        return cursor;
      } as typeof exec;
      storagePrototype.setAlarm = function (
        this: DurableObjectStorage,
        ...args: Parameters<typeof setAlarm>
      ) {
        meter.alarmsSet += 1;
        return setAlarm.apply(this, args);
      };
      return meter;
    });
  }

  /** Stops counting and sums up. */
  off(): this {
    this.#undo();
    for (const { query, cursor } of this.#cursors) {
      this.rowsRead += cursor.rowsRead;
      if (cursor.rowsWritten === 0) continue;
      this.statements.push(query.replace(/\s+/g, " ").slice(0, 60));
      if (/^(CREATE|ALTER|INSERT INTO schema|UPDATE schema|INSERT INTO channel)/.test(query))
        this.schemaRows += cursor.rowsWritten;
      else this.rows += cursor.rowsWritten;
    }
    return this;
  }

  get billed(): number {
    return this.rows + this.alarmsSet;
  }
}
