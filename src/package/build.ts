/**
 * Makes `dist/package`, the package `rollcall` with its SDKs, ready for `npm pack` (`npm run build:package`): ES
 * modules that share what they have in common, declarations that need no other package, and a package.json of its own.
 */
import { execFile } from "node:child_process";
import { copyFile, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { manifestOf, type Repository } from "./manifest.ts";
import { moduleName, ProtocolTypes } from "./protocol-types.ts";
import { importsIn } from "./statements.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const target = resolve(root, process.argv[2] ?? "dist/package");
const types = join(target, "types");

/** Each is a folder of `src` with an index, and `rollcall/<name>` to its users. */
const entries = await existing(["client", "react", "server"]);

await rm(target, { recursive: true, force: true });
await mkdir(target, { recursive: true });
await Promise.all([scripts(), declarations(), texts()]);

/**
 * With their names and lines, for whoever reads them in a debugger: the rest is for who bundles them. Syntax is minified
 * here already, because a second pass over what was bundled once finds less of it: 50 bytes of the client, gzipped.
 */
async function scripts(): Promise<void> {
  await build({
    entryPoints: Object.fromEntries(entries.map((entry) => [entry, join(root, "src", entry, "index.ts")])),
    outdir: target,
    bundle: true,
    splitting: true,
    minifySyntax: true,
    chunkNames: "chunks/[name]-[hash]",
    format: "esm",
    target: "es2022",
    platform: "neutral",
    external: ["react"],
    jsx: "automatic",
    logLevel: "warning",
  });
}

async function declarations(): Promise<void> {
  const compiler = join(root, "node_modules/typescript/bin/tsc");
  const args = [compiler, "-p", join(root, "src/package"), "--outDir", types];
  const options = { cwd: root };
  await promisify(execFile)(process.execPath, args, options).catch((cause: { stdout?: string }) => {
    throw new Error(`the declarations can't be made:\n${cause.stdout ?? ""}`, { cause });
  });
  const files = new Map<string, string>();
  for (const name of await readdir(types, { recursive: true }))
    if (name.endsWith(".d.ts")) files.set(name, await readFile(join(types, name), "utf8"));
  const isProtocol = (name: string) => dirname(name) === "protocol";
  const protocol = await ProtocolTypes.of(
    new Map(
      [...files].filter(([name]) => isProtocol(name)).map(([name, text]) => [basename(name, ".d.ts"), text]),
    ),
  );
  const offered = reachable(
    files,
    entries.map((entry) => `${entry}/index.d.ts`),
  );
  for (const [name, text] of files) {
    if (!offered.has(name)) await rm(join(types, name), { force: true });
    if (!offered.has(name) || isProtocol(name)) continue;
    for (const { name: needed, from } of importsIn(text).values())
      if (from.includes("/protocol/")) protocol.need(moduleName(from), needed);
    await writeFile(join(types, name), resolvable(text));
  }
  for (const [name, text] of protocol.texts())
    await writeFile(join(types, "protocol", `${name}.d.ts`), resolvable(text));
}

async function texts(): Promise<void> {
  const repository = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as Repository;
  const manifest = JSON.stringify(manifestOf(repository, entries), null, 2);
  await Promise.all([
    writeFile(join(target, "package.json"), `${manifest}\n`),
    copyFile(join(root, "LICENSE"), join(target, "LICENSE")),
    copyFile(join(root, "src/package/README.md"), join(target, "README.md")),
  ]);
}

/** What these files come to, themselves included: all else is nobody's business. */
function reachable(files: ReadonlyMap<string, string>, from: readonly string[]): Set<string> {
  const found = new Set(from);
  for (const name of found) {
    const text = files.get(name);
    if (text === undefined) throw new Error(`types/${name} is missing`);
    for (const [, path = ""] of text.matchAll(/(?:from |import\()"(\.[^"]+)\.tsx?"/g))
      found.add(`${join(dirname(name), path)}.d.ts`);
  }
  return found;
}

/** Ours import sources by their own names; whoever has only declarations looks for what stands beside a script. */
function resolvable(text: string): string {
  return text.replaceAll(/(from |import\()"(\.[^"]+)\.tsx?"/g, '$1"$2.js"');
}

async function existing(names: readonly string[]): Promise<string[]> {
  const folders = await readdir(join(root, "src"));
  return names.filter((name) => folders.includes(name));
}
