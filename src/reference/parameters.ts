import type * as z from "zod";
import { EndQuery } from "../protocol/answers.ts";
import { MemberQuery, MessageQuery } from "../protocol/bodies.ts";
import { OccupiedQuery, OnlineQuery, UsersQuery } from "../protocol/directory.ts";
import { HOP_HEADER, LetterQuery, MAX_HOPS } from "../protocol/events.ts";
import { InboxQuery } from "../protocol/inbox.ts";
import { CleanupQuery } from "../protocol/maintenance.ts";
import { UserQuery } from "../protocol/presence.ts";
import { ChannelConnectQuery, UserConnectQuery } from "./connection-routes.ts";
import type { Parameter } from "./document.ts";
import { refTo, type Schema } from "./json-schema.ts";
import { mayGoRound, maySpeakAsSession, type Route } from "./route.ts";
import { CLEANED, LETTER_ID, SESSION } from "./samples.ts";

/** Queries have names only to say what their fields mean: in the document they are parameters. */
export const QUERIES: Readonly<Record<string, z.ZodObject>> = {
  ChannelConnectQuery,
  UserConnectQuery,
  CleanupQuery,
  EndQuery,
  InboxQuery,
  LetterQuery,
  MemberQuery,
  MessageQuery,
  OccupiedQuery,
  OnlineQuery,
  UserQuery,
  UsersQuery,
};

const IN_PATH: Readonly<Record<string, { schema: Schema; words: string; example: string }>> = {
  channel: { schema: refTo("ChannelName"), words: "The channel's name.", example: "lobby" },
  user: { schema: refTo("UserId"), words: "The user's id.", example: "ann" },
  target: { schema: refTo("UserId"), words: "Who is watched.", example: "ben" },
  session: { schema: refTo("SessionId"), words: "The session's id.", example: SESSION.id },
  id: { schema: { type: "string" }, words: "The event's id.", example: LETTER_ID },
};

const HEADERS = {
  "Idempotency-Key": {
    schema: refTo("IdempotencyKey"),
    words: "The `key` of the body. Where both are there, both must agree.",
    example: "order-7",
  },
  "Last-Event-ID": {
    schema: { type: "string" },
    words: "Event streams: where the client stood. A position that can't be read is as if it were absent.",
    example: "cHJWed1IZbMGwds45pdHpw:7",
  },
  [HOP_HEADER]: {
    schema: { type: "integer", minimum: 1, maximum: MAX_HOPS },
    words:
      "Where an event of a webhook is why you ask: that of its delivery, handed on. What went round more often is " +
      "409 `conflict`.",
    example: 1,
  },
  "Rollcall-Session": {
    schema: refTo("SessionId"),
    words: "Of a user: as which live session it speaks. It is `from.session` of what is published.",
    example: SESSION.id,
  },
} as const;

/** By name, or schema and name, what a request might ask with. A test checks each against its schema. */
const ASKED: Readonly<Record<string, unknown>> = {
  after: 0,
  before: 8,
  channels: "lobby,room:7",
  cursor: "ann",
  device: "ann-laptop",
  device_id: "ann-laptop",
  device_name: "Firefox",
  device_type: "web",
  epoch: "cHJWed1IZbMGwds45pdHpw",
  limit: 100,
  offset: 7,
  order: "desc",
  prefix: "room:",
  revoke: "true",
  rewind: 20,
  users: "ann,ben",
  watch: "ben,cid",
  "CleanupQuery.cursor": CLEANED.cursor,
  "LetterQuery.cursor": "100",
};

/** The queries of these routes by name. Throws where one has none. */
export function parameterNames(routes: readonly Route[]): Record<string, z.ZodObject> {
  const used = new Set(routes.flatMap(({ query = [] }) => query));
  for (const query of used) {
    if (!Object.values(QUERIES).includes(query)) throw new Error("a query of the documents has no name");
  }
  return { ...QUERIES };
}

/** In the path, the query and headers. One of several queries fits, so what is in one alone is not required. */
export function parametersOf(route: Route, queries: Record<string, Schema>): Parameter[] {
  const inPath = [...route.path.matchAll(/:(\w+)/g)].map(([, name = ""]): Parameter => {
    const { schema = {}, words = "", example } = IN_PATH[name] ?? {};
    return { name, in: "path", required: true, description: words, schema, example };
  });
  const headers = [
    ...(route.headers ?? []),
    ...(mayGoRound(route) ? ([HOP_HEADER] as const) : []),
    ...(maySpeakAsSession(route) ? ["Rollcall-Session" as const] : []),
  ];
  const inHeader = headers.map((name): Parameter => {
    const { schema, words, example } = HEADERS[name];
    return { name, in: "header", required: false, description: words, schema, example };
  });
  return [...inPath, ...inQuery(route, queries), ...inHeader];
}

function inQuery({ query = [] }: Route, queries: Record<string, Schema>): Parameter[] {
  const found = new Map<string, Parameter>();
  for (const schema of query) {
    const name = Object.keys(QUERIES).find((known) => QUERIES[known] === schema) ?? "";
    const { properties = {}, required = [] } = queries[name] ?? {};
    for (const [field, { description, ...value }] of Object.entries(properties as Record<string, Schema>)) {
      if (found.has(field)) continue;
      found.set(field, {
        name: field,
        in: "query",
        required: query.length === 1 && required.includes(field),
        ...(description !== undefined && { description }),
        schema: value,
        example: ASKED[`${name}.${field}`] ?? ASKED[field],
      });
    }
  }
  return [...found.values()];
}
