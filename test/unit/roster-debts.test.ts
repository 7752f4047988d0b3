import { expect, test } from "vitest";
import { Database } from "../../src/objects/migrations.ts";
import { RosterDebtTable } from "../../src/user/roster-debt-table.ts";
import { MIGRATIONS } from "../../src/user/schema.ts";
import { Storage } from "../sim/storage.ts";

test("[OB9] what two hundred channels are owed is known at once, the first due first", () => {
  const debts = new RosterDebtTable(new Database(new Storage(), MIGRATIONS));
  for (let i = 200; i >= 1; i--) debts.owe(`c${i}`, 1, i);
  expect(debts.owed().map(({ channel }) => channel)).toEqual(
    Array.from({ length: 200 }, (_, i) => `c${i + 1}`),
  );
});
