import type * as z from "zod";
import { ChannelName } from "../protocol/names.ts";
import { CLIENT_MESSAGES, type ClientMessage, type Kind, okOf } from "./client-messages.ts";
import { ChannelConnectQuery, UserConnectQuery } from "./connection-routes.ts";
import { jsonSchemas, refTo, type Schema } from "./json-schema.ts";
import { ANSWERS, REQUESTS } from "./names.ts";
import { CONTRACT_VERSION } from "./openapi.ts";
import { SECURITY_SCHEMES } from "./security.ts";
import { SERVER_MESSAGES } from "./server-messages.ts";

type Json = Record<string, unknown>;
type Ref = { $ref: string };

/** One message of the document. */
export interface AsyncMessage {
  name: string;
  summary: string;
  contentType: string;
  payload: Ref | Schema;
  examples: { payload: unknown }[];
}

/** An AsyncAPI 3.0 document, as far as we read it. */
export interface AsyncApi {
  asyncapi: string;
  info: { title: string; version: string; description: string; license: Json };
  defaultContentType: string;
  servers: Record<string, Json>;
  channels: Record<Kind, { address: string; description: string; messages: Record<string, Ref> } & Json>;
  operations: Record<
    string,
    { action: "send" | "receive"; channel: Ref; messages: Ref[]; summary: string; reply?: Json }
  >;
  components: {
    messages: Record<string, AsyncMessage>;
    schemas: Record<string, Schema>;
    securitySchemes: Json;
  };
}

const KINDS: Record<Kind, { address: string; description: string }> = {
  user: {
    address: "/v1/connect",
    description: "The user's own connection: presence, direct messages, and the channels it subscribes to.",
  },
  channel: {
    address: "/v1/channels/{channel}/connect",
    description: "A connection to one channel: the roster and every message of it.",
  },
};

const DESCRIPTION = `The frames of a connection. Every text frame is one JSON object with a \`type\`, or a non-empty array
of such objects, in order: a client puts at most 100 into one. \`ok\` and \`error\` carry the \`ref\` of what they answer.
Ignore a \`type\` and fields that you do not know. Say the text \`ping\` as often as \`welcome\` says.

The same messages come as server-sent events where a client asks for \`text/event-stream\`; on these there is nothing to
answer. Close codes: 4000-4499 come back, 4500-4999 stay away. How to connect, and everything over HTTP, is in the OpenAPI
document, \`/v1/openapi.json\`.`;

const PING: AsyncMessage = heartbeat(
  "ping",
  "I am here. The text itself, not JSON: the platform answers it and wakes no code.",
);
const PONG: AsyncMessage = heartbeat("pong", "The answer to `ping`.");

/** Every message of a connection, made from the schemas that check what comes in. `isClosed` as in `openApiDocument`. */
export function asyncApiDocument({ isClosed = false } = {}): AsyncApi {
  const kinds = Object.keys(KINDS) as Kind[];
  return {
    asyncapi: "3.0.0",
    info: {
      title: "Rollcall connections",
      version: CONTRACT_VERSION,
      description: DESCRIPTION,
      license: { name: "MIT", url: "https://opensource.org/license/mit" },
    },
    defaultContentType: "application/json",
    servers: {
      deployed: { host: "rollcall.example.com", protocol: "wss", security: securityRefs() },
      local: { host: "127.0.0.1:8787", protocol: "ws", security: securityRefs() },
    },
    channels: Object.fromEntries(kinds.map((kind) => [kind, channelOf(kind)])) as AsyncApi["channels"],
    operations: Object.fromEntries(kinds.flatMap((kind) => operationsOn(kind))),
    components: {
      messages: messages(),
      schemas: allSchemas(isClosed),
      securitySchemes: asyncSecurity(),
    },
  };
}

