import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it, test } from "vitest";
import { bundleFindings, sizeFinding } from "../deploy/bundle.ts";
import { type Configuration, type Migration, readConfiguration } from "../deploy/configuration.ts";
import type { Finding } from "../deploy/finding.ts";
import { migrationFindings } from "../deploy/migrations.ts";
import { objectsIn } from "../deploy/objects.ts";
import { pastMigrations } from "../deploy/past-migrations.ts";
import { platformFindings } from "../deploy/platform.ts";
import { settingFindings } from "../deploy/settings.ts";
import { webhookFindings } from "../deploy/webhook.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const TOML = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "rollcall-check-test-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const SECRETS = { JWT_SECRET: "s".repeat(32), API_KEYS: "shop=a-key-of-the-shop-alone" };
const PUBLIC = {
  JWT_SECRET: "a public secret of development, long enough",
  API_KEYS: "dev=a-public-key-of-development",
};
const ORIGINS = 'ALLOWED_ORIGINS = "https://app.example.com"';

const EXPECTED = { testedDate: "2026-10-23", objects: objectsIn(ROOT) };

/** The wrangler.toml of this repository with its origins set, after these replacements. */
function configured(...changes: (readonly [from: string | RegExp, to: string])[]): Configuration {
  let text = TOML.replace('ALLOWED_ORIGINS = ""', ORIGINS);
  for (const [from, to] of changes) {
    const changed = text.replace(from, to);
    if (changed === text) throw new Error(`nothing to replace: ${from}`);
    text = changed;
  }
  const path = join(folder, `${Math.random()}.toml`);
  writeFileSync(path, text);
  return readConfiguration(path);
}
const withVars = (line: string) => configured([ORIGINS, `${ORIGINS}\n${line}`]);
const lines = (findings: Finding[]) => findings.map(({ verdict, says }) => `${verdict} ${says}`);
const verdicts = (findings: Finding[]) => [...new Set(findings.map(({ verdict }) => verdict))];
const has = (verdict: string, part: string) =>
  expect.arrayContaining([expect.stringMatching(new RegExp(`^${verdict} .*${part}`))]);

it("[DP4] what is right is said to be fine", () => {
  const configuration = configured();
  const all = [
    ...platformFindings(configuration, EXPECTED),
    ...migrationFindings(configuration, [configuration.migrations.slice(0, 1)]),
    ...settingFindings(configuration, SECRETS, PUBLIC),
    ...webhookFindings(configuration, SECRETS),
    ...bundleFindings({ text: "export {}", warnings: [] }, PUBLIC),
  ];
  expect(verdicts(all)).toEqual(["ok"]);
});

describe("the platform", () => {
  const CLASSES = /class_name = "RelayObject"/;
  test.each([
    [
      "a date that nothing was tested on",
      [/compatibility_date = ".*"/, 'compatibility_date = "2026-10-24"'],
      "newer than the runtime",
    ],
    ["a flag that is missing", ['"enable_request_signal", ', ""], "enable_request_signal"],
    ["compression", [', "no_web_socket_compression"', ""], "no_web_socket_compression"],
    ["a kind of object that is not bound", ['name = "RELAY"', 'name = "RELAYS"'], "RELAY is not bound"],
    ["another class", [CLASSES, 'class_name = "UserObject"'], "RELAY must be"],
    [
      "objects of another Worker",
      [CLASSES, 'class_name = "RelayObject"\nscript_name = "other"'],
      "RELAY must be",
    ],
    [
      "a console that is served by itself",
      ["run_worker_first = true", "run_worker_first = false"],
      "run_worker_first",
    ],
    ["a console without its binding", ['binding = "ASSETS"', 'binding = "FILES"'], "ASSETS is not bound"],
  ] as const)("[DP5] %s must be mended", (_, change, says) => {
    expect(lines(platformFindings(configured(change), EXPECTED))).toEqual(has("fail", says));
  });

  it("[DP5] log lines that are kept nowhere are to decide", () => {
    const off = configured([/(\[observability\]\nenabled = )true/, "$1false"]);
    expect(lines(platformFindings(off, EXPECTED))).toEqual(has("warn", "observability"));
  });
});

