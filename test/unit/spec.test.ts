import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;
const read = (path: string) => readFileSync(join(ROOT, path), "utf8");
const idsIn = (text: string, pattern: RegExp) => [...text.matchAll(pattern)].map(([, id = ""]) => id);

const rules = idsIn(read("docs/SPEC.md"), /^- \*\*([A-Z]{2,3}\d+)\*\* /gm);
const faults = idsIn(read("docs/faults.md"), /^\| ([A-Z]\d+) \|/gm);

/** The ids that open the names of tests, and of contract suites that several test files run. */
const tested = new Set(
  readdirSync(join(ROOT, "test"), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".test.ts") || name.endsWith("-contract.ts"))
    .flatMap((name) => idsIn(read(`test/${name}`), /\[([A-Z]{1,3}\d+)\]/g)),
);

test("[SP1] every rule of SPEC.md and every fault of faults.md has a test of its id", () => {
  expect([...rules, ...faults].filter((id) => !tested.has(id))).toEqual([]);
});

test("[SP2] every id that opens a test's name is a rule of SPEC.md or a fault of faults.md", () => {
  const known = new Set([...rules, ...faults]);
  expect([...tested].filter((id) => !known.has(id)).sort()).toEqual([]);
});

test("[SP3] no id stands for two rules", () => {
  const all = [...rules, ...faults];
  expect(all.filter((id, i) => all.indexOf(id) !== i)).toEqual([]);
});
