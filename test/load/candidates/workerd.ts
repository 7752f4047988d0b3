import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { WORKERD } from "../../fixtures/bare-workerd.ts";
import { freePort, launch, type Service } from "../../fixtures/process-group.ts";

/** One Worker of a process of workerd. */
export interface WorkerPart {
  name: string;
  /** The text of its only module. */
  module: string;
  date: string;
  flags: string;
  /** Its Durable Objects, class by binding. */
  objects: Record<string, string>;
  vars?: Record<string, string>;
  /** Other parts, by binding. */
  services?: Record<string, string>;
}

/** A process of workerd, with the port of each part and of its debugger. */
export interface Workerd extends Service {
  ports: Record<string, number>;
  inspectorPort: number;
}

/** What most do without. */
export interface Options {
  hasInspector?: boolean;
  /** The folder for storage, where it is not that of temporary files. */
  place?: string;
}

/** Serves these Workers on bare workerd, each on a port of its own, with storage that is gone afterwards. */
export async function startWorkerd(parts: WorkerPart[], options: Options = {}): Promise<Workerd> {
  const { hasInspector = false, place = tmpdir() } = options;
  const folder = await mkdtemp(join(place, "rollcall-bench-"));
  const cleanUp = () => rm(folder, { recursive: true, force: true });
  const ports: Record<string, number> = {};
  for (const part of parts) {
    ports[part.name] = await freePort();
    await mkdir(join(folder, "storage", part.name), { recursive: true });
    await writeFile(join(folder, `${part.name}.js`), part.module);
  }
  await writeFile(join(folder, "config.capnp"), config(parts, ports, folder));
  const inspectorPort = await freePort();
  const args = ["serve", "config.capnp"];
  if (hasInspector) args.push(`--inspector-addr=127.0.0.1:${inspectorPort}`);
  const port = ports[parts[0]?.name ?? ""] ?? 0;
  const service = await launch({ command: WORKERD, args, port, cwd: folder, cleanUp });
  return { ...service, ports, inspectorPort };
}

/** JSON strings are strings of this language too. */
const text = (value: string) => JSON.stringify(value);

function config(parts: WorkerPart[], ports: Record<string, number>, folder: string): string {
  const services = parts.flatMap(({ name }, i) => [
    `(name = ${text(name)}, worker = .part${i}),`,
    `(name = ${text(`${name}-storage`)}, disk = (path = ${text(join(folder, "storage", name))}, writable = true)),`,
  ]);
  const sockets = parts.map(
    ({ name }) =>
      `(name = ${text(name)}, address = "127.0.0.1:${ports[name]}", http = (), service = ${text(name)}),`,
  );
  return `using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    ${services.join("\n    ")}
    (name = "internet", network = (allow = ["local"])),
  ],
  sockets = [${sockets.join(" ")}],
);
${parts.map(workerConfig).join("\n")}`;
}

function workerConfig(part: WorkerPart, i: number): string {
  const objects = Object.entries(part.objects);
  const bindings = [
    ...objects.map(([binding, cls]) => `(name = ${text(binding)}, durableObjectNamespace = ${text(cls)}),`),
    ...Object.entries(part.services ?? {}).map(
      ([binding, name]) => `(name = ${text(binding)}, service = ${text(name)}),`,
    ),
    ...Object.entries(part.vars ?? {}).map(
      ([name, value]) => `(name = ${text(name)}, text = ${text(value)}),`,
    ),
  ];
  const namespaces = objects.map(
    ([, cls]) => `(className = ${text(cls)}, uniqueKey = ${text(`${part.name}-${cls}`)}, enableSql = true),`,
  );
  return `
const part${i} :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed ${text(`${part.name}.js`)})],
  compatibilityDate = ${text(part.date)},
  compatibilityFlags = ${part.flags},
  durableObjectNamespaces = [${namespaces.join(" ")}],
  durableObjectStorage = (localDisk = ${text(`${part.name}-storage`)}),
  bindings = [
    ${bindings.join("\n    ")}
  ],
);
`;
}
