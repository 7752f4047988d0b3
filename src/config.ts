import * as z from "zod";
import { EventPattern } from "./protocol/events.ts";
import { targetFault } from "./protocol/webhook-target.ts";

/** A setting that counts something: an integer from `min`. Settings arrive as text. */
function whole(initial: number, min = 1, max = Number.MAX_SAFE_INTEGER) {
  return z
    .string()
    .regex(/^\d{1,12}$/, "must be a whole number")
    .transform(Number)
    .pipe(z.number().min(min).max(max))
    .default(initial);
}

/** A setting in seconds or per second, fractions allowed; an alarm each millisecond would be dear. */
function amount(initial: number, min = 0.1) {
  return z.string().transform(Number).pipe(z.number().min(min).max(1_000_000)).default(initial);
}

function onOff(initial: boolean) {
  return z
    .enum(["true", "false"])
    .transform((text) => text === "true")
    .default(initial);
}

function list(initial = "") {
  return z
    .string()
    .default(initial)
    .transform((text) =>
      text
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    );
}

/** Scopes of an API key; a key written without any has all of them. */
export const Scope = z.enum(["publish", "read", "manage", "ops"]);
export type Scope = z.infer<typeof Scope>;

/** The secret is visible ASCII, because it has to fit into a header. `written` is the whole entry. */
const ApiKey = z
  .string()
  .regex(
    /^[A-Za-z0-9_.-]{1,64}(:[a-z+]+)?=[!-~]{16,}$/,
    "must read name=secret or name:scope+scope=secret, the secret at least 16 characters without spaces",
  )
  .transform((written) => {
    const [, name = "", scopes = "", secret = ""] = /^([^:=]+)(?::([^=]+))?=(.+)$/.exec(written) ?? [];
    return { written, name, secret, scopes: scopes === "" ? Scope.options : scopes.split("+") };
  })
  .pipe(z.object({ written: z.string(), name: z.string(), secret: z.string(), scopes: z.array(Scope) }));
export type ApiKey = z.infer<typeof ApiKey>;

