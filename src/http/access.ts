import { mayKey } from "../auth/api-key.ts";
import { maySend, mayUseChannel, mayWatch } from "../auth/grants.ts";
import { authenticate, type Principal } from "../auth/principal.ts";
import type { ApiKey, Scope } from "../config.ts";
import { log } from "../objects/log.ts";
import type { Reader } from "../objects/ports.ts";
import type { Capability, Claims } from "../protocol/claims.ts";
import { isRefusal } from "../protocol/codes.ts";
import type { AppContext } from "./context.ts";
import { countGuess, countRequest, mustNotBeGuessing } from "./limits.ts";
import { Problem, problem } from "./problem.ts";

/*
 * Who may do what, before any object is touched: each function answers with the principal or throws the
 * problem that says why not.
 */

export type UserPrincipal = Extract<Principal, { kind: "user" }>;

/** A back end with one of these scopes. */
export async function requireKey(context: AppContext, ...scopes: Scope[]): Promise<ApiKey> {
  const principal = await callerOf(context);
  if (principal.kind === "user") throw problem("forbidden", "this needs an API key");
  mustHave(principal.key, ...scopes);
  return principal.key;
}

/** A user, for connecting: how many connections begin, the user's own object counts. */
export async function requireUser(context: AppContext): Promise<UserPrincipal> {
  const principal = await principalOf(context);
  if (principal.kind === "key") throw problem("forbidden", "this needs a user's token, not an API key");
  return principal;
}

/** A user with this grant on the channel, or a back end with this scope. */
export async function requireChannel(
  context: AppContext,
  channel: string,
  capability: Capability,
  scope: Scope,
): Promise<Principal> {
  const principal = await callerOf(context);
  if (principal.kind === "key") mustHave(principal.key, scope);
  else mustUseChannel(context, principal.claims, capability, channel);
  return principal;
}

export function mustUseChannel(
  context: AppContext,
  claims: Claims,
  capability: Capability,
  channel: string,
): void {
  if (mayUseChannel(claims, capability, channel, context.get("settings").DEFAULT_GRANTS)) return;
  throw problem("forbidden", `no grant to ${capability} on this channel`);
}

/** That user, or a back end with this scope. */
export async function requireSelf(context: AppContext, user: string, scope: Scope): Promise<Principal> {
  const principal = await callerOf(context);
  if (principal.kind === "key") mustHave(principal.key, scope);
  else if (principal.user !== user) throw problem("forbidden", "only this user or an API key may do this");
  return principal;
}

/** A user whose token lets it send to this user, or a back end that publishes. */
export async function requireSend(context: AppContext, user: string): Promise<Principal> {
  const principal = await callerOf(context);
  if (principal.kind === "key") mustHave(principal.key, "publish");
  else if (!maySend(principal.claims, user, context.get("settings").DEFAULT_GRANTS)) {
    throw problem("forbidden", "no grant to send to this user");
  }
  return principal;
}

/** Whoever may see the presence of all these users, and as whom it is read. What a user hides is that user's object's business. */
export async function requireWatch(
  context: AppContext,
  ...users: string[]
): Promise<{ principal: Principal; reader: Reader }> {
  const principal = await callerOf(context);
  if (principal.kind === "key") {
    mustHave(principal.key, "read");
    return { principal, reader: { kind: "back end" } };
  }
  for (const user of users) mustWatch(context, principal.claims, user);
  return { principal, reader: { kind: "user", user: principal.user } };
}

export function mustWatch(context: AppContext, claims: Claims, user: string): void {
  if (mayWatch(claims, user, context.get("settings").DEFAULT_GRANTS)) return;
  throw problem("forbidden", "no grant to watch this user");
}

function mustHave(key: ApiKey, ...scopes: Scope[]): void {
  if (scopes.some((scope) => mayKey(key, scope))) return;
  throw problem("forbidden", `this key has no scope ${scopes.join(" or ")}`);
}

/** A user with a token of its own, not with a ticket: its successors would never end. Or a back end that manages. */
export async function requireTicketMaker(context: AppContext): Promise<Principal> {
  const principal = await callerOf(context);
  if (principal.kind === "key") {
    if (!mayKey(principal.key, "manage")) throw problem("forbidden", "this key has no scope manage");
  } else if (principal.ticket !== undefined) throw problem("forbidden", "a ticket can't make a ticket");
  return principal;
}

/** Who sends a request, which counts against its limit. */
async function callerOf(context: AppContext): Promise<Principal> {
  const principal = await principalOf(context);
  countRequest(context, principal);
  return principal;
}

async function principalOf(context: AppContext): Promise<Principal> {
  mustNotBeGuessing(context);
  const principal = await authenticate(context.req.raw, context.get("settings"), Date.now(), {
    background: (work) => context.executionCtx.waitUntil(work),
    warn: log.warn,
  });
  if (isRefusal(principal)) {
    countGuess(context, principal);
    throw new Problem(principal);
  }
  context.set("principal", principal);
  return principal;
}
