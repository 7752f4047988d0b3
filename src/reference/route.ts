import type * as z from "zod";
import type { Scope } from "../config.ts";
import type { ErrorCode, LimitName } from "../protocol/codes.ts";

/*
 * One route of the service as the documents describe it. The schemas are those that the handlers check with: a
 * test sees to it.
 */

/** What routes are about, in the order in which they are read. */
export const TAGS = {
  Connections:
    "WebSockets and event streams, and what opens them. Their frames are in the AsyncAPI document.",
  Channels: "Publish to a channel, read its log, see who is in it.",
  "Direct messages": "What is kept for a user until each of its devices has acknowledged it.",
  Users: "Presence and sessions of one user.",
  Watching: "Whom a user watches, and who watches it.",
  Directory: "Who is online and which channels are occupied, over everything.",
  "Many at once": "One message to many, and many requests in one.",
  Operation: "Whether the service is well, and what it has done.",
} as const;
export type Tag = keyof typeof TAGS;

export type Method = "GET" | "POST" | "PUT" | "DELETE";

/** Who may ask. Neither: anyone. Both: either. */
export interface Who {
  /** Which users, as a word or two after "a user". */
  user?: string;
  /** A back end whose key has one of these scopes. */
  key?: readonly Scope[];
  /** Who presents nothing may ask, too; who may by the above is told more. */
  isOpen?: true;
}

export interface Body {
  /** One of these fits; which of them depends on who asks. */
  schemas: readonly z.ZodType[];
  isOptional?: true;
  examples: Record<string, unknown>;
}

export interface Answer {
  words: string;
  /** Without one there is no body, or text of one of these `types`. */
  schema?: z.ZodType;
  /** Media types; JSON where none is said. */
  types?: readonly string[];
  example?: unknown;
  /** In place of one, where they are told apart. */
  examples?: Record<string, unknown>;
}

export interface Route {
  method: Method;
  /** As the router knows it: `:name` is a parameter. */
  path: string;
  /** Unique, a verb first: what generated clients call it. */
  id: string;
  tag: Tag;
  summary: string;
  /** What the summary leaves out. */
  about?: string;
  who: Who;
  /** One schema, or several of which one fits. */
  query?: readonly z.ZodObject[];
  headers?: readonly ("Idempotency-Key" | "Last-Event-ID")[];
  body?: Body;
  answers: Readonly<Record<number, Answer>>;
  /** Codes besides those that follow from all the above. */
  codes?: readonly ErrorCode[];
  /** Limits besides those of whoever asks. */
  limits?: readonly LimitName[];
}

/** Whether the request may say as which session its user speaks. Who connects has none yet. */
export function maySpeakAsSession({ who, path }: Route): boolean {
  return who.user !== undefined && !path.endsWith("/connect");
}

/** Whether a back end changes something with it, as it may because of an event: such a request says how often it went round. */
export function mayGoRound({ who, method }: Route): boolean {
  return who.key !== undefined && method !== "GET";
}

/** Which limits a 429 of this route may name. */
export function limitsOf({ who, path, limits = [] }: Route): LimitName[] {
  const all: LimitName[] = [];
  if (who.user !== undefined || who.key !== undefined) all.push("address");
  if (who.key !== undefined) all.push("key");
  if (who.user !== undefined) all.push(path.endsWith("/connect") ? "connects" : "user");
  return [...all, ...limits];
}

/** Every code that this route may answer with. */
export function codesOf(route: Route): ErrorCode[] {
  const { who, path, query, body, codes = [] } = route;
  const all: ErrorCode[] = [];
  if (path.includes(":channel")) all.push("invalid_channel");
  if (path.includes(":user") || path.includes(":target")) all.push("invalid_user");
  if (query !== undefined || body !== undefined) all.push("bad_request");
  if (body !== undefined) all.push("invalid_json", "too_large");
  if (who.user !== undefined || who.key !== undefined) {
    all.push("unauthenticated", "token_expired", "token_invalid", "forbidden", "rate_limited", "unavailable");
  }
  if (who.user !== undefined) all.push("token_revoked");
  if (mayGoRound(route)) all.push("bad_request", "conflict");
  if (maySpeakAsSession(route)) all.push("session_gone");
  return [...new Set([...all, ...codes, "internal" as const])];
}
