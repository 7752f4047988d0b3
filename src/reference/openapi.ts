import type * as z from "zod";
import { ERROR_CODES, type ErrorCode, type LimitName, refusal } from "../protocol/codes.ts";
import { problemOf } from "../protocol/problem.ts";
import type { OpenApi, Operation, Reply } from "./document.ts";
import { jsonSchemas, refTo, type Schema } from "./json-schema.ts";
import { ANSWERS, nameOf, REQUESTS } from "./names.ts";
import { parameterNames, parametersOf } from "./parameters.ts";
import { type Answer, type Body, codesOf, limitsOf, type Route, TAGS } from "./route.ts";
import { ROUTES } from "./routes.ts";
import { SECURITY_SCHEMES, securityOf, whoMay } from "./security.ts";

/** The version of the contract, not of this release. */
export const CONTRACT_VERSION = "1";

const PROBLEM = "application/problem+json";

const DESCRIPTION = `Presence and broadcast at the edge: who is online, and messages to them.

Times are integers, milliseconds since the Unix epoch; sizes are bytes of UTF-8. Fields that the service does not know
are ignored, a wrong type is an error that names the field: do likewise, and decide by \`code\`. A body is at most
256 KiB and nests at most 32 deep. Numbers that an operator may set are given as they are by default.

What is too much is 429 with \`limit\`, which names what was; come back after \`retryAfterMs\`. Every answer but an upgrade
has an \`X-Request-Id\`: yours, where the request brings one of 8-64 letters, digits and hyphens.
\`Rollcall-Hop\` is a parameter of what changes something; a wrong or too large one is refused below \`/v1/\` wherever it stands.

The frames of connections are in the AsyncAPI document, \`/v1/asyncapi.json\`. \`/docs\` shows both.`;

/**
 * Every route, made from the schemas that check what comes in. With `isClosed` answers may hold nothing that the
 * document doesn't name: tests see so that it is complete; clients must ignore what they don't know.
 */
export function openApiDocument({ isClosed = false } = {}): OpenApi {
  const { schemas, queries } = allSchemas(isClosed);
  const paths: OpenApi["paths"] = {};
  for (const route of ROUTES) {
    const path = route.path.replaceAll(/:(\w+)/g, "{$1}");
    paths[path] = { ...paths[path], [route.method.toLowerCase()]: operationOf(route, queries) };
  }
  return {
    openapi: "3.1.1",
    info: {
      title: "Rollcall",
      version: CONTRACT_VERSION,
      description: DESCRIPTION,
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [
      { url: "/", description: "Where this document is from" },
      { url: "http://127.0.0.1:8787", description: "Local development" },
    ],
    tags: Object.entries(TAGS).map(([name, description]) => ({ name, description })),
    paths,
    components: {
      schemas,
      examples: problemExamples(paths),
      headers: HEADERS,
      securitySchemes: SECURITY_SCHEMES,
    },
  };
}

/** Of bodies and answers by name, and of queries, which become parameters. */
function allSchemas(isClosed: boolean) {
  const target = "draft-2020-12";
  const queryNames = parameterNames(ROUTES);
  const sent = jsonSchemas({ ...REQUESTS, ...queryNames }, { io: "input", target });
  const queries = Object.fromEntries(Object.keys(queryNames).map((name) => [name, sent[name] ?? {}]));
  const requests = Object.entries(sent).filter(([name]) => !(name in queryNames));
  const answers = jsonSchemas(ANSWERS, { io: "output", target, isClosed });
  return { queries, schemas: { ...Object.fromEntries(requests), ...answers } };
}

function operationOf(route: Route, queries: Record<string, Schema>): Operation {
  const parameters = parametersOf(route, queries);
  return {
    operationId: route.id,
    tags: [route.tag],
    summary: route.summary,
    description: [route.about, whoMay(route.who)].filter((text) => text !== undefined).join("\n\n"),
    security: securityOf(route),
    parameters,
    ...(route.body && { requestBody: requestBodyOf(route.body) }),
    responses: responsesOf(route),
  };
}

function requestBodyOf({ schemas, isOptional, examples }: Body) {
  const content = { schema: schemaOf(schemas, REQUESTS), examples: valuesOf(examples) };
  return { required: isOptional !== true, content: { "application/json": content } };
}

function valuesOf(examples: Record<string, unknown>): Record<string, { value: unknown }> {
  return Object.fromEntries(Object.entries(examples).map(([name, value]) => [name, { value }]));
}

function responsesOf(route: Route): Operation["responses"] {
  const responses: Record<string, Reply> = {};
  for (const [status, answer] of Object.entries(route.answers)) {
    // An upgrade is handed on as it came.
    const headers = status === "101" ? {} : { headers: headersOf(["X-Request-Id"]) };
    responses[status] = { ...responseOf(answer), ...headers };
  }
  for (const [status, ofStatus] of byStatus(codesOf(route))) {
    const refused = refusedWith(status, ofStatus, limitsOf(route));
    const { content = {}, description } = responses[status] ?? { description: "" };
    responses[status] = {
      ...refused,
      description: [description, refused.description].filter((text) => text !== "").join(" Else: "),
      content: { ...content, ...refused.content },
    };
  }
  return responses;
}

function responseOf({ words, schema, types = ["application/json"], example, examples }: Answer): Reply {
  if (schema === undefined && example === undefined) return { description: words };
  const content = {
    schema: schema === undefined ? { type: "string" as const } : schemaOf([schema], ANSWERS),
    ...(examples === undefined ? { example } : { examples: valuesOf(examples) }),
  };
  return { description: words, content: Object.fromEntries(types.map((type) => [type, content])) };
}

function schemaOf(schemas: readonly z.ZodType[], list: Readonly<Record<string, z.ZodType>>) {
  const refs = schemas.map((schema) => refTo(nameOf(schema, list)));
  return refs.length === 1 && refs[0] !== undefined ? refs[0] : { anyOf: refs };
}

function byStatus(codes: ErrorCode[]): Map<number, ErrorCode[]> {
  const all = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const [status] = ERROR_CODES[code];
    all.set(status, [...(all.get(status) ?? []), code]);
  }
  return new Map([...all].sort(([a], [b]) => a - b));
}

