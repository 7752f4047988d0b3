import type { Connections } from "../connections/connections.ts";
import type { KeptSessions } from "../connections/kept/kept-sessions.ts";
import type { ChannelSummary } from "../protocol/bodies.ts";
import type { MessageLog } from "./log/message-log.ts";
import type { Relays } from "./relays/relays.ts";
import type { Members } from "./roster/members.ts";

interface Rooms {
  sessions: KeptSessions;
  connections: Connections;
  members: Members;
  relays: Relays;
  log: MessageLog;
}

/** A channel as back ends see it, in numbers. */
export function summaryOf(channel: string, rooms: Rooms): ChannelSummary {
  const { sessions, members, relays, log } = rooms;
  return {
    channel,
    ...members.counts,
    subscribers: sessions.subscribed.size,
    epoch: log.knownEpoch,
    offset: log.top,
    relays: relays.members.names.length,
    regions: regionsOf(rooms),
    createdAt: log.createdAt,
  };
}

/** Members by where their connections to the channel are: each once in every region that is known. */
function regionsOf({ connections, relays }: Rooms): Record<string, number> {
  const users = new Map<string, Set<string>>();
  const add = (region: string, user: string) => {
    const there = users.get(region) ?? new Set();
    users.set(region, there.add(user));
  };
  for (const { user, state } of connections.all()) if (state.hint !== undefined) add(state.hint, user);
  for (const { user, live, regions } of relays.members.all()) {
    if (live > 0) for (const region of regions) add(region, user);
  }
  return Object.fromEntries([...users].map(([region, { size }]) => [region, size]));
}
