import { RequestProblem, request } from "./problem.ts";
import { listSessions } from "./session-routes.ts";

/** A token of the service's own maker, which answers only where the console is on. `expiresAt` in ms. */
export interface DevToken {
  token: string;
  expiresAt: number;
}

/** After a revocation the second token is good; a third is for a clock that was set back by a moment. */
const MAX_TRIES = 3;

/** Asks for a user's token, with more claims where given. Throws an Error that a person can read. */
export async function makeDevToken(user: string, claims: object): Promise<DevToken> {
  const response = await request("/v1/dev/token", {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ user, claims }),
  });
  const body: unknown = await response.json();
  if (isDevToken(body)) return body;
  throw new Error("no token: the service answered with something else");
}

/**
 * Likewise, after tokens of this user were revoked. Those issued in the second of the revocation are refused
 * as well, and which second that was only the service knows: so it is asked whether it takes the new one, and
 * if not, another is made in a later second.
 */
export async function makeTokenAfterRevocation(user: string, claims: object): Promise<DevToken> {
  for (let tries = 1; ; tries++) {
    const made = await makeDevToken(user, claims);
    const madeAt = performance.now();
    if (tries === MAX_TRIES || !(await isRevoked(user, made.token))) return made;
    await nextSecond(madeAt);
  }
}

async function isRevoked(user: string, token: string): Promise<boolean> {
  try {
    await listSessions({ user, token });
    return false;
  } catch (error) {
    return error instanceof RequestProblem && error.code === "token_revoked";
  }
}

/** Until what is made has an `iat` later than what was made at `since`: it counts whole seconds. */
function nextSecond(since: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, since + 1000 - performance.now()));
}

function isDevToken(body: unknown): body is DevToken {
  if (typeof body !== "object" || body === null) return false;
  return "token" in body && typeof body.token === "string" && "expiresAt" in body;
}
