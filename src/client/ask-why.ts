import type { ErrorCode } from "../protocol/codes.ts";
import type { Settings } from "./settings.ts";
import type { Loss } from "./state.ts";

const ANSWER_WITHIN_MS = 5_000;

/** With these the same client would be refused again. `token_expired` is final only without a fresh token. */
const FINAL: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  "bad_request",
  "invalid_user",
  "invalid_channel",
  "unauthenticated",
  "token_invalid",
  "token_revoked",
  "forbidden",
  "origin_not_allowed",
  "not_available",
]);

/** An attempt that no welcome came of. */
export interface RefusedAttempt {
  /** Where the socket was refused. */
  address: URL;
  token: string;
}

/**
 * Why an upgrade was refused. A browser learns only 1006 from it, so the same question is asked over
 * HTTP: first whether the token is good for its own user, then the connect address itself, which answers
 * a plain request with its refusal, or with `upgrade_required` if there is none. An unreachable service
 * gives no reason; the connection then just tries again. `isOpen` where it answers and has nothing against it.
 */
export async function askWhy(
  settings: Settings,
  { address, token }: RefusedAttempt,
): Promise<Pick<Loss, "refused" | "retryAfterMs" | "reason"> & { isOpen?: boolean }> {
  const own = new URL(`v1/users/${encodeURIComponent(subjectOf(token))}/sessions`, settings.base);
  const answer = (await problemAt(own, token, settings)) ?? (await problemAt(address, token, settings));
  if (answer === undefined || answer.code === "upgrade_required")
    return { reason: "the connection could not be opened", isOpen: answer !== undefined };
  const { code, detail, retryAfterMs } = answer;
  // An expired token is final only where no other is to be had.
  const isFinal = FINAL.has(code) || (code === "token_expired" && typeof settings.token === "string");
  return {
    reason: detail,
    ...(isFinal ? { refused: code } : {}),
    retryAfterMs,
  };
}

interface Problem {
  code: ErrorCode;
  detail: string;
  retryAfterMs: number | undefined;
}

async function problemAt(
  address: URL,
  token: string,
  { fetch, timers }: Settings,
): Promise<Problem | undefined> {
  const abort = new AbortController();
  const cancel = timers.after(ANSWER_WITHIN_MS, () => abort.abort());
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(address, { headers, signal: abort.signal });
    if (response.ok) {
      await response.body?.cancel();
      return undefined;
    }
    const body: unknown = await response.json();
    const seconds = Number(response.headers.get("retry-after") ?? Number.NaN);
    return problemOf(body, Number.isFinite(seconds) ? seconds * 1000 : undefined);
  } catch {
    return undefined; // unreachable, too slow, or no JSON: no reason to be had, which is the answer
  } finally {
    cancel();
  }
}

function problemOf(body: unknown, retryAfterMs: number | undefined): Problem | undefined {
  if (typeof body !== "object" || body === null || !("code" in body)) return undefined;
  if (typeof body.code !== "string") return undefined;
  const detail = "detail" in body && typeof body.detail === "string" ? body.detail : body.code;
  // One that a newer service has invented is none of ours, and so none that is final.
  return { code: body.code as ErrorCode, detail, retryAfterMs };
}

/** The user id in a token, unverified: only to name a route. A token without one is refused anyway. */
function subjectOf(token: string): string {
  try {
    const payload = token.split(".")[1] ?? "";
    const claims: unknown = JSON.parse(atob(payload.replaceAll("-", "+").replaceAll("_", "/")));
    if (typeof claims === "object" && claims !== null && "sub" in claims) return String(claims.sub);
  } catch {
    // Not a JWT: the service will say so.
  }
  return "unknown";
}
