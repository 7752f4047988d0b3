import { readdirSync, readFileSync } from "node:fs";
import { Validator } from "@seriousme/openapi-schema-validator";
import { expect, test } from "vitest";
import { ERROR_CODES, LIMIT_NAMES } from "../../src/protocol/codes.ts";
import type { Content, Operation } from "../../src/reference/document.ts";
import { openApiDocument } from "../../src/reference/openapi.ts";
import { brokenReferences, openApiChecks, pointerPart } from "../fixtures/document-checks.ts";

const document = openApiDocument();
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

test("[OA2] a public validator takes the document, and each reference leads somewhere", async () => {
  const result = await new Validator().validate({ ...document });
  expect(result.errors).toBeUndefined();
  expect(result.valid).toBe(true);
  expect(brokenReferences(document)).toEqual([]);
  const wrong = structuredClone(document) as { paths: object; info?: object };
  delete wrong.info;
  expect((await new Validator().validate(wrong)).valid).toBe(false);
});

test("[OA3] every operation has an id of its own, words, who may ask, and an example of each body and answer", () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const { operation } of operations) {
    expect(operation.summary, operation.operationId).not.toBe("");
    expect(operation.description, operation.operationId).toContain("Who may: ");
    for (const parameter of operation.parameters) {
      expect(parameter, `${operation.operationId} ${parameter.name}`).toMatchObject({
        description: expect.stringMatching(/\w/),
        example: expect.anything(),
      });
    }
    for (const content of contentsOf(operation)) expect(examplesOf(content).length).toBeGreaterThan(0);
  }
});

test("[OA4] every example is what its schema says", () => {
  const check = openApiChecks(openApiDocument({ isClosed: true }));
  const wrong: string[] = [];
  let checked = 0;
  const see = (pointer: string, value: unknown) => {
    checked += 1;
    wrong.push(...check(pointer, value).map((fault) => `${pointer}: ${fault}`));
  };
  for (const { path, method, operation } of operations) {
    const at = `/paths/${pointerPart(path)}/${method}`;
    operation.parameters.forEach(({ example }, i) => {
      see(`${at}/parameters/${i}/schema`, example);
    });
    const { requestBody, responses } = operation;
    seeEach(`${at}/requestBody/content`, requestBody?.content ?? {});
    for (const [status, { content = {} }] of Object.entries(responses))
      seeEach(`${at}/responses/${status}/content`, content);
  }
  function seeEach(at: string, contents: Record<string, Content>) {
    for (const [type, content] of Object.entries(contents)) {
      for (const value of examplesOf(content)) see(`${at}/${pointerPart(type)}/schema`, value);
    }
  }
  expect(checked).toBeGreaterThan(250);
  expect(wrong).toEqual([]);
});

test("[OA5] problems are there for every code that may come, each under its status", () => {
  const codes = new Set<string>();
  for (const { operation } of operations) {
    for (const [status, { content = {} }] of Object.entries(operation.responses)) {
      for (const code of Object.keys(content["application/problem+json"]?.examples ?? {})) {
        codes.add(code);
        expect(ERROR_CODES[code as keyof typeof ERROR_CODES][0], code).toBe(Number(status));
      }
    }
  }
  // Of frames; of what no path is for; and where nothing is listed as later, of what is.
  const elsewhere = [
    "use_channel_connection",
    "too_many_subscriptions",
    "method_not_allowed",
    "not_available",
  ];
  expect(Object.keys(ERROR_CODES).filter((code) => !codes.has(code) && !elsewhere.includes(code))).toEqual(
    [],
  );
});

