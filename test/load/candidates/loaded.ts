import { existsSync } from "node:fs";
import { platformOf } from "../../fixtures/bare-workerd.ts";
import { DEVELOPMENT_SECRET } from "../../fixtures/tokens.ts";
import { bundled } from "./bundle.ts";
import { rollcallPart } from "./rollcall.ts";
import { startWorkerd, type WorkerPart } from "./workerd.ts";

/** What one loader tells of its sockets: see workers/loader.ts. */
export interface Loaded {
  open: number;
  closed: number;
  failed: string[];
  returned: number;
  least: number;
  most: number;
  disorder: number;
  lastAt: number;
}

/** Sessions of users in one channel, spread over loaders. */
export interface Spread {
  channel: string;
  users: number;
  sessionsEach: number;
  loaders: number;
}

/** Our service with clients in the same process of workerd. */
export interface LoadedService {
  port: number;
  pid: number;
  /** Opens all sessions, some loaders at a time. */
  open(spread: Spread): Promise<Loaded>;
  /** What all loaders heard, taken together. */
  heard(): Promise<Loaded>;
  reset(): Promise<void>;
  stop(): Promise<void>;
}

/** Thousands of objects are opened that are not what is measured: their files need no disk. */
const MEMORY = "/dev/shm";
const LOADERS_AT_ONCE = 4;
const USERS_AT_ONCE = 4;

/** Starts both. Clients say nothing: the TTL in `vars` must be long. */
export async function startLoaded(vars: Record<string, string>): Promise<LoadedService> {
  const { date, flags } = await platformOf("wrangler.toml");
  const loader: WorkerPart = {
    name: "loader",
    module: await bundled("../workers/loader.ts"),
    date: JSON.parse(date) as string,
    flags,
    objects: { LOADER: "Loader" },
    services: { TARGET: "main" },
  };
  const place = existsSync(MEMORY) ? { place: MEMORY } : {};
  const { port, ports, pid, kill } = await startWorkerd([await rollcallPart(vars), loader], place);
  const holding = new AbortController();
  let names: string[] = [];
  const tell = async (name: string, what: string, body?: object): Promise<Loaded> => {
    const init = body === undefined ? {} : { method: "POST", body: JSON.stringify(body) };
    const answer = await fetch(`http://127.0.0.1:${ports.loader}/${name}/${what}`, init);
    if (!answer.ok) throw new Error(`loader ${name}: ${answer.status} ${await answer.text()}`);
    return (await answer.json()) as Loaded;
  };
  const open = async ({ channel, users, sessionsEach, loaders }: Spread) => {
    names = Array.from({ length: loaders }, (_, i) => `${channel}-${i}`);
    const each = Math.ceil(users / loaders);
    const waiting = names.entries();
    const lane = async () => {
      for (const [i, name] of waiting) {
        await fetch(`http://127.0.0.1:${ports.loader}/${name}/hold`, { signal: holding.signal });
        const firstUser = i * each;
        const load = { channel, firstUser, users: Math.min(each, users - firstUser), sessionsEach };
        await tell(name, "open", { ...load, secret: DEVELOPMENT_SECRET, atOnce: USERS_AT_ONCE });
      }
    };
    await Promise.all(Array.from({ length: LOADERS_AT_ONCE }, lane));
    return together(await Promise.all(names.map((name) => tell(name, "heard"))));
  };
  return {
    port,
    pid,
    open,
    heard: async () => together(await Promise.all(names.map((name) => tell(name, "heard")))),
    reset: async () => void (await Promise.all(names.map((name) => tell(name, "reset")))),
    stop: async () => {
      holding.abort();
      await kill();
    },
  };
}

function together(all: Loaded[]): Loaded {
  const sum = (key: "open" | "closed" | "disorder" | "returned") =>
    all.reduce((total, loaded) => total + loaded[key], 0);
  return {
    open: sum("open"),
    closed: sum("closed"),
    disorder: sum("disorder"),
    returned: sum("returned"),
    failed: all.flatMap(({ failed }) => failed).slice(0, 5),
    least: Math.min(...all.map(({ least }) => least)),
    most: Math.max(...all.map(({ most }) => most)),
    lastAt: Math.max(...all.map(({ lastAt }) => lastAt)),
  };
}
