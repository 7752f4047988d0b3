import type { Content, OpenApi, Operation, Parameter, Reply } from "../document.ts";
import type { Schema } from "../json-schema.ts";
import { curlOf } from "./curl.ts";
import { type Html, html, prose, words } from "./html.ts";
import { schemaAnchor, schemaView, typeOf } from "./schema-view.ts";

const DOCUMENT = "http";

interface Listed {
  method: string;
  path: string;
  operation: Operation;
}

/** The operations of a document, by what they are about. */
export function operationsByTag({
  paths,
  tags,
}: OpenApi): { name: string; description: string; listed: Listed[] }[] {
  const all = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ method, path, operation })),
  );
  return tags.map((tag) => ({
    ...tag,
    listed: all.filter(({ operation }) => operation.tags.includes(tag.name)),
  }));
}

/** One route, with a command that can be copied. */
export function operationView({ method, path, operation }: Listed): Html {
  const { operationId: id, summary, description, parameters, requestBody, responses } = operation;
  return html`<section class="entry" id="${id}">
<h3><a href="#${id}">${summary}</a></h3>
<p class="route"><span class="method">${method.toUpperCase()}</span> <code>${path}</code></p>
${prose(description)}
${parameters.length === 0 ? undefined : html`<h4>Parameters</h4>${parametersView(parameters)}`}
${requestBody && html`<h4>Body${requestBody.required ? undefined : html` <span class="quiet">optional</span>`}</h4>${contentView(requestBody.content)}`}
<h4>Try it</h4>
<pre data-copy tabindex="0"><code>${curlOf(method, path, operation)}</code></pre>
<h4>Answers</h4>
${Object.entries(responses).map(([status, response]) => responseView(status, response))}
</section>`;
}

/** Every schema of the document, each to be linked to. */
export function schemasView(document: string, schemas: Record<string, Schema>): Html[] {
  return Object.entries(schemas).map(
    ([name, schema]) => html`<section class="entry" id="${schemaAnchor(document, name)}">
<h3><a href="#${schemaAnchor(document, name)}">${name}</a></h3>${prose(schema.description ?? "")}${schemaView(document, schema)}</section>`,
  );
}

function parametersView(parameters: Parameter[]): Html {
  const rows = parameters.map(
    ({ name, in: place, required, schema, description = "" }) =>
      html`<tr><th scope="row"><code>${name}</code>${required ? undefined : html` <span class="quiet">optional</span>`}</th><td>${place}</td><td>${typeOf(DOCUMENT, schema)}</td><td>${words(description)}</td></tr>`,
  );
  return html`<div class="wide"><table><thead><tr><th>Name</th><th>In</th><th>Is</th><th>Means</th></tr></thead><tbody>${rows}</tbody></table></div>`;
}

function responseView(status: string, { description, content = {} }: Reply): Html {
  const isProblem =
    Object.keys(content).every((type) => type === "application/problem+json") && Number(status) >= 400;
  return html`<div class="answer"><p><strong>${status}</strong> ${words(description)}</p>${isProblem ? undefined : contentView(content)}</div>`;
}

function contentView(content: Record<string, Content>): Html[] {
  return Object.entries(content)
    .filter(([type]) => type !== "application/problem+json")
    .map(([type, { schema, example, examples = {} }]) => {
      const shown = Object.values(examples).map(({ value }) => value);
      const all = example === undefined ? shown : [example, ...shown];
      const text = (value: unknown) => (typeof value === "string" ? value : JSON.stringify(value, null, 2));
      return html`<p><code>${type}</code> ${schema && typeOf(DOCUMENT, schema as Schema)}</p>${all.map((value) => html`<pre tabindex="0"><code>${text(value)}</code></pre>`)}`;
    });
}
