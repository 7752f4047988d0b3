import type { ErrorCode } from "../protocol/codes.ts";
import type { Loss } from "./state.ts";
import type { Timers } from "./timers.ts";

const ANSWER_WITHIN_MS = 5_000;

/** With these the same client would be refused again. An expired token is final only without a fresh one. */
const FINAL: readonly number[] = [400, 401, 403, 501];

/** How a connect address answers a plain request that has nothing wrong but that. */
const UPGRADE_REQUIRED = 426;

export interface RefusedAttempt {
  fetch: typeof fetch;
  timers: Timers;
  base: URL;
  /** Where the socket was refused. */
  address: URL;
  token: string;
  /** Whether the next attempt will bring another token. */
  renewable: boolean;
}

/**
 * Why an upgrade was refused. A browser learns only 1006 from it, so the same question is asked over
 * HTTP: first whether the token is good for its own user, then the connect address itself, which answers
 * a plain request with its refusal, or with `upgrade_required` if there is none. An unreachable service
 * gives no reason; the connection then just tries again. `isOpen` where it answers and has nothing against it.
 */
export async function askWhy(
  attempt: RefusedAttempt,
): Promise<Pick<Loss, "refused" | "retryAfterMs" | "reason"> & { isOpen?: boolean }> {
  const { base, token, address } = attempt;
  const own = new URL(`v1/users/${encodeURIComponent(subjectOf(token))}/sessions`, base);
  const problem = (await problemAt(own, attempt)) ?? (await problemAt(address, attempt));
  if (problem === undefined) return { reason: "not opened" };
  if (problem.status === UPGRADE_REQUIRED) return { reason: "blocked", isOpen: true };
  const { code, detail, status, retryAfterMs } = problem;
  const isFinal = FINAL.includes(status) && !(code === "token_expired" && attempt.renewable);
  return { reason: detail, retryAfterMs, ...(isFinal && { refused: code }) };
}

interface Problem {
  code: ErrorCode;
  detail: string;
  status: number;
  retryAfterMs: number | undefined;
}

async function problemAt(
  address: URL,
  { fetch, timers, token }: RefusedAttempt,
): Promise<Problem | undefined> {
  const abort = new AbortController();
  const cancel = timers.after(ANSWER_WITHIN_MS, () => abort.abort());
  try {
    const headers = { authorization: `Bearer ${token}` };
    const response = await fetch(address, { headers, signal: abort.signal });
    // What is no problem has no code, and is read nevertheless: the connection is free again then.
    const { code, detail = code } = (await response.json()) as Partial<Problem>;
    const { status } = response;
    const seconds = Number(response.headers.get("retry-after"));
    return response.ok || !code || !detail
      ? undefined
      : { code, detail, status, retryAfterMs: 1000 * seconds || undefined };
  } catch {
    return undefined; // unreachable, too slow, or no JSON: no reason to be had, which is the answer
  } finally {
    cancel();
  }
}

/** The user id in a token, unverified: only to name a route. A token without one is refused anyway. */
function subjectOf(token: string): string {
  try {
    return JSON.parse(
      atob(
        token
          .replace(/^.*?\.|\..*/g, "")
          .replace(/-/g, "+")
          .replace(/_/g, "/"),
      ),
    ).sub;
  } catch {
    return "-"; // not a JWT: the service will say so
  }
}
