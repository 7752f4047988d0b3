import type { Broadcast } from "../objects/broadcast.ts";
import type { Connection } from "./connection.ts";
import type { Connections } from "./connections.ts";

/**
 * Broadcasts that a session remembers, so that a repeat is none. A repeat comes within ten minutes; 32 ids are
 * less than 1 KB of the 16 that a socket carries. No row: who loses the attachment has lost the socket too.
 */
export const REMEMBERED = 32;

/**
 * Tells these sessions, as far as they are kept here, each once. One whose socket fails holds up no other; the
 * first failure is thrown after all were tried, and whoever has heard it will not hear it again.
 */
export function tellOnce(connections: Connections, sessions: Iterable<string>, broadcast: Broadcast): void {
  const failures: unknown[] = [];
  for (const session of sessions) {
    const connection = connections.find(session);
    if (connection === undefined || connection.state.broadcasts.includes(broadcast.id)) continue;
    try {
      tell(connection, broadcast);
    } catch (cause) {
      failures.push(cause);
    }
  }
  if (failures.length > 0) throw failures[0];
}

function tell(connection: Connection, { id, frame }: Broadcast): void {
  connection.tell(frame);
  connection.update({ broadcasts: [...connection.state.broadcasts, id].slice(-REMEMBERED) });
}
