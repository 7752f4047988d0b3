import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";
import { generate } from "openapi-typescript-codegen";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Service, startService } from "../fixtures/service.ts";
import { KEY } from "../fixtures/tokens.ts";

const ROOT = new URL("../..", import.meta.url).pathname;

let service: Service;
let folder: string;

beforeAll(async () => {
  service = await startService();
  folder = await mkdtemp(join(tmpdir(), "rollcall-generated-"));
});
afterAll(async () => {
  await service.stop();
  await rm(folder, { recursive: true, force: true });
});

/** What somebody writes who has nothing but the document. */
const PROGRAM = `
import { ApiError, ChannelsService, DirectMessagesService, OpenAPI } from "./client";

OpenAPI.BASE = String(process.env.ROLLCALL_URL);
OpenAPI.TOKEN = String(process.env.ROLLCALL_KEY);

const published = await ChannelsService.publishToChannel({
  channel: "generated",
  requestBody: { event: "order.paid", data: { id: 7 }, key: "order-7" },
});
const offset: number = published.offset;
const { messages } = await ChannelsService.readChannel({ channel: "generated", limit: 10 });
const event: string | undefined = messages[0]?.event;
const sent = await DirectMessagesService.sendToUser({ user: "ann", requestBody: { data: "hi" } });
const seq: number = sent.seq;
const refused: unknown = await ChannelsService.listMembers({ channel: "not a name" }).catch((error) => error);
const code: unknown = refused instanceof ApiError ? refused.body.code : undefined;
console.log(JSON.stringify({ offset, event, seq, code }));
`;

test("[OA18] a client that a public generator makes from the document compiles, publishes and reads", async () => {
  const document: unknown = await (await fetch(`${service.url}/v1/openapi.json`)).json();
  await generate({
    input: document as object,
    output: join(folder, "client"),
    useOptions: true,
    useUnionTypes: true,
  });
  await writeFile(join(folder, "program.ts"), PROGRAM);
  const types = {
    compilerOptions: {
      strict: true,
      noEmit: true,
      target: "es2022",
      module: "esnext",
      moduleResolution: "bundler",
      lib: ["es2022", "dom"],
      types: ["node"],
      typeRoots: [join(ROOT, "node_modules/@types")],
    },
    files: ["program.ts"],
  };
  await writeFile(join(folder, "tsconfig.json"), JSON.stringify(types));
  const run = promisify(execFile);
  const compiled = await run(join(ROOT, "node_modules/.bin/tsc"), ["-p", folder]).catch((error) => error);
  expect(compiled.stdout).toBe("");

  const outfile = join(folder, "program.mjs");
  await build({
    entryPoints: [join(folder, "program.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    logLevel: "error",
  });
  const key = KEY.Authorization.replace("Bearer ", "");
  const env = { ...process.env, ROLLCALL_URL: service.url, ROLLCALL_KEY: key };
  const { stdout } = await run(process.execPath, [pathToFileURL(outfile).pathname], { env });
  expect(JSON.parse(stdout)).toEqual({ offset: 1, event: "order.paid", seq: 1, code: "invalid_channel" });
});
