import { readFile } from "node:fs/promises";
import type * as z from "zod";
import { typeText, type Vocabulary } from "./schema-type.ts";
import { importsIn, namesIn, type Statement, statementsIn } from "./statements.ts";

const PROTOCOL = new URL("../protocol/", import.meta.url);

interface Module {
  /** Declarations, as the compiler wrote them, by name. A schema and its type share one: then the type is meant. */
  types: Map<string, Statement>;
  values: Map<string, Statement>;
  imports: Map<string, { name: string; from: string }>;
  schemas: Map<string, z.core.$ZodType>;
}

/**
 * The types of `protocol/` that the SDKs' own declarations name, written out: by the compiler they are `z.infer` of a
 * schema, and whoever installs the package has no zod. Only what is named, and what that names, is there.
 */
export class ProtocolTypes {
  readonly #modules = new Map<string, Module>();
  readonly #names = new Map<z.core.$ZodType, string>();
  readonly #docs = new Map<z.core.$ZodType, Map<string, string>>();
  /** By module what is needed of it. */
  readonly #needed = new Map<string, Map<string, string>>();

  /** `files` are the modules' declarations by name, without a suffix. */
  static async of(files: ReadonlyMap<string, string>): Promise<ProtocolTypes> {
    const types = new ProtocolTypes();
    for (const [name, text] of files) await types.#add(name, text);
    return types;
  }

  /** Some declaration names this one. */
  need(module: string, name: string): void {
    const known = this.#needed.get(module) ?? new Map<string, string>();
    this.#needed.set(module, known);
    if (known.has(name)) return;
    known.set(name, ""); // before what it names, which may name it
    const text = this.#textOf(module, name);
    known.set(name, text);
    const { types, values, imports } = this.#moduleOf(module);
    for (const word of namesIn(text)) {
      const imported = imports.get(word) ?? this.#elsewhere(module, word);
      if (types.has(word) || values.has(word)) this.need(module, word);
      else if (imported !== undefined) this.need(moduleName(imported.from), imported.name);
    }
  }

  /** By module the text of its declarations. */
  texts(): Map<string, string> {
    const texts = new Map<string, string>();
    for (const [module, needed] of this.#needed) {
      const body = [...needed.values()].join("\n");
      texts.set(module, `${[...this.#importsFor(module, body), body].join("\n")}\n`);
    }
    return texts;
  }

  async #add(name: string, text: string): Promise<void> {
    const statements = statementsIn(text);
    const isType = ({ text: words }: Statement) =>
      /^(?:export )?(?:declare )?(?:type|interface) /.test(words);
    const byName = (some: Statement[]) => new Map(some.map((statement) => [statement.name, statement]));
    const exports: Record<string, unknown> = await import(new URL(`${name}.ts`, PROTOCOL).href);
    const schemas = Object.entries(exports).filter((entry): entry is [string, z.core.$ZodType] =>
      isSchema(entry[1]),
    );
    const module: Module = {
      types: byName(statements.filter((one) => one.name !== "" && isType(one))),
      values: byName(statements.filter((one) => one.name !== "" && !isType(one))),
      imports: importsIn(text),
      schemas: new Map(schemas),
    };
    this.#modules.set(name, module);
    const source = await readFile(new URL(`${name}.ts`, PROTOCOL), "utf8");
    for (const [schemaName, schema] of schemas) {
      if (module.types.has(schemaName)) this.#names.set(schema, schemaName);
      this.#noteDocs(schema, declarationOf(source, schemaName));
    }
  }

  #textOf(module: string, name: string): string {
    const { types, values, schemas } = this.#moduleOf(module);
    const type = types.get(name);
    const schema = schemas.get(name);
    if (type === undefined || schema === undefined || !type.text.includes("z.infer")) {
      const written = type ?? values.get(name);
      if (written === undefined) throw new Error(`protocol/${module}.ts declares no ${name}`);
      if (/\bz\./.test(written.text))
        throw new Error(`${name} of protocol/${module}.ts can't be without zod`);
      return written.doc + written.text;
    }
    const doc = type.doc || (values.get(name)?.doc ?? "");
    return `${doc}export type ${name} = ${typeText(schema, this.#words, false)};`;
  }

  /** A schema's name, where its type is more than a primitive. */
  readonly #words: Vocabulary = {
    nameOf: (schema) =>
      ["string", "number"].includes(schema._zod.def.type) ? undefined : this.#names.get(schema),
    docOf: (schema, property) => this.#docs.get(schema)?.get(property),
  };

  /** Written out, a type may name one that its module does not import: it knew the schema under another name. */
  #elsewhere(module: string, word: string): { name: string; from: string } | undefined {
    for (const [schema, name] of this.#names) {
      if (name !== word) continue;
      const [owner] = [...this.#modules].find(([, { schemas }]) => schemas.get(name) === schema) ?? [];
      if (owner !== undefined && owner !== module) return { name, from: `./${owner}.ts` };
    }
    return undefined;
  }

  #importsFor(module: string, body: string): string[] {
    const { imports, types, values } = this.#moduleOf(module);
    const lines: string[] = [];
    for (const word of namesIn(body)) {
      if (types.has(word) || values.has(word)) continue;
      const { name, from } = imports.get(word) ?? this.#elsewhere(module, word) ?? {};
      if (name === undefined || from === undefined) continue;
      lines.push(`import type { ${name === word ? name : `${name} as ${word}`} } from "${from}";`);
    }
    return lines.sort();
  }

  #noteDocs(schema: z.core.$ZodType, declaration: string): void {
    const { def } = (schema as z.core.$ZodTypes)._zod;
    if (def.type !== "object") return;
    for (const [, doc = "", property = ""] of declaration.matchAll(/(\/\*\*[^\n]*\*\/)\s+(\w+):/g)) {
      const part = def.shape[property];
      if (part === undefined) continue;
      this.#docs.set(part, new Map(this.#docs.get(part)).set(property, doc));
    }
  }

  #moduleOf(name: string): Module {
    const module = this.#modules.get(name);
    if (module === undefined) throw new Error(`protocol/${name}.ts has no declarations`);
    return module;
  }
}

/** `./bodies.ts` and `../protocol/bodies.ts` are `bodies`. */
export function moduleName(path: string): string {
  return path.replace(/^.*\//, "").replace(/\.[jt]s$/, "");
}

function isSchema(value: unknown): value is z.core.$ZodType {
  return typeof value === "object" && value !== null && "_zod" in value;
}

/** The source of `export const <name> = …`, up to the next line at the margin that begins another. */
function declarationOf(source: string, name: string): string {
  const start = source.indexOf(`export const ${name} = `);
  if (start < 0) return "";
  const rest = source.slice(start);
  const end = rest.slice(1).search(/^(?:export|const|type|interface|function|\/\*\*) /m);
  return end < 0 ? rest : rest.slice(0, end + 1);
}
