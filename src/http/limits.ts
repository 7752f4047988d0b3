import type { Principal } from "../auth/principal.ts";
import type { Settings } from "../config.ts";
import { HeldOff, tooManyConnects } from "../objects/held-off.ts";
import { type LimitName, type Refusal, refusal } from "../protocol/codes.ts";
import { ENTRIES_PER_MESSAGE, NEW_CHANNEL_OF_USER, USERS_PER_MESSAGE } from "../protocol/limits.ts";
import type { AppContext } from "./context.ts";
import { sourceOf } from "./network.ts";
import { Problem } from "./problem.ts";
import { type Location, Rates } from "./rates.ts";

/*
 * How much one address, key or user may ask for. What connections say is counted where they are kept; how many of a
 * user begin, in the user's own object.
 */

/** What one step of the location's counter stands for; `wrangler.toml` counts in these. */
const LOT = { address: 10, key: 100, user: 10, newChannels: 10 } as const;

interface Limits {
  address: Rates;
  key: Rates;
  user: Rates;
  newChannels: Rates;
  /** Users whose own object has refused a connection a moment ago. */
  connects: HeldOff;
}

/** Of this isolate, for as long as its settings are the same. Losing them lets everybody begin anew. */
const known = new WeakMap<Settings, Limits>();

function limitsOf(context: AppContext): Limits {
  const settings = context.get("settings");
  const limits = known.get(settings) ?? newLimits(settings);
  known.set(settings, limits);
  return limits;
}

function newLimits(settings: Settings): Limits {
  const { ADDRESS_FAILURES_PER_SECOND, ADDRESS_FAILURES_BURST, KEY_RATE_PER_SECOND, KEY_RATE_BURST } =
    settings;
  const { RATE_PER_SECOND, RATE_BURST, NEW_CHANNELS_PER_MINUTE } = settings;
  const rates = (perSecond: number, burst: number, lot: number) => new Rates({ perSecond, burst, lot });
  return {
    address: rates(ADDRESS_FAILURES_PER_SECOND, ADDRESS_FAILURES_BURST, LOT.address),
    key: rates(KEY_RATE_PER_SECOND, KEY_RATE_BURST, LOT.key),
    user: rates(RATE_PER_SECOND, RATE_BURST, LOT.user),
    newChannels: rates(NEW_CHANNELS_PER_MINUTE / 60, NEW_CHANNELS_PER_MINUTE, LOT.newChannels),
    connects: new HeldOff(),
  };
}

/**
 * Before anything is verified: throws where too many credentials that are none came from this address a moment ago.
 * Who shares the address with such a flood waits with it; good credentials count nothing.
 */
export function mustNotBeGuessing(context: AppContext): void {
  const address = sourceIn(context);
  if (address === undefined) return;
  const waitMs = limitsOf(context).address.waitMs(address);
  if (waitMs > 0) throw limited("address", "too many bad credentials from this address", waitMs);
}

/** Counts a credential that was refused. One that was good once is no guess. */
export function countGuess(context: AppContext, { code }: Refusal): void {
  const address = sourceIn(context);
  if (address === undefined || (code !== "unauthenticated" && code !== "token_invalid")) return;
  limitsOf(context).address.take(address, 1, locationOf(context, "ADDRESS_RATE"));
}

/** Counts one request, or as many more as it is worth. Throws `rate_limited`. */
export function countRequest(context: AppContext, principal: Principal, weight = 1): void {
  if (weight <= 0) return;
  const limits = limitsOf(context);
  if (principal.kind === "key") {
    const waitMs = limits.key.take(principal.key.name, weight, locationOf(context, "KEY_RATE"));
    if (waitMs > 0) throw limited("key", "too many targets for this key", waitMs);
  } else {
    const waitMs = limits.user.take(principal.user, weight, locationOf(context, "USER_RATE"));
    if (waitMs > 0) throw limited("user", "too many requests of this user", waitMs);
  }
}

/** What a request that reaches many costs beyond the one that was counted. Throws `rate_limited`. */
export function countTargets(context: AppContext, principal: Principal, targets: number): void {
  const each = principal.kind === "key" ? 1 : USERS_PER_MESSAGE;
  countRequest(context, principal, Math.ceil(targets / each) - 1);
}

/** Likewise of a user's request for a page: as a frame would, it costs what it may hold. Throws `rate_limited`. */
export function countEntries(context: AppContext, principal: Principal, entries: number): void {
  if (principal.kind === "user") countRequest(context, principal, Math.floor(entries / ENTRIES_PER_MESSAGE));
}

/** After how many milliseconds this principal may begin another channel; 0 for now. */
export function newChannelWaitMs(context: AppContext, principal: Principal): number {
  return limitsOf(context).newChannels.waitMs(nameOf(principal), weightOfChannel(principal));
}

/** The channel began with what this principal said. What is under way at that moment may begin too many. */
export function countNewChannel(context: AppContext, principal: Principal): void {
  const location = locationOf(context, "NEW_CHANNEL_RATE");
  limitsOf(context).newChannels.take(nameOf(principal), weightOfChannel(principal), location);
}

/** Throws where this user's own object has refused a connection and the time it named is not over. */
export function mustNotBeHeldOff(context: AppContext, user: string): void {
  const waitMs = limitsOf(context).connects.waitMs(user, Date.now());
  if (waitMs > 0) throw new Problem(tooManyConnects(waitMs));
}

/** What a keeper answered to a connect: a refusal for their number is remembered. */
export function noteConnect(context: AppContext, user: string, { status, headers }: Response): void {
  if (status !== 429) return;
  const seconds = Number(headers.get("Retry-After") ?? 1);
  limitsOf(context).connects.hold(user, Date.now() + seconds * 1000);
}

function sourceIn({ req }: AppContext): string | undefined {
  return sourceOf(req.header("CF-Connecting-IP"), req.header("CF-Worker"));
}

function weightOfChannel({ kind }: Principal): number {
  return kind === "key" ? 1 : NEW_CHANNEL_OF_USER;
}

/** A key and a user of one name are two. */
function nameOf(principal: Principal): string {
  return principal.kind === "key" ? `key:${principal.key.name}` : `user:${principal.user}`;
}

function locationOf(
  context: AppContext,
  binding: "ADDRESS_RATE" | "KEY_RATE" | "USER_RATE" | "NEW_CHANNEL_RATE",
): Location {
  return {
    counter: context.env[binding],
    background: (work) => context.executionCtx.waitUntil(work),
  };
}

function limited(limit: LimitName, message: string, retryAfterMs: number): Problem {
  return new Problem({ ...refusal("rate_limited", message), retryAfterMs, limit });
}