test("[OA5] a 429 says which limits the route has, and each limit has a route but that of frames", () => {
  const named = new Set<string>();
  for (const { operation } of operations) {
    const { description = "", content = {} } = operation.responses["429"] ?? {};
    const { schema } = content["application/problem+json"] ?? {};
    const { limit } = (schema as { properties?: { limit?: { enum: string[] } } })?.properties ?? {};
    expect(limit !== undefined, operation.operationId).toBe(operation.responses["401"] !== undefined);
    for (const name of limit?.enum ?? []) {
      named.add(name);
      expect(description, operation.operationId).toContain(`\`${name}\``);
    }
  }
  expect([...named, "connection"].sort()).toEqual([...LIMIT_NAMES].sort());
});

test("[OA5] what a back end changes because of an event says how often it went round, and may be refused for it", () => {
  const asks = ({ parameters }: Operation) => parameters.some(({ name }) => name === "Rollcall-Hop");
  const changing = operations.filter(
    ({ method, operation }) => method !== "get" && operation.security.some((way) => "apiKey" in way),
  );
  expect(operations.filter(({ operation }) => asks(operation))).toEqual(changing);
  expect(changing.length).toBeGreaterThan(10);
  for (const { operation } of changing) {
    const { content = {} } = operation.responses["409"] ?? {};
    expect(Object.keys(content["application/problem+json"]?.examples ?? {})).toContain("conflict");
  }
});

test("[OA6] every schema and every field says what it means", () => {
  const silent: string[] = [];
  const walk = (at: string, schema: Record<string, unknown>) => {
    for (const [field, value] of Object.entries(
      (schema.properties ?? {}) as Record<string, Record<string, unknown>>,
    )) {
      if (value.description === undefined) silent.push(`${at}.${field}`);
      walk(`${at}.${field}`, value);
    }
    if (typeof schema.items === "object") walk(`${at}[]`, schema.items as Record<string, unknown>);
  };
  for (const [name, schema] of Object.entries(document.components.schemas)) {
    if (schema.description === undefined) silent.push(name);
    walk(name, schema as Record<string, unknown>);
  }
  expect(silent).toEqual([]);
});

test("[OA11] every schema that a handler checks with is in the document", () => {
  const folder = new URL("../../src/http/", import.meta.url).pathname;
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts"));
  const used = files.flatMap((name) =>
    [
      ...readFileSync(folder + name, "utf8").matchAll(
        /\b(?:query|body|keyedBody|optionalBody)In\(context, (\w+)\)/g,
      ),
    ].map(([, schema = ""]) => schema),
  );
  const reference = readdirSync(`${folder}../reference`).filter((name) => name.endsWith("-routes.ts"));
  const text = reference.map((name) => readFileSync(`${folder}../reference/${name}`, "utf8")).join("\n");
  const described = [...text.matchAll(/(?:query|schemas): \[([^\]]+)\]/g)].flatMap(([, list = ""]) =>
    list.split(/,\s*/),
  );
  expect(used.length).toBeGreaterThan(10);
  // The token maker of local development is in no deployment; a schema handed on as a parameter has its name there.
  const apart = ["TokenBody", "schema"];
  expect(used.filter((schema) => !described.includes(schema) && !apart.includes(schema))).toEqual([]);
});

test("[OA7] what a client doesn't know is allowed in answers, and what no schema names in none of ours", () => {
  const added = { id: "a", channel: "b", epoch: "c", offset: 1, at: 2, since: "another version" };
  expect(openApiChecks(document)("/components/schemas/Published", added)).toEqual([]);
  const closed = openApiChecks(openApiDocument({ isClosed: true }));
  expect(closed("/components/schemas/Published", added)).toHaveLength(1);
});

function contentsOf({ requestBody, responses }: Operation): Content[] {
  const answers = Object.values(responses).flatMap(({ content = {} }) => Object.values(content));
  return [...Object.values(requestBody?.content ?? {}), ...answers];
}

/** Those in place, and those of the components. */
function examplesOf({ example, examples = {} }: Content): unknown[] {
  const named = Object.values(examples).map(({ value, $ref = "" }) =>
    $ref === "" ? value : document.components.examples[$ref.split("/").at(-1) ?? ""]?.value,
  );
  return example === undefined ? named : [example, ...named];
}
