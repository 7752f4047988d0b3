import type { Connections } from "../connections.ts";
import type { KeptSessions } from "./kept-sessions.ts";

/** When each of these sessions was last heard, in milliseconds; absent when it has no connection here. */
export function lastSeen(wanted: readonly string[], connections: Connections): Record<string, number> {
  const heard: Record<string, number> = {};
  for (const session of wanted) {
    const connection = connections.find(session);
    if (connection !== undefined) heard[session] = connection.heardAt;
  }
  return heard;
}

/** When the client of each last did something; also of one whose admission is under way. Absent when it is not kept here. */
export function lastActive(
  wanted: readonly string[],
  { sessions, connections }: { sessions: KeptSessions; connections: Connections },
): Record<string, number> {
  const active: Record<string, number> = {};
  for (const session of wanted) {
    const row = sessions.live(session);
    const { activeAt = 0 } = connections.find(session) ?? {};
    if (row !== undefined) active[session] = Math.max(row.connectedAt, activeAt);
  }
  return active;
}
