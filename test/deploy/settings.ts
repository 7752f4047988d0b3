import { BadSettings, SETTING_NAMES, settingsOf } from "../../src/config.ts";
import type { Configuration } from "./configuration.ts";
import { type Finding, fail, orOk, warn } from "./finding.ts";

/** What `wrangler secret put` is for: in `[vars]` everybody reads it who reads the repository. */
const SECRETS = ["JWT_SECRET", "JWT_SECRET_PREVIOUS", "TICKET_SECRET", "API_KEYS", "WEBHOOK_SECRET"];

/** As good as open, or only for one's own machine. */
const DEVELOPMENT: Record<string, { value: string; finding: Finding }> = {
  CONSOLE: {
    value: "true",
    finding: fail("settings", "CONSOLE is on: anybody could make a token for anybody"),
  },
  WEBHOOK_ALLOW_INSECURE: {
    value: "true",
    finding: fail("settings", "WEBHOOK_ALLOW_INSECURE is on: events could be sent anywhere, in the open"),
  },
  ALLOW_QUERY_TOKEN: {
    value: "true",
    finding: warn("settings", "ALLOW_QUERY_TOKEN is on: tokens end up in the logs of whatever lies between"),
  },
  DEFAULT_GRANTS: {
    value: "open",
    finding: warn(
      "settings",
      "DEFAULT_GRANTS is open: a token that names no channels opens all but private ones",
    ),
  },
  ALLOWED_ORIGINS: {
    value: "*",
    finding: warn(
      "settings",
      "ALLOWED_ORIGINS is *: pages of any origin may connect with their visitors' tokens",
    ),
  },
};

/** Long enough for every rule, and said to be missing besides. */
const STAND_IN = "x".repeat(32);

type Values = Record<string, string>;

/**
 * What will be the environment: `[vars]` and the secrets, where a file of them was named. `development` are the
 * public values of `.dev.vars`, none of which may go out.
 */
export function settingFindings(
  { vars }: Configuration,
  secrets: Values | undefined,
  development: Values,
): Finding[] {
  const known = { ...vars, ...secrets };
  const findings = [
    ...misplaced(vars),
    ...unknown(known),
    ...forDevelopment(known),
    ...published(known, development),
    ...parsed(known, secrets === undefined),
  ];
  if ((known.ALLOWED_ORIGINS ?? "") === "")
    findings.push(warn("settings", "ALLOWED_ORIGINS is empty: no browser can connect"));
  const said = secrets === undefined ? "what is not secret is right" : "they parse, secrets too";
  return [...orOk(findings, "settings", said), ...(secrets === undefined ? [notGiven(vars)] : [])];
}

function misplaced(vars: object): Finding[] {
  return SECRETS.filter((name) => name in vars).map((name) =>
    fail("settings", `${name} is a secret and stands in [vars]: wrangler secret put ${name}`),
  );
}

function unknown(known: object): Finding[] {
  return Object.keys(known)
    .filter((name) => !SETTING_NAMES.includes(name))
    .map((name) => fail("settings", `${name} is no setting: misspelt, it would have no effect`));
}

function forDevelopment(known: Record<string, unknown>): Finding[] {
  return Object.entries(DEVELOPMENT)
    .filter(([name, { value }]) => String(known[name]).split(",").includes(value))
    .map(([, { finding }]) => finding);
}

/** Secrets of `.dev.vars` stand in a public file. */
function published(known: Record<string, unknown>, development: Values): Finding[] {
  return SECRETS.filter((name) => development[name] !== undefined && known[name] === development[name]).map(
    (name) => fail("settings", `${name} is the public one of .dev.vars`),
  );
}

function parsed(known: Record<string, unknown>, isWithoutSecrets: boolean): Finding[] {
  const standIn = isWithoutSecrets && !("JWKS_URL" in known) ? { JWT_SECRET: STAND_IN } : {};
  try {
    const settings = settingsOf({ ...standIn, ...known });
    if (isWithoutSecrets || settings.API_KEYS.length > 0) return [];
    return [warn("settings", "API_KEYS is empty: no back end can publish, read or look after anything")];
  } catch (cause) {
    if (!(cause instanceof BadSettings)) throw cause;
    return [fail("settings", cause.message)];
  }
}

function notGiven(vars: object): Finding {
  const needed = "JWKS_URL" in vars ? "API_KEYS" : "JWT_SECRET (or JWKS_URL) and API_KEYS";
  return warn("secrets", `${needed} not given, so not checked: --secrets FILE, and wrangler secret list`);
}
