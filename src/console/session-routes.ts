import type { Session } from "../client/index.ts";
import { request } from "./problem.ts";

/** Whose sessions, and the token that proves it. */
export interface Owner {
  user: string;
  token: string;
}

/** The live sessions of a user, wherever they are kept. Rejects with a `RequestProblem`, as all here. */
export async function listSessions(owner: Owner): Promise<Session[]> {
  const response = await request(pathOf(owner), { headers: headersOf(owner) });
  const body: unknown = await response.json();
  if (isSessionList(body)) return body.sessions;
  throw new Error("the service answered with something other than sessions");
}

export async function endSession(owner: Owner, session: string): Promise<void> {
  await request(`${pathOf(owner)}/${encodeURIComponent(session)}`, {
    method: "DELETE",
    headers: headersOf(owner),
  });
}

export async function endAllSessions(owner: Owner): Promise<void> {
  await request(pathOf(owner), { method: "DELETE", headers: headersOf(owner) });
}

/** Ends all, and refuses from now on every token issued in this second or before. */
export async function revokeTokens(owner: Owner): Promise<void> {
  await request(`${pathOf(owner)}?revoke=true`, { method: "DELETE", headers: headersOf(owner) });
}

function pathOf({ user }: Owner): string {
  return `/v1/users/${encodeURIComponent(user)}/sessions`;
}

function headersOf({ token }: Owner): Record<string, string> {
  return { authorization: `Bearer ${token}` };
}

/** The entries are trusted: the service encodes them from the declaration that the type comes from. */
function isSessionList(body: unknown): body is { sessions: Session[] } {
  return typeof body === "object" && body !== null && "sessions" in body && Array.isArray(body.sessions);
}
