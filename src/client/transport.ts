import type { Settings } from "./settings.ts";
import type { SocketConstructor } from "./socket.ts";

/** So many attempts in a row that no WebSocket came of, though HTTP got through, mean that they are blocked here. */
const BLOCKED_AFTER = 3;

/** What the next attempt is made with. Rejects where it can't be loaded. */
export async function socketOf(settings: Settings): Promise<SocketConstructor> {
  const { WebSocket, EventSource, blocked } = settings;
  return WebSocket && !(EventSource && blocked === BLOCKED_AFTER)
    ? WebSocket
    : (await import("./event-stream.ts")).eventStreams(settings);
}

/** Nothing came of an attempt, though HTTP got through. After a stream WebSockets have their turn again. */
export function noteBlocked(settings: Settings): void {
  settings.blocked = (settings.blocked + 1) % (BLOCKED_AFTER + 1);
}

/** It was welcomed: only failures in a row count, and a stream is stayed with. */
export function noteWelcome(settings: Settings): void {
  settings.blocked -= settings.blocked % BLOCKED_AFTER;
}
