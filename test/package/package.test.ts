import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { publint } from "publint";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ENTRIES, InstalledPackage, run } from "../fixtures/installed-package.ts";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY, tokenFor } from "../fixtures/tokens.ts";

const ROOT = new URL("../..", import.meta.url).pathname;
const MOST_GZIPPED_BYTES = 8 * 1024;
/** By how much README may be wrong. */
const TOLERANCE = 0.02;

let installed: InstalledPackage;
let service: Service;

beforeAll(async () => {
  [installed, service] = await Promise.all([InstalledPackage.make(), startService()]);
});
afterAll(async () => {
  await service.stop();
  await installed.remove();
});

test("[PK30] the tarball holds the SDKs and their declarations, and brings no other package along", async () => {
  const files = await readdir(installed.folder, { recursive: true, withFileTypes: true });
  const names = files
    .filter((file) => file.isFile())
    .map(({ parentPath, name }) => join(parentPath, name).slice(installed.folder.length + 1));
  const known =
    /^(package\.json|README\.md|LICENSE|\w+\.js|chunks\/[\w-]+\.js|types\/[\w-]+\/[\w-]+\.d\.ts)$/;
  expect(names.filter((name) => !known.test(name))).toEqual([]);
  for (const entry of ENTRIES)
    expect(names).toEqual(expect.arrayContaining([`${entry}.js`, `types/${entry}/index.d.ts`]));
  if (ENTRIES.includes("react"))
    expect(await readFile(join(installed.folder, "react.js"), "utf8")).toMatch(/^"use client";/);
  const manifest = await installed.manifest();
  expect(manifest).toMatchObject({ license: "MIT", type: "module", sideEffects: false });
  expect(Object.keys(manifest)).not.toEqual(expect.arrayContaining(["dependencies", "scripts", "private"]));
  expect(Object.keys(manifest.exports as object).sort()).toEqual(
    [...ENTRIES.map((entry) => `./${entry}`), "./package.json"].sort(),
  );
  expect(
    (await readdir(join(installed.project, "node_modules"))).filter((name) => !name.startsWith(".")),
  ).toEqual(["rollcall"]);
  for (const name of names.filter((one) => /\.(js|d\.ts)$/.test(one))) {
    const text = await readFile(join(installed.folder, name), "utf8");
    for (const [, from = ""] of text.matchAll(/\b(?:from|import)\s*\(?"([^"]+)"/g))
      expect(from, `imported by ${name}`).toMatch(name.includes("react") ? /^(react$|\.)/ : /^\./);
    expect(text, name).not.toMatch(/\bz\.|cloudflare|DurableObject|workers-types/i);
  }
});

test("[PK31] in an empty project on Node a client hears what a back end publishes", async () => {
  const program = `
    import { connect } from "rollcall/client";
    import { Rollcall, RollcallError } from "rollcall/server";

    const { ROLLCALL_URL: url, ROLLCALL_KEY: apiKey, ROLLCALL_TOKEN: token } = process.env;
    const room = connect({ url, token, channel: "packed" });
    await new Promise((resolve) => room.on("welcome", resolve));
    const heard = new Promise((resolve) => room.on("message", resolve));
    const rollcall = new Rollcall({ url, apiKey });
    const { offset } = await rollcall.channel("packed").publish({ n: 1 }, { event: "paid" });
    const { event, data } = await heard;
    const refused = await rollcall.channel("no name").publish(1).catch((error) => error);
    console.log(JSON.stringify({ offset, event, data, code: refused instanceof RollcallError && refused.code }));
    room.close();
  `;
  const ran = await installed.runProgram(program, {
    ROLLCALL_URL: service.url,
    ROLLCALL_KEY: KEY.Authorization.replace("Bearer ", ""),
    ROLLCALL_TOKEN: await tokenFor("packed"),
  });
  expect(ran.stderr).toBe("");
  expect(JSON.parse(ran.stdout)).toEqual({
    offset: 1,
    event: "paid",
    data: { n: 1 },
    code: "invalid_channel",
  });
});

/** TypeScript 5.6, as attw brings it along: projects are slower than compilers. */
const EARLIER = "@arethetypeswrong/core/node_modules/typescript";

/** What somebody writes who trusts the types, and what the compiler has to refuse. */
const TYPED = `
  import { connect, type Message } from "rollcall/client";
  import { Rollcall, RollcallError, verifyWebhook, type WebhookEvent } from "rollcall/server";

  const room = connect({ url: "http://127.0.0.1", token: async () => "a.b.c", channel: "lobby" });
  room.on("message", (message: Message) => {
    const from: string | undefined = message.from?.user;
    // @ts-expect-error data is anything until it is looked at
    const text: string = message.data;
    console.log(from, text);
  });
  // @ts-expect-error no such event
  room.on("massage", () => {});

  interface Events {
    paid: { id: number };
    typing: { on: boolean };
  }
  const orders = connect<Events>({ url: "http://127.0.0.1", token: "a.b.c" }).channel("orders");
  orders.publish({ id: 7 }, { event: "paid" }).catch(console.error);
  // @ts-expect-error that event has other data
  orders.signal("typing", { id: 7 });
  for await (const message of orders) if (message.event === "paid") console.log(message.data.id.toFixed());

  const rollcall = new Rollcall<Events>({ url: "http://127.0.0.1", apiKey: "k" });
  const published = await rollcall.channel("orders").publish({ id: 7 }, { event: "paid", key: "paid-7" });
  const offset: number = published.offset;
  await rollcall.channel("orders").signal("typing", { on: true });
  await rollcall.user("ann").setPresence({ status: "busy", visibility: { only: ["ben"] } });
  const { devices } = await rollcall.user("ann").presence();
  const isMobile: boolean = devices.includes("mobile");
  const [first, second] = await rollcall.batch((together) => [
    together.channel("orders").publish({ id: 8 }, { event: "paid" }),
    together.stats(),
  ]);
  if (first.status === "fulfilled") console.log(first.value.offset, offset, isMobile);
  if (second.status === "fulfilled") console.log(second.value.usersOnline, second.value.costs.channel?.rowsWritten);
  // @ts-expect-error that event has other data
  await rollcall.channel("orders").publish({ on: true }, { event: "paid" });
  // @ts-expect-error there is no event "message", so one has to be named
  await rollcall.channel("orders").publish({ id: 7 });
  // @ts-expect-error no such event
  await rollcall.channel("orders").signal("gone", {});
  await new Rollcall({ url: "http://127.0.0.1", apiKey: "k" }).broadcast({ any: "thing" }, { event: "whatever" });
  // @ts-expect-error no such status
  await rollcall.user("ann").setPresence({ status: "asleep" });

  export async function receive(request: Request): Promise<string> {
    try {
      const event: WebhookEvent = await verifyWebhook(request.headers, await request.text(), ["whsec_"]);
      switch (event.type) {
        case "session.ended":
          return event.data.reason;
        case "member.joined":
          return event.data.member.user;
        case "message.published":
          return event.data.channel;
        default:
          return event.id;
      }
    } catch (error) {
      if (error instanceof RollcallError && error.code === "webhook_forged") return error.message;
      throw error;
    }
  }
`;

const TYPED_REACT = `
  import { RollcallProvider, useMembers } from "rollcall/react";

  export const Provider: typeof RollcallProvider = RollcallProvider;
  export function useNames(): string[] {
    return useMembers("lobby").members.map(({ user }) => user);
  }
`;

test("[PK32] a strict project compiles against the declarations, without zod, React and types of Workers", async () => {
  const es = { target: "es2022", lib: ["es2022", "dom", "dom.iterable"] };
  const stricter = { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true };
  const bundler = { ...es, module: "esnext", moduleResolution: "bundler" };
  expect(await installed.typeCheck(TYPED, bundler)).toBe("");
  expect(await installed.typeCheck(TYPED, { ...bundler, ...stricter })).toBe("");
  expect(await installed.typeCheck(TYPED, { ...es, module: "nodenext" })).toBe("");
  expect(await installed.typeCheck(TYPED, bundler, EARLIER)).toBe("");
  await installed.borrow("@types/node", "undici-types");
  const node = { target: "es2022", lib: ["es2022"], module: "nodenext", types: ["node"] };
  expect(await installed.typeCheck(TYPED, node)).toBe("");
  if (ENTRIES.includes("react")) {
    await installed.borrow("@types/react", "csstype");
    expect(await installed.typeCheck(TYPED_REACT, { ...bundler, jsx: "react-jsx" })).toBe("");
  }
  expect(await installed.typeCheck(`${TYPED}\nconst wrong: number = "text";`, bundler)).toContain("TS2322");
});

test("[PK33] each type of the protocol in the package is the very one that its schema infers", async () => {
  const folder = join(installed.folder, "types/protocol");
  const lines = [
    "type Whole<A> = 0 extends 1 & A ? false : true;",
    "type Same<A, B> = [Whole<A>, Whole<B>, A, B] extends [true, true, B, A] ? true : false;",
  ];
  let types = 0;
  for (const file of await readdir(folder)) {
    const module = file.replace(".d.ts", "");
    lines.push(
      `import type * as ${alias("packed", module)} from ${JSON.stringify(join(folder, `${module}.js`))};`,
    );
    const source = join(ROOT, "src/protocol", `${module}.ts`);
    lines.push(`import type * as ${alias("ours", module)} from ${JSON.stringify(source)};`);
    const text = await readFile(join(folder, file), "utf8");
    for (const [, name] of text.matchAll(/^export (?:type|interface) (\w+)/gm)) {
      const [packed, ours] = [`${alias("packed", module)}.${name}`, `${alias("ours", module)}.${name}`];
      lines.push(`export const ${alias(module, name ?? "")}: Same<${packed}, ${ours}> = true;`);
      types++;
    }
  }
  expect(types).toBeGreaterThan(40);
  const options = {
    ...{ target: "es2024", lib: ["es2024"], module: "esnext", moduleResolution: "bundler" },
    ...{ exactOptionalPropertyTypes: true, allowImportingTsExtensions: true, skipLibCheck: true },
  };
  expect(await installed.typeCheck(lines.join("\n"), options)).toBe("");
});

/** A name for what a module holds: no two are the same. */
function alias(one: string, two: string): string {
  return `${one}_${two}`.replaceAll("-", "_");
}

test("[PK34] publint and attw find nothing to mend in the tarball", async () => {
  const file = await readFile(installed.tarball);
  const tarball = file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength) as ArrayBuffer;
  const { messages } = await publint({ pack: { tarball }, strict: true });
  expect(messages).toEqual([]);
  const cli = join(ROOT, "node_modules/@arethetypeswrong/cli/dist/index.js");
  const args = [cli, installed.tarball, "--profile", "esm-only", "--no-color", "--no-emoji"];
  const attw = await run(process.execPath, args, { cwd: installed.project });
  expect(attw.code, attw.stdout + attw.stderr).toBe(0);
  expect(attw.stdout).toContain("rollcall/client");
});

test("[PK35] `rollcall/client` as a page bundles it is smaller than 8 KB, gzipped, and README says how large each is", async () => {
  const sizes = new Map<string, number>();
  for (const entry of ENTRIES) sizes.set(entry, await installed.size(entry));
  const table = [...sizes].map(
    ([entry, bytes]) => `| \`rollcall/${entry}\` | ${bytes.toLocaleString("en")} |`,
  );
  console.log(table.join("\n"));
  expect(sizes.get("client")).toBeLessThan(MOST_GZIPPED_BYTES);
  const readme = await readFile(join(ROOT, "README.md"), "utf8");
  for (const [entry, bytes] of sizes) {
    const said = new RegExp(`^\\| \`rollcall/${entry}\` \\| ([\\d,]+) \\|`, "m").exec(readme)?.[1];
    const wrongBy = Math.abs(Number(said?.replaceAll(",", "")) - bytes) / bytes;
    expect(wrongBy, `README says ${said}, and it is:\n${table.join("\n")}`).toBeLessThan(TOLERANCE);
  }
});
