import { COMPONENTS, type Schema } from "../json-schema.ts";
import { type Html, html, words } from "./html.ts";

/** Where a schema stands on the page; the two documents have some names in common. */
export function schemaAnchor(document: string, name: string): string {
  return `${document}-schema-${name}`;
}

/** Every field of an object, those of objects within it too; of anything else what it is. */
export function schemaView(document: string, schema: Schema): Html {
  const rows = fieldsOf(schema);
  if (rows.length === 0) return html`<p>${typeOf(document, schema)}</p>`;
  return html`<div class="wide"><table><thead><tr><th>Field</th><th>Is</th><th>Means</th></tr></thead><tbody>${rows.map(
    ({ name, isRequired, value }) =>
      html`<tr><th scope="row"><code>${name}</code>${isRequired ? undefined : html` <span class="quiet">optional</span>`}</th><td>${typeOf(document, value)}</td><td>${words(value.description ?? "")}</td></tr>`,
  )}</tbody></table></div>`;
}

interface Field {
  name: string;
  isRequired: boolean;
  value: Schema;
}

function fieldsOf({ properties = {}, required = [] }: Schema, within = ""): Field[] {
  return Object.entries(properties as Record<string, Schema>).flatMap(([field, value]) => {
    const name = within + field;
    return [{ name, isRequired: required.includes(field), value }, ...fieldsOf(value, `${name}.`)];
  });
}

/** What a value may be, in a few words, with links to what has a name. */
export function typeOf(document: string, schema: Schema): Html {
  const refs = schema.allOf?.map((part) => typeOf(document, part as Schema));
  if (refs !== undefined) return html`${refs}${bounds(schema)}`;
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice(COMPONENTS.length);
    return html`<a href="#${schemaAnchor(document, name)}">${name}</a>${bounds(schema)}`;
  }
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices !== undefined) {
    const each = choices.map((choice) => typeOf(document, choice as Schema));
    return html`${each.map((choice, i) => html`${i === 0 ? "" : " or "}${choice}`)}${bounds(schema)}`;
  }
  if (schema.const !== undefined) return html`<code>${JSON.stringify(schema.const)}</code>`;
  if (schema.enum !== undefined) {
    const values = schema.enum.map(
      (value, i) => html`${i === 0 ? "" : " "}<code>${JSON.stringify(value)}</code>`,
    );
    return html`one of ${values}${bounds(schema)}`;
  }
  if (schema.type === "array") {
    return html`list of ${typeOf(document, (schema.items ?? {}) as Schema)}${bounds(schema)}`;
  }
  const values = schema.additionalProperties;
  if (schema.type === "object" && typeof values === "object" && Object.keys(values).length > 0) {
    return html`object of ${typeOf(document, values as Schema)}`;
  }
  const type = [schema.type ?? "any JSON"].flat().join(" or ");
  return html`${type}${bounds(schema)}`;
}

function bounds(schema: Schema): Html | undefined {
  const { minLength, maxLength, minItems, maxItems, minimum, maximum, pattern } = schema;
  const said = [
    range("characters", minLength, maxLength),
    range("entries", minItems, maxItems),
    range(
      "",
      minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum,
      maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum,
    ),
  ].filter((text) => text !== "");
  if (schema.default !== undefined) said.push(`default ${JSON.stringify(schema.default)}`);
  const text = said.length === 0 ? "" : `, ${said.join(", ")}`;
  return html`${text}${pattern === undefined ? undefined : html` <code>${pattern}</code>`}`;
}

function range(of: string, least: number | undefined, most: number | undefined): string {
  if (least === undefined && most === undefined) return "";
  const between =
    most === undefined ? `from ${least}` : least === undefined ? `at most ${most}` : `${least} to ${most}`;
  return of === "" ? between : `${between} ${of}`;
}
