/**
 * Makes `dist/console/reference`, which Workers static assets serve: the two documents, and the page of both. They are
 * of one deploy, so the Worker neither carries what they are made from nor makes them. Wrangler runs this before each
 * start and change (`[build]` in wrangler.toml); `npm run build:console` likewise.
 */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { asyncApiDocument } from "./asyncapi.ts";
import { openApiDocument } from "./openapi.ts";
import { docsPage } from "./page/page.ts";

const target = fileURLToPath(new URL("../../dist/console/reference/", import.meta.url));
const http = openApiDocument();
const frames = asyncApiDocument();

await mkdir(target, { recursive: true });
await Promise.all([
  written("openapi.json", JSON.stringify(http)),
  written("asyncapi.json", JSON.stringify(frames)),
  written("docs.html", await docsPage(http, frames)),
]);

/** Leaves alone what is the same already: a service that runs on these files never sees half of one. */
async function written(name: string, text: string): Promise<void> {
  const before = await readFile(target + name, "utf8").catch(() => undefined); // not there yet
  if (before !== text) await writeFile(target + name, text);
}
