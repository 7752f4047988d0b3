import { platformOf } from "../../fixtures/bare-workerd.ts";
import { freePort, launch } from "../../fixtures/process-group.ts";
import { postText } from "../clients/http-lane.ts";
import { bundled } from "./bundle.ts";
import type { Candidate, Name, Starting } from "./candidate.ts";
import { startRollcall } from "./rollcall.ts";
import { startWorkerd } from "./workerd.ts";

const HERE = new URL(".", import.meta.url).pathname;

/** What one of those we compare with is, besides where it listens. */
interface Peer {
  path: string;
  publishPath: string;
  readyOn?: string;
  hello?: string[];
  ping?: string;
}

type Running = Pick<Candidate, "name" | "port" | "pid" | "stop"> & { inspectorPort?: number };

function candidate(running: Running, peer: Peer): Candidate {
  const { path, publishPath, readyOn, hello = [], ping } = peer;
  return {
    ...running,
    manners: { port: running.port, hello, ...(readyOn && { readyOn }) },
    ...(ping && { ping }),
    targets: async (count) => Array.from({ length: count }, () => ({ path, headers: [] })),
    publishing: (data) => postText(publishPath, [], JSON.stringify({ data })),
  };
}

async function onWorkerd(
  name: Name,
  file: string,
  objects: Record<string, string>,
  { hasInspector = false }: Starting,
) {
  const { date, flags } = await platformOf("wrangler.toml");
  const part = { name, module: await bundled(file), date: JSON.parse(date) as string, flags, objects };
  const { port, pid, inspectorPort, kill } = await startWorkerd([part], { hasInspector });
  return { name, port, pid, inspectorPort, stop: kill };
}

async function onNode(name: Name, file: string): Promise<Running> {
  const port = await freePort();
  const args = [HERE + file, String(port)];
  const cleanUp = async () => undefined; // it keeps nothing
  const { pid, kill } = await launch({ command: process.execPath, args, port, cwd: HERE, cleanUp });
  return { name, port, pid, stop: kill };
}

const STARTS: Record<Name, (starting: Starting) => Promise<Candidate>> = {
  rollcall: startRollcall,
  floor: async (starting) =>
    candidate(await onWorkerd("floor", "../workers/floor.ts", { ROOM: "FloorRoom" }, starting), {
      path: "/",
      publishPath: "/",
      ping: "ping",
    }),
  partyserver: async (starting) =>
    candidate(await onWorkerd("partyserver", "../peers/party-worker.ts", { Party: "Party" }, starting), {
      path: "/parties/party/room",
      publishPath: "/parties/party/room",
    }),
  ws: async () => candidate(await onNode("ws", "ws-server.ts"), { path: "/", publishPath: "/" }),
  "socket.io": async () =>
    candidate(await onNode("socket.io", "../peers/socket-io-server.ts"), {
      path: "/socket.io/?EIO=4&transport=websocket",
      publishPath: "/",
      readyOn: '40{"sid"',
      hello: ["40"],
    }),
};

/** Starts one of them; it answers when this resolves. */
export const start = (name: Name, starting: Starting = {}): Promise<Candidate> => STARTS[name](starting);