describe("migrations", () => {
  const V2 = 'tag = "v2"\nnew_sqlite_classes = ["RelayObject"]';
  test.each([
    ["a tag that stands twice", ['tag = "v2"', 'tag = "v1"'], "the tag v1 stands twice"],
    [
      "a class that no migration makes",
      [V2, 'tag = "v2"\nnew_sqlite_classes = []'],
      "no migration makes RelayObject",
    ],
    ["a class that is made twice", [V2, V2.replace("]", ', "UserObject"]')], "UserObject is made twice"],
    [
      "a class that is deleted and bound",
      [V2, `${V2}\n\n[[migrations]]\ntag = "v3"\ndeleted_classes = ["RelayObject"]`],
      "no migration makes RelayObject",
    ],
    [
      "a class without SQLite",
      [V2, V2.replace("new_sqlite_classes", "new_classes")],
      "RelayObject is in new_classes",
    ],
  ] as const)("[DP6] %s must be mended", (_, change, says) => {
    expect(lines(migrationFindings(configured(change), []))).toEqual(has("fail", says));
  });

  it("[DP6] what an earlier version had may not change, move or go", () => {
    const now = configured();
    const [first, second] = now.migrations as [Migration, Migration];
    const past = [
      [second],
      [second, first],
      [first, { ...second, new_sqlite_classes: ["Relay"] }],
      [{ ...first, tag: "v0" }],
      [first, second, { tag: "v3" }],
    ];
    for (const earlier of past)
      expect(lines(migrationFindings(now, [earlier]))).toEqual(has("fail", "append-only"));
    expect(verdicts(migrationFindings(now, [[], [first], [first, second]]))).toEqual(["ok"]);
    expect(lines(migrationFindings(now, undefined))).toEqual(has("warn", "not compared"));
  });

  it("[DP6] earlier versions are those of the repository's own history", () => {
    expect(pastMigrations(folder, "wrangler.toml")).toBeUndefined();
    const past = pastMigrations(ROOT, "wrangler.toml");
    // A clone without history has nothing to compare; one with it begins with the first of all.
    if (past !== undefined) expect(past.map(([first]) => first?.tag)).toContain("v1");
  });
});

describe("settings", () => {
  const found = (configuration: Configuration, secrets: Record<string, string> | "not given" = SECRETS) =>
    lines(settingFindings(configuration, secrets === "not given" ? undefined : secrets, PUBLIC));

  test.each([
    ["the console", 'CONSOLE = "true"', "CONSOLE is on"],
    ["events in the open", 'WEBHOOK_ALLOW_INSECURE = "true"', "WEBHOOK_ALLOW_INSECURE"],
    ["a secret among the vars", `JWT_SECRET = "${"s".repeat(32)}"`, "JWT_SECRET is a secret"],
    ["a key among the vars", 'API_KEYS = "shop=a-key-of-the-shop-alone"', "API_KEYS is a secret"],
    ["a setting that does not exist", 'ALOWED_ORIGINS = "*"', "ALOWED_ORIGINS is no setting"],
    ["a bad value", 'SESSION_TTL_SECONDS = "soon"', "SESSION_TTL_SECONDS"],
    ["a number that is no text", "RATE_BURST = 100", "RATE_BURST"],
  ])("[DP7] %s must be mended", (_, line, says) => {
    expect(found(withVars(line))).toEqual(has("fail", says));
    expect(found(withVars(line), "not given")).toEqual(has("fail", says));
  });

  test.each([
    ["no origin", configured([ORIGINS, 'ALLOWED_ORIGINS = ""']), "ALLOWED_ORIGINS is empty"],
    [
      "all origins",
      configured([ORIGINS, 'ALLOWED_ORIGINS = "https://a.example,*"']),
      "ALLOWED_ORIGINS is \\*",
    ],
    ["tokens in queries", withVars('ALLOW_QUERY_TOKEN = "true"'), "ALLOW_QUERY_TOKEN"],
    ["open grants", configured(['"closed"', '"open"']), "DEFAULT_GRANTS is open"],
  ] as const)("[DP7] %s is to decide", (_, configuration, says) => {
    expect(found(configuration)).toEqual(has("warn", says));
  });

  it("[DP8] secrets are parsed where they are given, and said to be unknown where not", () => {
    expect(found(configured(), { API_KEYS: SECRETS.API_KEYS })).toEqual(has("fail", "JWT_SECRET"));
    expect(found(configured(), { ...SECRETS, JWT_SECRET: "short" })).toEqual(has("fail", "JWT_SECRET"));
    expect(found(configured(), { JWT_SECRET: SECRETS.JWT_SECRET })).toEqual(has("warn", "API_KEYS is empty"));
    expect(settingFindings(configured(), undefined, PUBLIC)).toEqual([
      expect.objectContaining({ verdict: "ok" }),
      expect.objectContaining({
        verdict: "warn",
        about: "secrets",
        says: expect.stringContaining("JWT_SECRET"),
      }),
    ]);
    const keySet = withVars('JWKS_URL = "https://id.example.com/keys"');
    expect(found(keySet, { API_KEYS: SECRETS.API_KEYS })).toEqual(["ok they parse, secrets too"]);
  });

  it("[DP8] what stands in .dev.vars is public, and no line shows a secret", () => {
    const leaked = found(configured(), { ...PUBLIC, TICKET_SECRET: "short-canary" });
    expect(leaked).toEqual(has("fail", "JWT_SECRET is the public one"));
    expect(leaked).toEqual(has("fail", "API_KEYS is the public one"));
    expect(leaked.join()).not.toMatch(/canary|a-public-key|a public secret/);
  });
});

