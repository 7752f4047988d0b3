import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { expect, test } from "vitest";

const ROOT = new URL("../..", import.meta.url).pathname;
const SRC = join(ROOT, "src");

const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))
  .map((name) => ({ name, text: readFileSync(join(SRC, name), "utf8") }));

/** The room of a file: its folder, or its own name at the top of src. */
const roomOf = (name: string) => (name.includes("/") ? dirname(name) : name);

/** What each room may import besides itself. Imports fall one way: from the top of this list downwards. */
const MAY_IMPORT: Record<string, string[]> = {
  "worker.ts": ["http", "maintenance", "user", "channel", "relay", "directory", "events"],
  http: ["maintenance", "auth", "events", "objects", "protocol", "config.ts"],
  maintenance: ["objects", "protocol", "config.ts"],
  reference: ["reference/page", "protocol", "config.ts"],
  "reference/page": ["reference"],
  user: [
    "user/watching",
    "user/subscriptions",
    "user/inbox",
    "user/presence",
    "connections",
    "events",
    "objects",
    "auth",
    "protocol",
    "config.ts",
  ],
  "user/watching": ["user/presence", "connections", "objects", "auth", "protocol", "config.ts"],
  "user/subscriptions": ["user/presence", "connections", "objects", "auth", "protocol", "config.ts"],
  "user/inbox": ["user/presence", "connections", "objects", "auth", "protocol", "config.ts"],
  "user/presence": ["connections", "objects", "protocol", "config.ts"],
  channel: [
    "channel/relays",
    "channel/subscribers",
    "channel/roster",
    "channel/log",
    "connections/kept",
    "connections",
    "events",
    "objects",
    "auth",
    "protocol",
    "config.ts",
  ],
  "channel/relays": [
    "channel/subscribers",
    "channel/roster",
    "channel/log",
    "connections/kept",
    "objects",
    "protocol",
    "config.ts",
  ],
  "channel/subscribers": [
    "channel/roster",
    "channel/log",
    "connections/kept",
    "objects",
    "protocol",
    "config.ts",
  ],
  "channel/roster": ["connections/kept", "events", "objects", "protocol", "config.ts"],
  "channel/log": ["connections/kept", "connections", "events", "objects", "protocol", "config.ts"],
  relay: ["connections/kept", "connections", "objects", "auth", "protocol", "config.ts"],
  directory: ["objects", "protocol", "config.ts"],
  "connections/kept": ["connections", "objects", "auth", "protocol", "config.ts"],
  connections: ["objects", "protocol", "config.ts"],
  events: ["objects", "protocol", "config.ts"],
  objects: ["protocol", "config.ts"],
  auth: ["protocol", "config.ts"],
  "config.ts": ["protocol"],
  console: ["client"],
  react: ["client"],
  client: ["protocol"],
  server: ["protocol"],
  package: ["protocol"],
  protocol: [],
};

function importsOf({ name, text }: { name: string; text: string }): string[] {
  return [...text.matchAll(/from "([^"]+)"/g)].map(([, path = ""]) =>
    path.startsWith(".") ? relative(SRC, join(SRC, dirname(name), path)) : path,
  );
}

test("[AR1] imports fall one way, and the kinds of object meet through ports only", () => {
  const wrong: string[] = [];
  for (const file of files) {
    const room = roomOf(file.name);
    for (const path of importsOf(file).filter((target) => target.endsWith(".ts"))) {
      const target = roomOf(path);
      if (target !== room && !(MAY_IMPORT[room] ?? []).includes(target))
        wrong.push(`${file.name} imports ${path}`);
    }
  }
  expect(wrong).toEqual([]);
});

test("[AR2] protocol imports zod and nothing of ours, the SDKs for pages and back ends no package at all, hooks only React", () => {
  const packages = (room: string) =>
    files
      .filter(({ name }) => roomOf(name) === room)
      .flatMap((file) => importsOf(file).filter((path) => !path.endsWith(".ts")));
  expect([...new Set(packages("protocol"))]).toEqual(["zod"]);
  expect([...new Set([...packages("client"), ...packages("server")])]).toEqual([]);
  expect([...new Set(packages("react"))]).toEqual(["react"]);
});

test("[AR8] hooks use the SDK by its public face alone", () => {
  const hooks = files.filter(({ name }) => roomOf(name) === "react");
  const used = hooks.flatMap(importsOf).filter((path) => path.startsWith("client/"));
  expect([...new Set(used)]).toEqual(["client/index.ts"]);
});

test("[AR3] only object shells see the platform's object state", () => {
  const seeing = files
    .filter(({ text }) => /DurableObjectState|cloudflare:workers/.test(text))
    .map(({ name }) => name);
  expect(seeing.filter((name) => !name.endsWith("-object.ts"))).toEqual([]);
});

test("[AR4] SQL stands in table files and migrations only", () => {
  const speaking = files.filter(({ text }) =>
    /\b(SELECT|INSERT INTO|CREATE TABLE|DELETE FROM|UPDATE \w+ SET)\b/.test(text),
  );
  const elsewhere = speaking.map(({ name }) => name).filter((name) => !/(-table|migrations)\.ts$/.test(name));
  expect(elsewhere).toEqual([]);
});

test("[AR5] no file is longer than 350 lines, and none is a drawer for everything", () => {
  expect(files.filter(({ text }) => text.split("\n").length > 351).map(({ name }) => name)).toEqual([]);
  expect(
    files
      .map(({ name }) => name)
      .filter((name) => /(^|\/)(utils?|helpers?|common|types)(\.ts|\/)/.test(name)),
  ).toEqual([]);
});

test("[AR6] rules take their time and their chance from ports", () => {
  const rules = files.filter(
    ({ name }) =>
      /^(user|channel|relay|directory|connections|objects)\//.test(name) && !name.endsWith("-object.ts"),
  );
  const reaching = rules.filter(({ text }) => /Date\.now\(|Math\.random\(|crypto\.|setTimeout\(/.test(text));
  expect(reaching.map(({ name }) => name)).toEqual([]);
});

test("[AR7] the top level holds what a newcomer expects", () => {
  const known =
    /^(package(-lock)?\.json|tsconfig\.json|wrangler\.toml|biome\.json|vitest\.config\.ts|src|test|docs|dist|node_modules|README\.md|CHANGELOG\.md|LICENSE|\..+)$/;
  expect(readdirSync(ROOT).filter((name) => !known.test(name))).toEqual([]);
});
