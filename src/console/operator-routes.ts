import type { Member } from "../client/index.ts";
import { RequestProblem, request } from "./problem.ts";

/** How much there is, of `GET /v1/stats`. */
export interface ServiceCounts {
  usersOnline: number;
  sessions: number;
  channels: number;
}

/** One part of the service, of `GET /healthz`. */
export interface HealthCheck {
  ok: boolean;
  ms: number;
  detail: string;
}

/** An event that no webhook took, of `GET /v1/dead-letters`. */
export interface Letter {
  id: string;
  type: string;
  at: number;
  attempts: number;
  lastError: string;
}

/** A channel as its own object sees it. */
export interface ChannelFacts {
  members: number;
  sessions: number;
  subscribers: number;
  relays: number;
  offset: number;
  epoch: string;
}

/** Rejects with a `RequestProblem`, as all here; 401 where the key is none, 403 where its scope is another. */
export async function readCounts(key: string): Promise<ServiceCounts> {
  return read(key, "/v1/stats", (body): body is ServiceCounts => has(body, "usersOnline"));
}

/** The first page of the occupied channels whose names begin so. */
export async function listChannels(
  key: string,
  prefix: string,
): Promise<{ channels: { channel: string; members: number }[]; cursor?: string }> {
  const path = `/v1/channels?prefix=${encodeURIComponent(prefix)}`;
  return read(key, path, (body): body is { channels: [] } => has(body, "channels"));
}

export async function readChannel(key: string, channel: string): Promise<ChannelFacts> {
  const path = `/v1/channels/${encodeURIComponent(channel)}`;
  return read(key, path, (body): body is ChannelFacts => has(body, "offset"));
}

/** The first page of a roster, invisible members included. */
export async function listMembers(key: string, channel: string): Promise<Member[]> {
  const path = `/v1/channels/${encodeURIComponent(channel)}/members`;
  return (await read(key, path, (body): body is { members: Member[] } => has(body, "members"))).members;
}

/** Every check by name. A part that fails is an answer, not an error. */
export async function readHealth(key: string): Promise<Record<string, HealthCheck>> {
  const response = await fetch("/healthz", { headers: { authorization: `Bearer ${key}` } }).catch(() => {
    throw new RequestProblem("unreachable", "the service cannot be reached");
  });
  const body: unknown = await response.json().catch(() => undefined); // no JSON: the status says it
  if (has(body, "checks")) return (body as { checks: Record<string, HealthCheck> }).checks;
  throw new RequestProblem(String(response.status), `the service answered ${response.status}`);
}

/** The oldest open ones. */
export async function listLetters(key: string): Promise<Letter[]> {
  return (
    await read(key, "/v1/dead-letters?limit=50", (body): body is { letters: Letter[] } =>
      has(body, "letters"),
    )
  ).letters;
}

/** Sends one again, under its old id. */
export async function replayLetter(key: string, id: string): Promise<void> {
  const headers = { authorization: `Bearer ${key}` };
  await request(`/v1/dead-letters/${encodeURIComponent(id)}/replay`, { method: "POST", headers });
}

async function read<T>(key: string, path: string, is: (body: unknown) => body is T): Promise<T> {
  const response = await request(path, { headers: { authorization: `Bearer ${key}` } });
  const body: unknown = await response.json();
  if (is(body)) return body;
  throw new Error(`the service answered ${path} with something else`);
}

/** The other fields are trusted: the service encodes them from the declarations of its own document. */
function has(body: unknown, field: string): boolean {
  return typeof body === "object" && body !== null && field in body;
}
