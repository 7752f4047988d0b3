import { readFile } from "node:fs/promises";
import { developmentVars, platformOf, workerOf } from "../../fixtures/bare-workerd.ts";
import { KEY, tokenFor } from "../../fixtures/tokens.ts";
import type { Manners, Target } from "../clients/crowd-socket.ts";
import { postText } from "../clients/http-lane.ts";
import type { Candidate, Starting } from "./candidate.ts";
import { startWorkerd, type WorkerPart } from "./workerd.ts";

const CONFIG = "wrangler.toml";
const KEY_HEADER = `Authorization: ${KEY.Authorization}`;
const MANY = "1000000";
/** What is measured is what it can do, not what it allows. */
const UNLIMITED = {
  CHANNEL_RATE_PER_SECOND: MANY,
  KEY_RATE_PER_SECOND: MANY,
  NEW_CHANNELS_PER_MINUTE: MANY,
  CONNECTS_PER_SECOND: MANY,
};
/** Users behind the clients of a room: each has several sessions where there are more clients. */
export const MOST_USERS = 1000;

/** The service as it would be deployed, with all objects that wrangler.toml names. */
export async function rollcallPart(vars: Record<string, string> = {}): Promise<WorkerPart> {
  const { date, flags } = await platformOf(CONFIG);
  const { COST_SAMPLE: _, ...development } = await developmentVars(); // costs are sampled as where it is deployed
  const toml = await readFile(new URL("../../../wrangler.toml", import.meta.url), "utf8");
  const named = toml.matchAll(/\[\[durable_objects\.bindings\]\]\s+name = "(\w+)"\s+class_name = "(\w+)"/g);
  return {
    name: "main",
    module: await workerOf(CONFIG),
    date: JSON.parse(date) as string,
    flags,
    objects: Object.fromEntries([...named].map(([, binding = "", cls = ""]) => [binding, cls])),
    vars: { ...development, CONSOLE: "false", ...UNLIMITED, ...vars },
  };
}

/** How the clients of ours get in: the welcome has come. */
export const mannersOf = (port: number): Manners => ({ port, readyOn: '"type":"welcome"', hello: [] });

/** So many connections to this path, by so many users. */
export async function connections(path: string, count: number, users: number): Promise<Target[]> {
  const tokens = await Promise.all(
    Array.from({ length: Math.min(users, count) }, (_, i) => tokenFor(`u${i}`)),
  );
  return Array.from({ length: count }, (_, i) => ({
    path,
    headers: [`Authorization: Bearer ${tokens[i % tokens.length]}`],
  }));
}

/** The request of a back end that publishes to this channel. */
export const publishingTo = (channel: string, data: unknown): string =>
  postText(`/v1/channels/${channel}/messages`, [KEY_HEADER], JSON.stringify({ data }));

export async function startRollcall({ vars = {}, hasInspector = false }: Starting = {}): Promise<Candidate> {
  const { port, pid, inspectorPort, kill } = await startWorkerd([await rollcallPart(vars)], { hasInspector });
  return {
    name: "rollcall",
    port,
    pid,
    inspectorPort,
    manners: mannersOf(port),
    ping: "ping",
    targets: (count) => connections("/v1/channels/room/connect", count, MOST_USERS),
    publishing: (data) => publishingTo("room", data),
    stop: kill,
  };
}
