import type { Caller } from "../objects/ports.ts";
import type { From } from "../protocol/bodies.ts";
import { SessionId } from "../protocol/names.ts";
import { requireSelf } from "./access.ts";
import type { AppContext, Principal } from "./context.ts";
import { userIn } from "./input.ts";
import { Problem, problem } from "./problem.ts";

/** The contract lets a yes be reused for one second: a revocation is exact to that. */
const REUSED_FOR_MS = 1000;
/** More users than this in one second and isolate: then each is asked again, which is right but dearer. */
const MOST_REMEMBERED = 10_000;

/** Until when a token is known to count, by user and `iat`. Losing it asks once more. */
const allowedUntil = new Map<string, number>();

/** In whose name a request speaks; both are absent for a back end. */
export interface Speaker {
  from?: From;
  caller?: Caller;
}

/**
 * The last check of a request with a user's token, when everything about the request itself is right: the
 * user's own object knows whether the token is revoked, its ticket used, the session of `Rollcall-Session`
 * live. Throws `token_revoked`, `token_invalid` or `session_gone`.
 */
export async function speakerOf(context: AppContext, principal: Principal): Promise<Speaker> {
  if (principal.kind === "key") return {};
  const { user, claims, ticket } = principal;
  const caller = { user, issuedAt: claims.iat ?? null };
  const session = sessionNamed(context);
  const key = `${user} ${caller.issuedAt}`;
  const isPlain = session === undefined && ticket === undefined;
  if (isPlain && (allowedUntil.get(key) ?? 0) > Date.now()) return { from: { user }, caller };
  const asked = { issuedAt: caller.issuedAt, ...(ticket && { ticket }), ...(session && { session }) };
  const allowance = await context.get("objects").user(user).allow(asked);
  if (!allowance.allowed) throw new Problem(allowance.refused);
  remember(key);
  const { device } = allowance;
  const from = { user, ...(session && { session }), ...(device && { device }) };
  return { from, caller: { ...caller, ...from } };
}

/** The user in the path, when that very user or a back end with this scope asks. Throws like `speakerOf`. */
export async function selfIn(context: AppContext, scope: "read" | "manage"): Promise<string> {
  const user = userIn(context);
  await speakerOf(context, await requireSelf(context, user, scope));
  return user;
}

function sessionNamed(context: AppContext): string | undefined {
  const header = context.req.header("Rollcall-Session");
  if (header === undefined) return undefined;
  const session = SessionId.safeParse(header);
  if (!session.success) throw problem("session_gone", "Rollcall-Session: no live session of this user");
  return session.data;
}

function remember(key: string): void {
  if (allowedUntil.size >= MOST_REMEMBERED) allowedUntil.clear();
  allowedUntil.set(key, Date.now() + REUSED_FOR_MS);
}
