import type { Connections } from "../../connections/connections.ts";
import type { Objects } from "../../objects/ports.ts";
import type { Session } from "../../protocol/bodies.ts";
import { byKeeper, keeperOf } from "./keepers.ts";
import type { SessionRow } from "./session-table.ts";

/**
 * The live sessions of a user, as the user and keys may see them. When a session was last heard is known
 * to its keeper: one call to each; one that does not answer leaves the time of connecting.
 */
export async function listSessions(
  user: string,
  rows: SessionRow[],
  connections: Connections,
  objects: Objects,
): Promise<Session[]> {
  const heard = await heardElsewhere(rows, objects);
  const sessions: Session[] = [];
  for (const row of rows) {
    const own = row.keeper.kind === "user" ? connections.find(row.session) : undefined;
    const lastSeenAt = own?.heardAt ?? heard.get(row.session) ?? row.connectedAt;
    sessions.push(asSession(user, row, lastSeenAt));
  }
  return sessions;
}

async function heardElsewhere(rows: SessionRow[], objects: Objects): Promise<Map<string, number>> {
  const asked = byKeeper(rows).map(([keeper, sessions]) => keeperOf(objects, keeper).lastSeen(sessions));
  const heard = new Map<string, number>();
  for (const answer of await Promise.allSettled(asked)) {
    if (answer.status === "rejected") continue;
    for (const [session, at] of Object.entries(answer.value)) heard.set(session, at);
  }
  return heard;
}

function asSession(user: string, row: SessionRow, lastSeenAt: number): Session {
  const { session: id, keeper, device, transport, connectedAt, ip, region } = row;
  return {
    id,
    user,
    device,
    transport,
    ...(keeper.kind === "channel" ? { channel: keeper.channel } : {}),
    connectedAt,
    lastSeenAt,
    ...(ip === undefined ? {} : { ip }),
    ...(region === undefined ? {} : { region }),
  };
}
