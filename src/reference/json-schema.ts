import * as z from "zod";
import { BatchBody, BroadcastBody } from "../protocol/many.ts";
import { meaningOf } from "./meanings.ts";
import { SCHEMA_MEANINGS } from "./schema-meanings.ts";

/** A JSON Schema, as far as we read it. */
export type Schema = z.core.JSONSchema.BaseSchema;

export interface Conversion {
  /** What clients send, or what they are sent: a default makes a field optional in one and not in the other. */
  io: "input" | "output";
  /** AsyncAPI knows draft 7, OpenAPI 3.1 the newest. */
  target: "draft-2020-12" | "draft-07";
  /** Fields that a schema doesn't name are errors. For tests: clients must ignore what they don't know. */
  isClosed?: boolean;
}

/** Where both documents keep their schemas. */
export const COMPONENTS = "#/components/schemas/";

/** A reference to a schema of the document. */
export function refTo(name: string): { $ref: string } {
  return { $ref: COMPONENTS + name };
}

/** These zod schemas as JSON Schemas that refer to one another by name, each field with what it means. */
export function jsonSchemas(
  named: Record<string, z.ZodType>,
  { io, target, isClosed = false }: Conversion,
): Record<string, Schema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    io,
    target,
    uri: (id) => COMPONENTS + id,
    unrepresentable: ({ zodSchema }) => (zodSchema._zod.def.type === "undefined" ? { not: {} } : "throw"),
    override: ({ zodSchema, jsonSchema }) => {
      if (!isClosed && isOpen(zodSchema)) delete jsonSchema.additionalProperties;
      mend(zodSchema, jsonSchema);
      spellOut(jsonSchema, isClosed);
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([name, { $schema: _, $id: __, ...schema }]) => [
      name,
      explained({ ...meaning(name), ...schema }, name, target),
    ]),
  );
}

function meaning(name: string): { description?: string } {
  const words = SCHEMA_MEANINGS[name];
  return words === undefined ? {} : { description: words };
}

/** Objects whose unknown fields are left out when they are read: all but strict ones, and records. */
function isOpen(schema: z.core.$ZodType): boolean {
  const { def } = schema._zod;
  return def.type === "object" && (def as z.core.$ZodObjectDef).catchall === undefined;
}

/** Where a schema says less, or more, than a reader should know. */
function mend(schema: z.core.$ZodType, json: Schema): void {
  // Each is checked by itself, so that a wrong one spoils no other.
  if (schema === BatchBody.shape.operations) json.items = refTo("Operation");
  // It is there to be refused.
  if (schema === BroadcastBody) delete json.properties?.exclude;
}

/** A record of which all keys are known is an object with these fields. */
function spellOut(json: Schema, isClosed: boolean): void {
  const { propertyNames: names, additionalProperties: value, required } = json;
  if (typeof names !== "object" || names.enum === undefined || required === undefined) return;
  json.properties = Object.fromEntries(required.map((name) => [name, structuredClone(value ?? {})]));
  delete json.propertyNames;
  delete json.additionalProperties;
  if (isClosed) json.additionalProperties = false;
}

/** With what each field means, at any depth. `name` is of the schema that they stand in. */
function explained(schema: Schema, name: string, target: Conversion["target"]): Schema {
  for (const [field, value] of Object.entries(schema.properties ?? {})) {
    if (typeof value === "boolean") continue;
    explained(value, name, target);
    const meaning = meaningOf(field, name);
    const isSeen = value.$ref === undefined || target !== "draft-07"; // which ignores what stands beside a reference
    if (meaning !== undefined && isSeen) value.description ??= meaning;
  }
  for (const inner of [
    schema.items,
    schema.additionalProperties,
    ...(schema.anyOf ?? []),
    ...(schema.oneOf ?? []),
  ]) {
    if (typeof inner === "object" && !Array.isArray(inner)) explained(inner, name, target);
  }
  return schema;
}