/** One entry of `ALLOWED_ORIGINS`. A path or a wildcard in the host would look like a rule and never be one. */
const AllowedOrigin = z
  .string()
  .refine(
    (text) =>
      text === "*" ||
      text === "null" ||
      (/^[a-z][a-z0-9+.-]*:\/\/[^/?#@*\\\s]+\/?$/i.test(text) && URL.canParse(text)),
    "must be * or an origin such as https://app.example.com",
  );

const empty = (text: string | undefined) => (text === "" ? undefined : text);
/** Shorter than the hash is weaker than the hash: RFC 7518, section 3.2. */
const secret = z.string().min(32, "must have at least 32 characters");

/** Who can change what lies at this address can sign as anybody: plain http never leaves the machine. */
const keySetUrl = z
  .string()
  .refine(isTrustworthy, "must be an https address without credentials; http is for loopback only");

function isTrustworthy(address: string): boolean {
  const url = URL.parse(address);
  if (url === null || url.username !== "" || url.password !== "") return false;
  return url.protocol === "https:" || (url.protocol === "http:" && isLoopback(url.hostname));
}

function isLoopback(hostname: string): boolean {
  return hostname === "localhost" || hostname === "[::1]" || /^127(\.\d{1,3}){3}$/.test(hostname);
}

const DEFAULT_EVENTS = "session.*,presence.*,channel.*,member.*,direct.expired";

/** Of Standard Webhooks: 24 to 64 bytes, in base64. */
const WebhookSecret = z
  .string()
  .refine(
    (text) => /^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/.test(text) && isWholeBase64(text.slice("whsec_".length)),
    "must read whsec_ and 24 to 64 bytes in base64; several are separated by a space",
  );

function isWholeBase64(text: string): boolean {
  const bytes = Math.floor((text.replace(/=+$/, "").length * 3) / 4);
  return text.length % 4 === 0 && bytes >= 24 && bytes <= 64;
}

const secrets = z
  .string()
  .default("")
  .transform((text) => text.split(" ").filter((part) => part !== ""))
  .pipe(z.array(WebhookSecret));
/** From which level on lines are written. */
const LogLevel = z.enum(["debug", "info", "warn", "error", "off"]);
export type LogLevel = z.infer<typeof LogLevel>;

/** All settings, as the contract names them, with their defaults. */
const Settings = z
  .object({
    JWT_SECRET: z.preprocess(empty as (x: unknown) => unknown, secret.optional()),
    /** Verifies and never signs: what `JWT_SECRET` was, or is about to be. */
    JWT_SECRET_PREVIOUS: z.preprocess(empty as (x: unknown) => unknown, secret.optional()),
    JWKS_URL: z.preprocess(empty as (x: unknown) => unknown, keySetUrl.optional()),
    TICKET_SECRET: z.preprocess(empty as (x: unknown) => unknown, secret.optional()),
    JWT_ISSUER: z.preprocess(empty as (x: unknown) => unknown, z.string().optional()),
    JWT_AUDIENCE: z.preprocess(empty as (x: unknown) => unknown, z.string().optional()),
    API_KEYS: list().pipe(z.array(ApiKey)),
    MAX_TOKEN_LIFETIME_SECONDS: whole(86_400),
    CLOCK_LEEWAY_SECONDS: whole(30, 0),
    DEFAULT_GRANTS: z.enum(["open", "closed"]).default("closed"),
    ALLOWED_ORIGINS: list().pipe(z.array(AllowedOrigin)),
    ALLOW_QUERY_TOKEN: onOff(false),
    CONSOLE: onOff(false),
    HEARTBEAT_INTERVAL_SECONDS: amount(25),
    SESSION_TTL_SECONDS: amount(60),
    OFFLINE_GRACE_SECONDS: amount(5),
    AWAY_AFTER_SECONDS: amount(300, 0),
    WATCH_TTL_SECONDS: amount(3600),
    MAX_FRAME_BYTES: whole(65_536),
    MAX_DATA_BYTES: whole(32_768),
    MAX_SESSIONS_PER_USER: whole(20),
    /** They stand in one row, and the most calls that one event may make are 10,000. */
    MAX_WATCHES: whole(1000, 1, 10_000),
    // Where each stands must fit the attachment of one socket, beside 8 KB of claims.
    MAX_SUBSCRIPTIONS: whole(200, 0, 200),
    SUBSCRIBED_USERS_MAX: whole(1000, 0, 10_000),
    RATE_PER_SECOND: amount(50),
    RATE_BURST: whole(100),
    KEY_RATE_PER_SECOND: amount(5000),
    KEY_RATE_BURST: whole(10_000),
    // The platform's own soft limit for one object is 1,000 requests a second: beyond, it sheds less politely.
    CHANNEL_RATE_PER_SECOND: amount(1000),
    CHANNEL_RATE_BURST: whole(2000),
    NEW_CHANNELS_PER_MINUTE: whole(600),
    CONNECTS_PER_SECOND: amount(1, 0.001),
    // All devices of a user return after a deploy, twice in a row, and that is not half of it.
    CONNECTS_BURST: whole(100),
    ADDRESS_FAILURES_PER_SECOND: amount(10),
    ADDRESS_FAILURES_BURST: whole(100),
    HISTORY_SIZE: whole(1000, 0),
    HISTORY_TTL_SECONDS: amount(86_400, 1),
    INBOX_SIZE: whole(1000),
    INBOX_TTL_SECONDS: amount(604_800, 1),
    MAX_DEVICES: whole(20),
    DEVICE_TTL_SECONDS: amount(2_592_000, 1),
    MEMBERS_DETAIL_MAX: whole(1000, 0),
    RELAY_CAPACITY: whole(2000),
    REGIONAL_RELAYS: onOff(false),
    DIRECTORY_SHARDS: whole(4, 1, 256),
    EVENTS: list(DEFAULT_EVENTS).pipe(z.array(EventPattern)),
    WEBHOOK_URL: z.preprocess(empty as (x: unknown) => unknown, z.string().optional()),
    WEBHOOK_SECRET: secrets,
    WEBHOOK_ALLOW_INSECURE: onOff(false),
    LOG_LEVEL: LogLevel.default("warn"),
    COST_SAMPLE: z
      .string()
      .regex(/^\d*\.?\d+$/, "must be from 0 to 1")
      .transform(Number)
      .pipe(z.number().max(1))
      .default(0.01),
  })
  .superRefine((settings, context) => {
    if (settings.JWT_SECRET === undefined && settings.JWKS_URL === undefined) {
      const message = "set this or JWKS_URL: there is no way to sign tokens";
      context.addIssue({ code: "custom", path: ["JWT_SECRET"], message });
    }
    if (settings.JWT_SECRET === undefined && settings.JWT_SECRET_PREVIOUS !== undefined) {
      const message = "stands beside a JWT_SECRET, never alone";
      context.addIssue({ code: "custom", path: ["JWT_SECRET_PREVIOUS"], message });
    }
    const { WEBHOOK_URL: url, WEBHOOK_SECRET: secrets, WEBHOOK_ALLOW_INSECURE: isLocal } = settings;
    const fault = url === undefined ? undefined : targetFault(url, isLocal);
    if (fault !== undefined) context.addIssue({ code: "custom", path: ["WEBHOOK_URL"], message: fault });
    if (url !== undefined && secrets.length === 0) {
      const message = "set this too: events are signed";
      context.addIssue({ code: "custom", path: ["WEBHOOK_SECRET"], message });
    }
    if (settings.HEARTBEAT_INTERVAL_SECONDS >= settings.SESSION_TTL_SECONDS) {
      context.addIssue({
        code: "custom",
        path: ["HEARTBEAT_INTERVAL_SECONDS"],
        message: "must be shorter than SESSION_TTL_SECONDS",
      });
    }
  });
export type Settings = z.infer<typeof Settings>;

/** Every setting there is: whatever else stands in an environment is a binding or a mistake. */
export const SETTING_NAMES: readonly string[] = Object.keys(Settings.shape);

/** Thrown at the first use of a wrong environment. The message names the settings, never their values. */
export class BadSettings extends Error {
  override readonly name = "BadSettings";
}

const parsed = new WeakMap<object, Settings>();

/** The settings of this environment, parsed once. Throws `BadSettings`. */
export function settingsOf(env: object): Settings {
  const known = parsed.get(env);
  if (known !== undefined) return known;
  const result = Settings.safeParse(env);
  if (!result.success) {
    const faults = result.error.issues.map((issue) => `${issue.path.join(".")} ${issue.message}`);
    throw new BadSettings(`bad settings: ${faults.join("; ")}`);
  }
  parsed.set(env, result.data);
  return result.data;
}
