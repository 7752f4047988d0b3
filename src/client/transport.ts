import type { Settings } from "./settings.ts";
import type { SocketConstructor } from "./socket.ts";

/** So many attempts in a row that no WebSocket came of, though HTTP got through, mean that they are blocked here. */
export const BLOCKED_AFTER = 3;

/** What is known of the way to the service; one for all connections that share their settings. */
export interface Way {
  /** Attempts in a row, as above; from `BLOCKED_AFTER` on it is an event stream's turn. */
  blocked: number;
}

/** What the next attempt is made with; `settings` have at least one of the two. Rejects where it can't be loaded. */
export async function socketOf(settings: Settings): Promise<SocketConstructor> {
  const { WebSocket, EventSource, way } = settings;
  if (WebSocket && (!EventSource || way.blocked < BLOCKED_AFTER)) return WebSocket;
  return (await import("./event-stream.ts")).eventStreams(settings);
}
