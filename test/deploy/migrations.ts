import { isDeepStrictEqual } from "node:util";
import type { Configuration, Migration } from "./configuration.ts";
import { type Finding, fail, orOk, warn } from "./finding.ts";

/**
 * Migrations of the namespaces of objects: what is deployed remembers the last tag, and does only what comes after it.
 * `past` are the lists that earlier commits had, each of which the present one must begin with; undefined where there is no history to ask.
 */
export function migrationFindings(configuration: Configuration, past: Migration[][] | undefined): Finding[] {
  const { migrations } = configuration;
  const findings = [...tags(migrations), ...classes(configuration)];
  if (past?.some((earlier) => !beginsWith(migrations, earlier)) === true) {
    findings.push(
      fail("migrations", "an earlier migration was changed, moved or removed: they are append-only"),
    );
  }
  if (past === undefined)
    findings.push(warn("migrations", "not compared with earlier ones: no git history here"));
  const count = past?.length ?? 0;
  return orOk(findings, "migrations", `each class is made once, append-only over ${count} earlier versions`);
}

function tags(migrations: Migration[]): Finding[] {
  const all = migrations.map(({ tag }) => tag);
  const twice = all.filter((tag, i) => all.indexOf(tag) !== i);
  return twice.map((tag) => fail("migrations", `the tag ${tag} stands twice`));
}

/** Which classes exist after all migrations, and whether these are the ones that are bound. */
function classes({ migrations, durable_objects }: Configuration): Finding[] {
  const findings: Finding[] = [];
  const made = new Set<string>();
  for (const migration of migrations) {
    for (const name of migration.new_classes ?? []) {
      findings.push(fail("migrations", `${name} is in new_classes: only new_sqlite_classes have SQLite`));
    }
    for (const name of [...(migration.new_sqlite_classes ?? []), ...(migration.new_classes ?? [])]) {
      if (made.has(name)) findings.push(fail("migrations", `${name} is made twice`));
      made.add(name);
    }
    for (const { from, to } of migration.renamed_classes ?? []) {
      made.delete(from);
      made.add(to);
    }
    for (const { to } of migration.transferred_classes ?? []) made.add(to);
    for (const name of migration.deleted_classes ?? []) made.delete(name);
  }
  const bound = durable_objects.bindings.filter(({ script_name }) => script_name === undefined);
  for (const { name, class_name } of bound) {
    if (!made.has(class_name))
      findings.push(fail("migrations", `no migration makes ${class_name}, which ${name} is bound to`));
  }
  for (const name of made) {
    if (!bound.some(({ class_name }) => class_name === name))
      findings.push(warn("migrations", `${name} is made and not bound: its objects can't be reached`));
  }
  return findings;
}

function beginsWith(migrations: Migration[], earlier: Migration[]): boolean {
  return isDeepStrictEqual(migrations.slice(0, earlier.length), earlier);
}