function refusedWith(status: number, codes: ErrorCode[], limits: LimitName[]): Reply {
  const examples = Object.fromEntries(codes.map((code) => [code, { $ref: `#/components/examples/${code}` }]));
  const headers =
    status === 401 ? ["WWW-Authenticate"] : status === 429 || status === 503 ? ["Retry-After"] : [];
  const properties = { code: { enum: codes }, ...(status === 429 && { limit: { enum: limits } }) };
  const known = status === 429 ? ` \`limit\` says which: ${listed(limits)}.` : "";
  return {
    description: `${listed(codes)}.${known}`,
    headers: headersOf([...headers, "X-Request-Id"]),
    content: { [PROBLEM]: { schema: { allOf: [refTo("Problem")], properties }, examples } },
  };
}

function listed(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(", ");
}

function headersOf(names: readonly string[]) {
  return Object.fromEntries(names.map((name) => [name, { $ref: `#/components/headers/${name}` }]));
}

const HEADERS = {
  "X-Request-Id": {
    description:
      "The request's id, as it stands in the log: that of the request's own header, where it has a good one.",
    required: true,
    schema: { type: "string" },
    example: "1f6d3c0a-6b1e-4c39-9a0c-5f0d2f3f8f55",
  },
  "Retry-After": {
    description: "Come back no sooner, in seconds.",
    schema: { type: "integer", minimum: 1 },
    example: 1,
  },
  "WWW-Authenticate": {
    description: "What to present.",
    schema: { type: "string" },
    example: 'Bearer realm="rollcall"',
  },
};

/** One of each code that may come, as this very service writes it. */
function problemExamples(paths: OpenApi["paths"]): OpenApi["components"]["examples"] {
  const text = JSON.stringify(paths);
  const codes = (Object.keys(ERROR_CODES) as ErrorCode[]).filter((code) => text.includes(exampleOf(code)));
  return Object.fromEntries(
    codes.map((code) => [code, { summary: ERROR_CODES[code][1], value: problemWith(code) }]),
  );
}

function problemWith(code: ErrorCode) {
  const [, title] = ERROR_CODES[code];
  if (code === "rate_limited") {
    // Whoever needs a credential may meet this one.
    const limited = refusal(code, "too many bad credentials from this address");
    return problemOf({ ...limited, retryAfterMs: 100, limit: "address" }).body;
  }
  if (code !== "bad_request") return problemOf(refusal(code, title)).body;
  const message = "Invalid input: expected string, received array";
  return problemOf(refusal(code, `event: ${message}`, [{ path: "event", message }])).body;
}

function exampleOf(code: ErrorCode): string {
  return `"#/components/examples/${code}"`;
}
