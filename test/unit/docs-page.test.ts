import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { asyncApiDocument } from "../../src/reference/asyncapi.ts";
import { openApiDocument } from "../../src/reference/openapi.ts";
import { quoted } from "../../src/reference/page/curl.ts";
import { docsPage } from "../../src/reference/page/page.ts";
import { SCRIPT, STYLE } from "../../src/reference/page/style.ts";

const http = openApiDocument();
const frames = asyncApiDocument();
const page = await docsPage(http, frames);
/** What is neither style nor script. */
const rest = page.replace(STYLE, "").replace(SCRIPT, "");

const all = (pattern: RegExp, text = rest) => [...text.matchAll(pattern)].map(([, found = ""]) => found);

test("[OA15] the page shows every route, message and schema, each under an address of its own", () => {
  const ids = all(/ id="([^"]+)"/g);
  expect(new Set(ids).size).toBe(ids.length);
  const operations = Object.values(http.paths).flatMap((methods) => Object.values(methods));
  const wanted = [
    ...operations.map(({ operationId }) => operationId),
    ...Object.keys(frames.components.messages).map((name) => `frame-${name}`),
    ...Object.keys(http.components.schemas).map((name) => `http-schema-${name}`),
    ...Object.keys(frames.components.schemas).map((name) => `frame-schema-${name}`),
  ];
  expect(wanted.filter((id) => !ids.includes(id))).toEqual([]);
  expect(all(/href="#([^"]+)"/g).filter((id) => !ids.includes(id))).toEqual([]);
});

test("[OA15] the page needs no network: all its addresses are its own, or of this service", () => {
  expect([...new Set(all(/(?:href|src)="([^#"][^"]*)"/g))].sort()).toEqual([
    "/v1/asyncapi.json",
    "/v1/openapi.json",
  ]);
  expect(STYLE).not.toMatch(/url\(|@import/);
  expect(SCRIPT).not.toMatch(/fetch|import|XMLHttpRequest/);
});

test("[OA16] nothing of the page runs but its one script: no handler, no style in an attribute", () => {
  expect(rest).not.toMatch(/<[^>]* on\w+=/);
  expect(rest).not.toMatch(/<[^>]* style=/);
  expect(all(/<(script|style)\b/g, page)).toEqual(["style", "script"]);
  const digests = [STYLE, SCRIPT].map((text) => createHash("sha256").update(text).digest("base64"));
  expect(all(/http-equiv="Content-Security-Policy" content="([^"]+)"/g)).toEqual([
    `default-src 'none'; style-src 'sha256-${digests[0]}'; script-src 'sha256-${digests[1]}'; base-uri 'none'; form-action 'none'`,
  ]);
});

test("[OA16] whatever the documents hold is text on the page", async () => {
  const hostile = `<script>alert("1")</script>'"&<img src=x onerror=alert(2)>`;
  const spoiled = JSON.parse(
    JSON.stringify([http, frames], (field, value) =>
      ["summary", "description", "title", "default", "pattern", "data"].includes(field) ? hostile : value,
    ),
  );
  const text = (await docsPage(spoiled[0], spoiled[1])).replace(STYLE, "").replace(SCRIPT, "");
  expect(all(/<(script)\b/g, text)).toEqual(["script"]);
  expect(text).not.toContain("<img");
  expect(text).toContain("&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&quot;&amp;&lt;img");
});

test("[OA16] a command is one word to the shell wherever it quotes", () => {
  expect(quoted(`it's $HOME "x"`)).toBe(`'it'\\''s $HOME "x"'`);
});
