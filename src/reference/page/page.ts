import type { AsyncApi } from "../asyncapi.ts";
import type { OpenApi } from "../document.ts";
import { SHELL_VARIABLES } from "./curl.ts";
import { framesView, messageAnchor } from "./frames-view.ts";
import { Html, html, prose } from "./html.ts";
import { operationsByTag, operationView, schemasView } from "./operations-view.ts";
import { SCRIPT, STYLE } from "./style.ts";

/**
 * Both documents as one page that needs nothing else. It may do what it does and no more: its policy allows one style
 * and one script, by their digests, and no address at all.
 */
export async function docsPage(http: OpenApi, frames: AsyncApi): Promise<string> {
  const [style, script] = await Promise.all([digestOf(STYLE), digestOf(SCRIPT)]);
  const policy = `default-src 'none'; style-src '${style}'; script-src '${script}'; base-uri 'none'; form-action 'none'`;
  const tags = operationsByTag(http);
  const page = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${new Html(policy)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>Rollcall API</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><h1>Rollcall API</h1><p class="quiet">Contract version ${http.info.version} · <a href="/v1/openapi.json">OpenAPI</a> · <a href="/v1/asyncapi.json">AsyncAPI</a></p></header>
<div class="columns">
<nav aria-label="Contents">
${tags.map(
  ({ name, listed }) =>
    html`<h2>${name}</h2><ul>${listed.map(
      ({ operation }) => html`<li><a href="#${operation.operationId}">${operation.summary}</a></li>`,
    )}</ul>`,
)}
<h2>Frames</h2><ul>${Object.keys(frames.components.messages).map(
    (name) => html`<li><a href="#${messageAnchor(name)}"><code>${name}</code></a></li>`,
  )}</ul>
<h2>Schemas</h2><ul><li><a href="#http-schemas">Over HTTP</a></li><li><a href="#frame-schemas">Of frames</a></li></ul>
</nav>
<main id="main">
${prose(http.info.description)}
<p>The commands below need these, here as for local development:</p>
<pre data-copy tabindex="0"><code>${SHELL_VARIABLES}</code></pre>
${tags.map(
  ({ name, description, listed }) => html`<h2>${name}</h2>${prose(description)}${listed.map(operationView)}`,
)}
<h2>Frames</h2>
${prose(frames.info.description)}
${framesView(frames)}
<h2 id="http-schemas">Schemas over HTTP</h2>
${schemasView("http", http.components.schemas)}
<h2 id="frame-schemas">Schemas of frames</h2>
${schemasView("frame", frames.components.schemas)}
</main>
</div>
<script>${new Html(SCRIPT)}</script>
</body>
</html>
`;
  return page.text;
}

/** As a content security policy names what may run. */
async function digestOf(text: string): Promise<string> {
  const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
  return `sha256-${btoa(String.fromCharCode(...digest))}`;
}
