import { Agent, request } from "node:http";
import WebSocket from "ws";
import { pause } from "./clock.ts";

/** What a noisy client does, until it is told to stop: frames on one connection, or requests over HTTP. */
export interface Noise {
  port: number;
  token: string;
  channel: string;
  framesPerSecond: number;
  requestsPerSecond: number;
}

/** What came of it. */
export interface Made {
  frames: number;
  framesRefused: number;
  requests: number;
  requestsRefused: number;
  requestsLost: number;
  /** How often its connection ended with 4003 and it came back at once; and how often it was not let in. */
  ended: number;
  notLetIn: number;
}

const TICK_MS = 10;
const FLOODING = 4003;
const NEVER_OPEN = 1006;
const AGENT = new Agent({ keepAlive: true, maxSockets: 32 });
const made: Made = {
  frames: 0,
  framesRefused: 0,
  requests: 0,
  requestsRefused: 0,
  requestsLost: 0,
  ended: 0,
  notLetIn: 0,
};
/** So long it waits where it is not let in: it is in a hurry. */
const AGAIN_MS = 100;
let isOver = false;

/** A process of its own: what it costs to be noisy is not the measurer's. */
process.on("message", (said: Noise | "stop") => {
  if (said !== "stop") return void make(said);
  isOver = true;
  process.send?.(made, () => process.exit());
});
process.on("disconnect", () => process.exit());

async function make(noise: Noise): Promise<void> {
  let socket = noise.framesPerSecond > 0 ? await connected(noise) : undefined;
  process.send?.("ready");
  let [frames, requests] = [0, 0];
  const startedAt = performance.now();
  while (!isOver) {
    if (noise.framesPerSecond > 0 && socket?.readyState !== WebSocket.OPEN) socket = await connected(noise);
    const seconds = (performance.now() - startedAt) / 1000;
    for (; frames < seconds * noise.framesPerSecond; frames++) {
      if (socket?.readyState !== WebSocket.OPEN) continue;
      socket.send('{"type":"publish","data":"noise"}');
      made.frames += 1;
    }
    for (; requests < seconds * noise.requestsPerSecond; requests++) post(noise);
    await pause(TICK_MS);
  }
}

/** Undefined where it is not let in. */
async function connected({ port, token, channel }: Noise): Promise<WebSocket | undefined> {
  const headers = { Authorization: `Bearer ${token}` };
  const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/channels/${channel}/connect`, { headers });
  socket.on("message", (data) => {
    made.framesRefused += data.toString().split('"rate_limited"').length - 1;
  });
  socket.on("close", (code) => {
    if (!isOver && code !== FLOODING && code !== NEVER_OPEN)
      throw new Error(`the noisy connection ended with ${code}`);
    if (code === FLOODING) made.ended += 1;
  });
  const isIn = await new Promise((resolve) => {
    socket.once("message", () => resolve(true));
    socket.once("error", () => resolve(false));
  });
  if (isIn) return socket;
  made.notLetIn += 1;
  await pause(AGAIN_MS);
  return undefined;
}

function post({ port, token, channel }: Noise): void {
  made.requests += 1;
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const path = `/v1/channels/${channel}/messages`;
  const sent = request({ host: "127.0.0.1", port, path, method: "POST", headers, agent: AGENT }, (answer) => {
    if (answer.statusCode === 429) made.requestsRefused += 1;
    answer.resume();
  });
  sent.on("error", () => {
    made.requestsLost += 1; // the runtime ended a connection under it
  });
  sent.end('{"data":"noise"}');
}
