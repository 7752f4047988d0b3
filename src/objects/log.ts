import { createHmac, randomBytes } from "node:crypto";
import type { LogLevel, Settings } from "../config.ts";
import type { Log } from "./ports.ts";

type Level = Exclude<LogLevel, "off">;
type Fields = Record<string, string | number>;

const LEVELS: readonly LogLevel[] = ["debug", "info", "warn", "error", "off"];
/** Of 64 bits: enough to tell a million users apart, and no key to anything. */
const PSEUDONYM_DIGITS = 16;
const MAX_CAUSE_CHARACTERS = 300;
/** What ends a line or steers a terminal, and JSON lets through: DEL, the C1 controls, two line separators. */
const UNESCAPED = /[\u007f-\u009f\u2028\u2029]/g;

/**
 * Fields whose text is ours: codes, patterns, and ids that we made up. Text in any other field may be a name that
 * somebody chose, of a user or a channel, and leaves as a pseudonym.
 */
const OURS = new Set(
  "broadcast check code duty frame key kind letter method part queue reason request route session shard state status type".split(
    " ",
  ),
);

/** One isolate has one environment, so these are its settings; until they are known, the defaults. */
let settingsUsed: Settings | undefined;
let level: LogLevel = "warn";
let pseudonymKey: Uint8Array | undefined;

/** From here on lines leave as these settings say. */
export function logBy(settings: Settings): void {
  if (settings === settingsUsed) return;
  settingsUsed = settings;
  level = settings.LOG_LEVEL;
  pseudonymKey = undefined;
}

/** Whether lines of this level are written: who would have to work for one asks before. */
export function isLogged(of: Level): boolean {
  return LEVELS.indexOf(of) >= LEVELS.indexOf(level);
}

/**
 * A name as logs and metrics show it: the first 16 hexadecimal digits of its HMAC-SHA-256 under a key that is derived
 * from `JWT_SECRET`, else `TICKET_SECRET`, else an API key. The same name is the same pseudonym as long as that secret
 * stays; without any it changes with each isolate.
 */
export function pseudonym(name: string): string {
  pseudonymKey ??= hmac(secretOf(settingsUsed), "rollcall: names in logs");
  return hmac(pseudonymKey, name).toString("hex").slice(0, PSEUDONYM_DIGITS);
}

/** Structured lines on the console, which is where the platform collects logs: JSON, so that no text can break one. */
export const log = {
  info: (event: string, fields: Fields) => write("info", event, fields),
  warn: (event: string, fields: Fields, cause?: unknown) => write("warn", event, fields, cause),
  error: (event: string, fields: Fields, cause?: unknown) => write("error", event, fields, cause),
} satisfies Log & Record<string, unknown>;

function write(of: Level, event: string, fields: Fields, cause?: unknown): void {
  if (!isLogged(of)) return;
  const shown = Object.entries(fields).map(([name, value]) => [
    name,
    typeof value === "number" || OURS.has(name) ? value : pseudonym(value),
  ]);
  const because = cause === undefined ? {} : { cause: textOf(cause) };
  const own = { level: of, event }; // no field can pass for one of these
  const line = JSON.stringify(Object.assign({ ...own }, Object.fromEntries(shown), because, own));
  console[of](line.replace(UNESCAPED, (sign) => `\\u${sign.charCodeAt(0).toString(16).padStart(4, "0")}`));
}

/**
 * The kind of a cause and its text, no stack. Not the text of what could not be parsed: engines and schemas quote what
 * they were given, which may be anybody's message.
 */
function textOf(cause: unknown): string {
  if (!(cause instanceof Error)) return typeof cause;
  const isQuoting = cause instanceof SyntaxError || cause.name.includes("ZodError");
  return isQuoting ? cause.name : `${cause.name}: ${cause.message}`.slice(0, MAX_CAUSE_CHARACTERS);
}

function secretOf(settings: Settings | undefined): string | Uint8Array {
  const { JWT_SECRET, TICKET_SECRET, API_KEYS } = settings ?? {};
  return JWT_SECRET ?? TICKET_SECRET ?? API_KEYS?.[0]?.secret ?? randomBytes(32);
}

function hmac(key: string | Uint8Array, text: string) {
  return createHmac("sha256", key).update(text).digest();
}
