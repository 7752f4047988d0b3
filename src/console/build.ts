/**
 * Makes `dist/console`, which Workers static assets serve: one script, one style sheet, one page. Wrangler
 * runs this before each start and change (`[build]` in wrangler.toml); `npm run build:console` likewise.
 */
import { copyFile, mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const source = fileURLToPath(new URL(".", import.meta.url));
const target = fileURLToPath(new URL("../../dist/console/", import.meta.url));

await mkdir(target, { recursive: true });
await Promise.all([
  build({
    entryPoints: [`${source}console.ts`, `${source}style.css`],
    outdir: target,
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2022",
    // Minified text of our own and nothing to step through: a map would be larger than the page.
    sourcemap: false,
    logLevel: "warning",
  }),
  copyFile(`${source}index.html`, `${target}index.html`),
]);