function channelOf(kind: Kind): AsyncApi["channels"][Kind] {
  const names = Object.keys(namesOn(kind));
  const conversion = { io: "input", target: "draft-07" } as const;
  const query = { user: { UserConnectQuery }, channel: { ChannelConnectQuery } }[kind];
  const [schema] = Object.values(jsonSchemas(query, conversion));
  return {
    ...KINDS[kind],
    ...(kind === "channel" && {
      parameters: { channel: { description: "The channel's name.", examples: ["lobby"] } },
    }),
    messages: Object.fromEntries(names.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { ws: { method: "GET", query: schema, bindingVersion: "0.1.0" } },
  };
}

/** From the service's side: it receives what clients send, each with what it answers, and sends all the rest. */
function operationsOn(kind: Kind): [string, AsyncApi["operations"][string]][] {
  const channel = { $ref: `#/channels/${kind}` };
  const refs = (names: string[]) => names.map((name) => ({ $ref: `#/channels/${kind}/messages/${name}` }));
  const received = clientMessagesOn(kind).map(([type, message]): [string, AsyncApi["operations"][string]] => {
    const answer = answerName(type, message);
    const reply = answer === undefined ? {} : { reply: { channel, messages: refs([answer, "error"]) } };
    const { summary } = message;
    return [`${kind}.${type}`, { action: "receive", channel, summary, messages: refs([type]), ...reply }];
  });
  const pinged = { action: "receive" as const, channel, summary: PING.summary, messages: refs(["ping"]) };
  const said = serverNamesOn(kind);
  return [
    ...received,
    [`${kind}.ping`, { ...pinged, reply: { channel, messages: refs(["pong"]) } }],
    [
      `${kind}.said`,
      { action: "send", channel, summary: "What comes without being asked for.", messages: refs(said) },
    ],
  ];
}

function clientMessagesOn(kind: Kind): [string, ClientMessage][] {
  return Object.entries(CLIENT_MESSAGES).filter(([, { on }]) => on.includes(kind));
}

/** `from.` begins the name of what the server sends where a client's message has the same type. */
function serverNamesOn(kind: Kind): string[] {
  return Object.entries(SERVER_MESSAGES)
    .filter(([, { on }]) => on.includes(kind))
    .map(([type]) => serverName(type));
}

function serverName(type: string): string {
  return type in CLIENT_MESSAGES ? `server.${type}` : type;
}

function answerName(type: string, { answer }: ClientMessage): string | undefined {
  if (answer === null) return undefined;
  return answer === "subscribed" ? "subscribed" : `ok.${type}`;
}

function namesOn(kind: Kind): Record<string, true> {
  const client = clientMessagesOn(kind);
  const oks = client.map(([type, message]) => answerName(type, message)).filter((name) => name !== undefined);
  const all = [...client.map(([type]) => type), "ping", "pong", ...oks, ...serverNamesOn(kind)];
  return Object.fromEntries(all.map((name) => [name, true as const]));
}

function messages(): AsyncApi["components"]["messages"] {
  const all: Record<string, AsyncMessage> = { ping: PING, pong: PONG };
  for (const [type, message] of Object.entries(CLIENT_MESSAGES)) {
    all[type] = messageOf(type, message);
    const { answer, answerExample: fields } = message;
    if (answer === null || answer === "subscribed") continue;
    const summary = `The answer to \`${type}\`.`;
    all[`ok.${type}`] = messageOf(`ok.${type}`, { summary, example: { type: "ok", ref: 1, ...fields } });
  }
  for (const [type, message] of Object.entries(SERVER_MESSAGES))
    all[serverName(type)] = messageOf(serverName(type), message);
  return all;
}

function messageOf(name: string, { summary, example }: { summary: string; example: unknown }): AsyncMessage {
  const contentType = "application/json";
  return { name, summary, contentType, payload: refTo(schemaName(name)), examples: [{ payload: example }] };
}

/** `ok.publish` is `OkPublish`. Frames have their own: the fields of `publish` alone are `PublishBody`. */
function schemaName(message: string): string {
  const words = message.split(".").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1));
  return `${words.join("")}Frame`;
}

function allSchemas(isClosed: boolean): Record<string, Schema> {
  const sent: Record<string, z.ZodType> = { ChannelName };
  const said: Record<string, z.ZodType> = {};
  for (const [type, { schema, answer }] of Object.entries(CLIENT_MESSAGES)) {
    sent[schemaName(type)] = schema;
    if (answer !== null && answer !== "subscribed") said[schemaName(`ok.${type}`)] = okOf(answer);
  }
  for (const [type, { schema }] of Object.entries(SERVER_MESSAGES))
    said[schemaName(serverName(type))] = schema;
  const target = "draft-07";
  return onlyUsed(
    {
      ...jsonSchemas({ ...REQUESTS, ...sent }, { io: "input", target }),
      ...jsonSchemas({ ...ANSWERS, ...said }, { io: "output", target, isClosed }),
    },
    [...Object.keys(sent), ...Object.keys(said)],
  );
}

/** Those of `schemas` that these lead to. */
function onlyUsed(schemas: Record<string, Schema>, from: string[]): Record<string, Schema> {
  const used = new Set(from);
  for (const name of used) {
    for (const [, found = ""] of JSON.stringify(schemas[name]).matchAll(/#\/components\/schemas\/(\w+)/g))
      used.add(found);
  }
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)));
}

function heartbeat(name: string, summary: string): AsyncMessage {
  return {
    name,
    summary,
    contentType: "text/plain",
    payload: { type: "string", const: name },
    examples: [{ payload: name }],
  };
}

/** Those that connect. AsyncAPI has names of its own for keys in headers and queries. */
function asyncSecurity(): Json {
  const { userToken, ticket, subprotocol, queryToken } = SECURITY_SCHEMES;
  const httpKey = (scheme: { name: string; in: string; description: string }) => ({
    ...scheme,
    type: "httpApiKey",
  });
  return {
    userToken,
    subprotocol: httpKey(subprotocol),
    ticket: httpKey(ticket),
    queryToken: httpKey(queryToken),
  };
}

function securityRefs(): Ref[] {
  return Object.keys(asyncSecurity()).map((name) => ({ $ref: `#/components/securitySchemes/${name}` }));
}
