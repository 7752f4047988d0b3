import WebSocket from "ws";
import { within } from "../clients/clock.ts";

const PATIENCE_MS = 60_000;

/** Collecting ends only in a turn of the Worker's own: it is given some. */
const POKE_MS = 100;

/** Bytes that the Worker's heap holds after garbage was collected, by the debugger of bare workerd. */
export async function heapOf(inspectorPort: number, port: number): Promise<number> {
  const poking = setInterval(
    () => void fetch(`http://127.0.0.1:${port}/healthz`).catch(() => undefined),
    POKE_MS,
  );
  try {
    return await usedHeap(inspectorPort);
  } finally {
    clearInterval(poking);
  }
}

async function usedHeap(inspectorPort: number): Promise<number> {
  const listed = await fetch(`http://127.0.0.1:${inspectorPort}/json`);
  const [target] = (await listed.json()) as { webSocketDebuggerUrl: string }[];
  if (target === undefined) throw new Error("the debugger knows no Worker");
  const socket = new WebSocket(target.webSocketDebuggerUrl);
  try {
    await within(PATIENCE_MS, "the debugger", new Promise((resolve) => socket.once("open", resolve)));
    // Twice: what the first run lets go of by finalizers is only gone after the second.
    await ask(socket, 1, "HeapProfiler.collectGarbage");
    await ask(socket, 2, "HeapProfiler.collectGarbage");
    const { usedSize } = (await ask(socket, 3, "Runtime.getHeapUsage")) as { usedSize: number };
    return usedSize;
  } finally {
    socket.terminate();
  }
}

function ask(socket: WebSocket, id: number, method: string): Promise<unknown> {
  const answered = new Promise((resolve, reject) => {
    const heard = (text: WebSocket.RawData) => {
      const said = JSON.parse(text.toString()) as { id?: number; result?: unknown; error?: unknown };
      if (said.id !== id) return;
      socket.off("message", heard);
      if (said.error === undefined) resolve(said.result);
      else reject(new Error(`${method}: ${JSON.stringify(said.error)}`));
    };
    socket.on("message", heard);
  });
  socket.send(JSON.stringify({ id, method }));
  return within(PATIENCE_MS, method, answered);
}
