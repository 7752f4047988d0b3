import type { SessionRow } from "../connections/kept/session-table.ts";
import type { MemberState } from "../objects/ports.ts";
import type { RelayMember } from "../objects/relaying.ts";

/** One user as these sessions show it, of which there is at least one: the live ones, or those that ended last. */
export function relayMemberOf(
  user: string,
  sessions: readonly SessionRow[],
  state: MemberState,
  regions: ReadonlyMap<string, string>,
): RelayMember {
  const live = sessions.filter(({ end }) => end === null);
  const endedAt = live.length > 0 ? null : Math.max(...sessions.map(({ end }) => end?.at ?? 0));
  const counted = live.length > 0 ? live : sessions.filter(({ end }) => end?.at === endedAt);
  const info = counted.at(-1)?.info;
  return {
    user,
    live: live.length,
    types: sorted(counted.map(({ device }) => device.type)),
    ...(info === undefined ? {} : { info }),
    joinedAt: Math.min(...sessions.map(({ joinedAt }) => joinedAt)),
    endedAt,
    regions: sorted(live.flatMap(({ session }) => regions.get(session) ?? [])),
    state,
  };
}

function sorted<T extends string>(all: readonly T[]): T[] {
  return [...new Set(all)].sort();
}
