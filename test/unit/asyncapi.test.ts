import specs from "@asyncapi/specs";
import { Ajv } from "ajv";
import addFormats from "ajv-formats";
import { expect, test } from "vitest";
import { ClientFrame } from "../../src/protocol/client-frames.ts";
import { asyncApiDocument } from "../../src/reference/asyncapi.ts";
import { asyncApiChecks, brokenReferences } from "../fixtures/document-checks.ts";

const document = asyncApiDocument();
const { messages } = document.components;

function officialFaults(value: object): unknown[] {
  const ajv = new Ajv({ strict: false, allErrors: false });
  addFormats.default(ajv);
  const validate = ajv.compile(specs.schemasWithoutId["3.0.0"] as object);
  return validate(value) === true ? [] : (validate.errors ?? []);
}

test("[OA8] the AsyncAPI document is one by the official schema, and each reference leads somewhere", () => {
  expect(officialFaults(document)).toEqual([]);
  expect(brokenReferences(document)).toEqual([]);
  expect(officialFaults({ ...document, channels: { user: { address: 7 } } })).not.toEqual([]);
});

test("[OA9] every frame is a message of the document, in the operations of its connections", () => {
  const types = ClientFrame.options.map(({ shape }) => shape.type.value);
  expect(types.filter((type) => !(type in messages))).toEqual([]);
  const used = Object.values(document.operations).flatMap((operation) => [
    ...operation.messages,
    ...((operation.reply?.messages ?? []) as { $ref: string }[]),
  ]);
  const names = new Set(used.map(({ $ref }) => $ref.split("/").at(-1)));
  expect(Object.keys(messages).filter((name) => !names.has(name))).toEqual([]);
  for (const type of types) {
    expect(`user.${type}` in document.operations || `channel.${type}` in document.operations, type).toBe(
      true,
    );
  }
});

test("[OA9] every example of a message is what its schema says, and what the service reads", () => {
  const check = asyncApiChecks(asyncApiDocument({ isClosed: true }));
  const wrong: string[] = [];
  for (const [name, { examples }] of Object.entries(messages)) {
    expect(examples.length, name).toBeGreaterThan(0);
    for (const { payload } of examples) {
      const pointer = `/components/messages/${name}/payload`;
      wrong.push(...check(pointer, payload).map((fault) => `${name}: ${fault}`));
    }
  }
  expect(wrong).toEqual([]);
  for (const { shape } of ClientFrame.options) {
    const payload = messages[shape.type.value]?.examples[0]?.payload;
    expect(ClientFrame.safeParse(payload).success, shape.type.value).toBe(true);
  }
});
