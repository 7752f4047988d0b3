import type * as z from "zod";

/** What is needed to write the type of a schema. */
export interface Vocabulary {
  /** The type that stands for this schema, where one is named for it. */
  nameOf(schema: z.core.$ZodType): string | undefined;
  /** The comment at this property where it is declared. */
  docOf(schema: z.core.$ZodType, property: string): string | undefined;
}

/**
 * The type of what a schema lets through, as the text of a TypeScript type: `z.infer` without zod. `isNamed` says that
 * it may be a name. Throws for a kind of schema that it does not know: whoever uses a new one adds it here.
 */
export function typeText(schema: z.core.$ZodType, words: Vocabulary, isNamed = true): string {
  const name = isNamed ? words.nameOf(schema) : undefined;
  if (name !== undefined) return name;
  const of = (part: z.core.$ZodType) => typeText(part, words);
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case "string":
    case "number":
    case "boolean":
    case "unknown":
    case "undefined":
    case "null":
      return def.type;
    case "literal":
      return def.values.map((value) => JSON.stringify(value)).join(" | ");
    case "enum":
      return Object.values(def.entries)
        .map((value) => JSON.stringify(value))
        .join(" | ");
    case "array":
      return `Array<${of(def.element)}>`;
    case "record":
      return `Record<${of(def.keyType)}, ${of(def.valueType)}>`;
    case "union":
      return def.options.map(of).join(" | ");
    case "optional":
      return of(def.innerType).replace(/(?: \| undefined)?$/, " | undefined");
    case "nullable":
      return `${of(def.innerType)} | null`;
    case "default":
      return of(def.innerType);
    case "pipe":
      return of(def.out);
    case "object":
      return objectText(def, words);
    default:
      throw new Error(`no type is known for a schema of the kind ${def.type}`);
  }
}

function objectText({ shape, catchall }: z.core.$ZodObjectDef, words: Vocabulary): string {
  const lines = Object.entries(shape).map(([property, schema]) => {
    const doc = words.docOf(schema, property);
    const mark = schema._zod.optout === "optional" ? "?" : "";
    return `${doc === undefined ? "" : `${doc}\n`}${property}${mark}: ${typeText(schema, words)};`;
  });
  if (catchall?._zod.def.type === "unknown") lines.push("[key: string]: unknown;");
  return `{\n${lines.join("\n").replaceAll(/^/gm, "    ")}\n}`;
}
