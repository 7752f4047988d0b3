/*
 * `npm run deploy:check`: everything about a deployment that can be checked without a network and without an
 * account. Prints a line for each finding; exit code 1 where one must not be deployed, 2 where it was not understood.
 *
 *   --env staging      an environment of wrangler.toml
 *   --secrets FILE     the secrets that will be there, one NAME=value a line; nothing of it is printed
 *   --config FILE      another wrangler.toml
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs, parseEnv } from "node:util";
import { build, bundleFindings } from "./bundle.ts";
import { type Configuration, readConfiguration } from "./configuration.ts";
import { type Finding, fail } from "./finding.ts";
import { migrationFindings } from "./migrations.ts";
import { objectsIn } from "./objects.ts";
import { pastMigrations } from "./past-migrations.ts";
import { platformFindings } from "./platform.ts";
import { settingFindings } from "./settings.ts";
import { webhookFindings } from "./webhook.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const USAGE = "usage: npm run deploy:check -- [--env NAME] [--secrets FILE] [--config FILE]";

const asked = readArguments();
if (asked === undefined) {
  console.error(USAGE);
  process.exit(2);
}
const findings = await check(asked);
for (const { verdict, about, says } of findings)
  console.log(`${verdict.padEnd(5)} ${about.padEnd(11)} ${says}`);
const count = (verdict: Finding["verdict"]) =>
  findings.filter((finding) => finding.verdict === verdict).length;
console.log(`${count("fail")} must be mended, ${count("warn")} to decide, ${count("ok")} fine`);
process.exit(count("fail") > 0 ? 1 : 0);

interface Asked {
  env: string | undefined;
  config: string;
  secrets: Record<string, string> | undefined;
}

async function check({ env, config, secrets }: Asked): Promise<Finding[]> {
  const configuration = read(config, env);
  if ("verdict" in configuration) return [configuration];
  const development = parseEnv(readFileSync(join(ROOT, ".dev.vars"), "utf8")) as Record<string, string>;
  const environment = env === undefined ? [] : ["--env", env];
  return [
    ...platformFindings(configuration, { testedDate: testedDate(), objects: objectsIn(ROOT) }),
    ...migrationFindings(configuration, pastMigrations(ROOT, config)),
    ...settingFindings(configuration, secrets, development),
    ...webhookFindings(configuration, secrets),
    ...bundleFindings(await build(ROOT, ["--config", config, ...environment]), development),
  ];
}

function read(config: string, env: string | undefined): Configuration | Finding {
  try {
    return readConfiguration(join(ROOT, config), env);
  } catch (cause) {
    return fail("config", `${config} can't be read: ${(cause as Error).message.split("\n")[0]}`);
  }
}

/** Releases of the runtime carry their date: 1.20261023.1 is that of 23 October. */
function testedDate(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules/workerd/package.json"), "utf8"));
  return String(version).replace(/^\d+\.(\d{4})(\d\d)(\d\d).*$/, "$1-$2-$3");
}

function readArguments(): Asked | undefined {
  try {
    const { values } = parseArgs({
      options: {
        env: { type: "string" },
        secrets: { type: "string" },
        config: { type: "string", default: "wrangler.toml" },
      },
    });
    const secrets = values.secrets === undefined ? undefined : parseEnv(readFileSync(values.secrets, "utf8"));
    return { env: values.env, config: values.config, secrets: secrets as Asked["secrets"] };
  } catch (cause) {
    console.error((cause as Error).message); // an option that does not exist, or a file
    return undefined;
  }
}
