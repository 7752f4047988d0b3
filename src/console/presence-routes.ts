import type { Presence } from "../client/index.ts";
import { request } from "./problem.ts";
import type { Owner } from "./session-routes.ts";

/** How a user appears to itself. Rejects with a `RequestProblem`, as all here. */
export async function readPresence(owner: Owner): Promise<Presence> {
  const body = await read(owner, "presence");
  if (isPresence(body)) return body;
  throw new Error("the service answered with something other than a presence");
}

/** The first page of who watches the user, by name. */
export async function listWatchers(owner: Owner): Promise<string[]> {
  const body = await read(owner, "watchers");
  if (isWatcherPage(body)) return body.watchers.map(({ user }) => user);
  throw new Error("the service answered with something other than watchers");
}

/** Whom the user watches, by name. */
export async function listWatching(owner: Owner): Promise<string[]> {
  const body = await read(owner, "watching");
  if (isWatchingList(body)) return body.users.map(({ user }) => user);
  throw new Error("the service answered with something other than watches");
}

/** Ends what the user holds over HTTP, beyond this page. */
export async function stopWatching({ user, token }: Owner, target: string): Promise<void> {
  const path = `/v1/users/${encodeURIComponent(user)}/watching/${encodeURIComponent(target)}`;
  await request(path, { method: "DELETE", headers: { authorization: `Bearer ${token}` } });
}

async function read({ user, token }: Owner, what: string): Promise<unknown> {
  const path = `/v1/users/${encodeURIComponent(user)}/${what}`;
  const response = await request(path, { headers: { authorization: `Bearer ${token}` } });
  return response.json();
}

/** The fields are trusted: the service encodes them from the declaration that the type comes from. */
function isPresence(body: unknown): body is Presence {
  return typeof body === "object" && body !== null && "user" in body && "status" in body;
}

function isWatcherPage(body: unknown): body is { watchers: { user: string }[] } {
  return typeof body === "object" && body !== null && "watchers" in body && Array.isArray(body.watchers);
}

function isWatchingList(body: unknown): body is { users: { user: string }[] } {
  return typeof body === "object" && body !== null && "users" in body && Array.isArray(body.users);
}
