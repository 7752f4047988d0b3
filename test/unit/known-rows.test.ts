import { expect, test } from "vitest";
import { Database } from "../../src/objects/migrations.ts";
import { Storage } from "../sim/storage.ts";

const MIGRATIONS = [["CREATE TABLE a (n INTEGER) STRICT", "CREATE TABLE b (n INTEGER) STRICT"]];

/** A database, and whether a query reached the storage below it. */
function asked() {
  const storage = new Storage();
  let queries = 0;
  const database = new Database(
    {
      all: (query, ...values) => {
        queries += 1;
        return storage.all(query, ...values);
      },
      run: (query, ...values) => storage.run(query, ...values),
      transaction: (work) => storage.transaction(work),
    },
    MIGRATIONS,
  );
  const read = (query: string, ...values: number[]) => {
    queries = 0;
    const rows = database.all<{ n: number }>(query, ...values).map(({ n }) => n);
    return { rows, isAsked: queries > 0 };
  };
  return { database, read };
}

test("[OB7] what is known of a table is read again only after a write to it, whatever it is", () => {
  const { database, read } = asked();
  database.run("INSERT INTO a (n) VALUES (?)", 1);
  expect(read("SELECT n FROM a")).toEqual({ rows: [1], isAsked: true });
  database.run("INSERT INTO b (n) VALUES (?)", 5);
  expect(read("SELECT n FROM a")).toEqual({ rows: [1], isAsked: false });
  const both = "SELECT a.n + b.n AS n FROM a JOIN b ON a.n < b.n";
  expect(read(both)).toEqual({ rows: [6], isAsked: true });
  for (const [write, rows] of [
    ["UPDATE a SET n = 2", [2]],
    ["INSERT OR REPLACE INTO a (n) VALUES (3)", [2, 3]],
    ["DELETE FROM a WHERE n = 2", [3]],
    ["CREATE INDEX a_by_n ON a (n)", [3]],
  ] as const) {
    database.run(write);
    expect(read("SELECT n FROM a")).toEqual({ rows, isAsked: true });
    expect(read("SELECT n FROM a").isAsked).toBe(false);
  }
  expect(read(both)).toEqual({ rows: [8], isAsked: true });
  expect(read("SELECT n FROM a WHERE n = ?", 3).isAsked).toBe(true);
});

test("[OB7] what was read in a transaction that failed is read again", () => {
  const { database, read } = asked();
  database.run("INSERT INTO a (n) VALUES (?)", 1);
  const fail = () =>
    database.transaction(() => {
      database.run("UPDATE a SET n = 2");
      expect(read("SELECT n FROM a").rows).toEqual([2]);
      throw new Error("as the test asked");
    });
  expect(fail).toThrow("as the test asked");
  expect(read("SELECT n FROM a")).toEqual({ rows: [1], isAsked: true });
});