describe("the webhook", () => {
  const SECRET = `whsec_${"a".repeat(32)}`;
  const QUEUES = `
[[queues.producers]]
binding = "EVENT_QUEUE"
queue = "events"
[[queues.consumers]]
queue = "events"
dead_letter_queue = "dead-events"
retry_delay = 900
[[queues.consumers]]
queue = "dead-events"
retry_delay = 900
`;
  const target = (queues = QUEUES, url = "https://hooks.example.com/in") =>
    configured(
      [ORIGINS, `${ORIGINS}\nWEBHOOK_URL = "${url}"`],
      [/(\[\[queues\.\w+\]\]\n(\w.*\n)+\n?)+/, queues],
    );
  const found = (configuration: Configuration, secret?: string) =>
    lines(webhookFindings(configuration, secret === undefined ? {} : { WEBHOOK_SECRET: secret }));

  it("[DP9] is fine when all of it is there, also while its secret changes", () => {
    expect(found(target(), SECRET)).toEqual([expect.stringMatching(/^ok/)]);
    expect(found(target(), `${SECRET} ${SECRET}b`)).toEqual([expect.stringMatching(/^ok/)]);
  });

  test.each([
    ["without a secret", target(), undefined, "WEBHOOK_SECRET"],
    ["with a secret of another kind", target(), "a-password", "whsec_"],
    ["with one bad secret of two", target(), `${SECRET} whsec_short`, "whsec_"],
    ["in the open", target(QUEUES, "http://hooks.example.com"), SECRET, "https"],
    [
      "with a password in its address",
      target(QUEUES, "https://a:b@hooks.example.com"),
      SECRET,
      "credentials",
    ],
    ["at no address", target(QUEUES, "hooks"), SECRET, "no address"],
    ["without a queue", target("\n"), SECRET, "EVENT_QUEUE is not bound"],
    [
      "of whose queue nobody takes",
      target(QUEUES.replace('queue = "events"\ndead', 'queue = "x"\ndead')),
      SECRET,
      "nobody consumes the queue events",
    ],
    [
      "without dead letters",
      target(QUEUES.replace('dead_letter_queue = "dead-events"', "")),
      SECRET,
      "no dead_letter_queue",
    ],
    [
      "whose dead letters nobody takes",
      target(QUEUES.replace(/queue = "dead-events"\nretry_delay = 900\n$/, 'queue = "other"\n')),
      SECRET,
      "dead letters",
    ],
    [
      "without a pause where the consumer fails",
      target(QUEUES.replace("retry_delay = 900\n[[", "[[")),
      SECRET,
      "the queue events has no retry_delay",
    ],
    [
      "with hardly a pause where that of dead letters fails",
      target(QUEUES.replace(/900\n$/, "10\n")),
      SECRET,
      "the queue dead-events has no retry_delay",
    ],
  ] as const)("[DP9] %s it must be mended", (_, configuration, secret, says) => {
    expect(found(configuration, secret)).toEqual(has("fail", says));
  });

  it("[DP9] events without a target are to decide", () => {
    expect(found(withVars('EVENTS = "session.*"'))).toEqual(has("warn", "EVENTS"));
  });
});

