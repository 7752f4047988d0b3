import { build } from "esbuild";

/** One of the Workers beside this folder as the text of one module. */
export async function bundled(file: string): Promise<string> {
  const result = await build({
    entryPoints: [new URL(file, import.meta.url).pathname],
    bundle: true,
    minify: true,
    format: "esm",
    target: "es2024",
    write: false,
    external: ["cloudflare:*", "node:*"],
    conditions: ["workerd", "worker", "import"],
  });
  const text = result.outputFiles[0]?.text;
  if (text === undefined) throw new Error(`nothing came of ${file}`);
  return text;
}