it("[DP10] a bundle that is too large, can't be built or holds a public secret must be mended", () => {
  const of = (text: string) => lines(bundleFindings({ text, warnings: [] }, PUBLIC));
  expect(of("export {}")).toEqual(["ok 1 KiB gzipped"]);
  const MIB = 1024 * 1024;
  expect(lines([sizeFinding(3 * MIB)])).toEqual(["ok 3072 KiB gzipped"]);
  expect(lines([sizeFinding(3 * MIB + 1)])).toEqual(has("warn", "free plan"));
  expect(lines([sizeFinding(10 * MIB + 1)])).toEqual(has("fail", "more than any plan"));
  expect(of(`const key = "${PUBLIC.API_KEYS}"`)).toEqual(has("fail", "API_KEYS of .dev.vars"));
  expect(lines(bundleFindings({ failed: "no such file" }, PUBLIC))).toEqual(has("fail", "no such file"));
  expect(lines(bundleFindings({ text: "", warnings: ["odd"] }, PUBLIC))).toEqual(has("warn", "odd"));
});

interface Ran {
  code: number;
  output: string;
}

/** As an operator runs it. */
function run(...args: string[]): Promise<Ran> {
  return new Promise((resolve) => {
    execFile(process.execPath, ["test/deploy/check.ts", ...args], { cwd: ROOT }, (error, stdout, stderr) => {
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr });
    });
  });
}

describe("npm run deploy:check", () => {
  it("[DP4] finds nothing to mend in this repository, and shows no secret", async () => {
    const secrets = join(folder, "secrets.env");
    writeFileSync(secrets, `JWT_SECRET=${SECRETS.JWT_SECRET}\nAPI_KEYS="${SECRETS.API_KEYS}"\n`);
    const { code, output } = await run("--secrets", secrets);
    expect(output).toMatch(/^0 must be mended/m);
    expect(code).toBe(0);
    for (const about of ["platform", "bindings", "migrations", "webhook", "bundle"])
      expect(output).toMatch(new RegExp(`^ok +${about} `, "m"));
    expect(output).not.toContain(SECRETS.JWT_SECRET);
    expect(output).not.toContain("a-key-of-the-shop-alone");
  }, 180_000);

  it("[DP4] ends with 1 where something must be mended, and with 2 where it was not understood", async () => {
    const secrets = join(folder, "bad.env");
    writeFileSync(secrets, "JWT_SECRET=short\n");
    expect(await run("--secrets", secrets)).toMatchObject({
      code: 1,
      output: expect.stringMatching(/^fail +settings +.*JWT_SECRET/m),
    });
    expect(await run("--config", "no-such.toml")).toMatchObject({ code: 1 });
    expect(await run("--secret", secrets)).toMatchObject({
      code: 2,
      output: expect.stringContaining("usage"),
    });
    expect(await run("--secrets", join(folder, "none"))).toMatchObject({ code: 2 });
  }, 180_000);
});

it("[DP12] the staging environment of operations.md passes the check", () => {
  const operations = readFileSync(join(ROOT, "docs/operations.md"), "utf8");
  const [, staging = ""] = /```toml\n(\[env\.staging\][^`]+)```/.exec(operations) ?? [];
  const path = join(folder, "staging.toml");
  writeFileSync(path, `${TOML}\n${staging}`);
  const configuration = readConfiguration(path, "staging");
  expect(configuration).toMatchObject({ name: "rollcall-staging" });
  const all = [
    ...platformFindings(configuration, EXPECTED),
    ...migrationFindings(configuration, []),
    ...settingFindings(configuration, SECRETS, PUBLIC),
    ...webhookFindings(configuration, SECRETS),
  ];
  expect(verdicts(all)).toEqual(["ok"]);
});
